from benchmarks import statistics


def test_statistics_are_measured_on_few_clips():
    found = statistics.rows(num_clips=300, rounds=1)
    assert "6 streams x 300 clips x 120 classes" in found[0].name
    assert all(row.median > 0 for row in found)


def test_simulated_streams_are_right_about_as_often_as_real_ones():
    members = statistics.streams_of_scores(2000)
    for scores in members.values():
        assert 0.7 < (scores.logits.argmax(axis=1) == scores.labels).mean() < 0.9
