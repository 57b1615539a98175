from dataclasses import replace

import pytest

from protogcn.errors import ContractError
from protogcn.files.scores import Scores
from protogcn.report.tables.measure import measure
from tests.made.table_scores import cell, digest_of, predictions, write_scores

LABELS = [0, 1, 2, 3]


def measured(root, *cells, partial=False, **settings):
    """Measure cells with every score file under a folder."""
    paths = sorted(root.glob("results/runs/*/*/*/*/scores.npz"))
    files = {(f"{p.parts[-5]}_{p.parts[-4]}", *p.parts[-3:-1]): p for p in paths}
    digests = {"/".join(run): digest_of(run[2], run[1], **settings) for run in files}
    found = measure(cells, files, digests, partial=partial)
    assert list(found) == list(cells)
    return [found[wanted] for wanted in cells]


def test_one_stream_by_hand(tmp_path):
    write_scores(tmp_path, "j", predictions(0, 1, 2, 0), LABELS)
    (found,) = measured(tmp_path, cell("J", "j"))
    assert found.values == (75.0,)
    assert (found.clips, found.notes) == (4, ())


def test_each_metric_by_hand(tmp_path):
    """Classes 0, 0, 1 are labels, 0, 0, 0 are predicted."""
    write_scores(tmp_path, "j", predictions(0, 0, 0), [0, 0, 1])
    top1, mean_class, top5 = measured(
        tmp_path,
        cell("J", "j"),
        cell("J", "j", metric="mean_class"),
        cell("J", "j", metric="top5"),
    )
    assert top1.values == pytest.approx((200 / 3,))
    assert mean_class.values == (50.0,)
    assert top5.values == ()  # there are four classes only


def test_repeats_are_measured_one_by_one(tmp_path):
    write_scores(tmp_path, "j", predictions(0, 1, 2, 3), LABELS)
    write_scores(tmp_path, "j-2", predictions(0, 1, 0, 0), LABELS)
    (found,) = measured(tmp_path, cell("J", "j", "j-2"))
    assert found.values == (100.0, 50.0)


def test_credits_are_of_the_mean_over_repeats_of_the_same_clips(tmp_path):
    write_scores(tmp_path, "j", predictions(0, 1, 2, 3), LABELS)
    write_scores(tmp_path, "j-2", predictions(3, 0, 1, 0), LABELS[::-1], clips=["c3", "c2", "c1", "c0"])  # fmt: skip
    write_scores(tmp_path, "j-3", predictions(0), [0])
    two, other = measured(tmp_path, cell("J", "j", "j-2"), cell("J of others", "j", "j-3"))
    assert two.credits.values.tolist() == [1, 1, 0.5, 1]
    assert other.credits is None


def test_an_ensemble_is_the_weighted_sum_joined_by_clip(tmp_path):
    """The bone stream is right, its clips are in another order, and it counts more."""
    write_scores(tmp_path, "j", predictions(1, 2), [0, 1], clips=["x", "y"])
    write_scores(tmp_path, "b", predictions(1, 0), [1, 0], clips=["y", "x"])
    bone, joint = measured(
        tmp_path, cell("2ens", {"j": 1.0, "b": 2.0}), cell("2ens", {"j": 2.0, "b": 1.0})
    )
    assert (bone.values, joint.values) == ((100.0,), (0.0,))


def test_what_had_help_from_test_labels_is_noted(tmp_path):
    write_scores(tmp_path, "j", predictions(0), [0], select="best")
    (found,) = measured(tmp_path, cell("J", "j", notes=("tuned_on_test",)))
    assert found.notes == ("selected_best", "tuned_on_test")


def test_training_that_started_from_another_network_is_noted(tmp_path):
    path = write_scores(tmp_path, "j", predictions(0), [0])
    drawn = Scores.load(path)
    replace(drawn, provenance={**drawn.provenance, "start": {"file": "a.pth"}}).save(path)
    (found,) = measured(tmp_path, cell("J", "j"))
    assert found.notes == ("started",)


def test_copies_across_the_split_are_noted(tmp_path):
    path = write_scores(tmp_path, "j", predictions(0), [0])
    drawn = Scores.load(path)
    for number, notes in ((0, ()), (2, ("copies",))):
        copies = {"groups": number, "test clips": number}
        replace(drawn, provenance={**drawn.provenance, "copies": copies}).save(path)
        (found,) = measured(tmp_path, cell("J", "j"))
        assert found.notes == notes


def test_fused_streams_in_different_spaces_are_noted(tmp_path):
    write_scores(tmp_path, "j", predictions(0), [0])
    path = write_scores(tmp_path, "b", predictions(0), [0])
    network = Scores.load(path)
    replace(network, provenance={**network.provenance, "space": "probability"}).save(path)
    found = measured(tmp_path, cell("JB", {"j": 1.0, "b": 1.0}), cell("J", "j"), cell("B", "b"))
    assert [each.notes for each in found] == [("mixed_spaces",), (), ()]


def test_other_test_clips_are_noted(tmp_path):
    write_scores(tmp_path, "j", predictions(0, 1), [0, 1])
    write_scores(tmp_path, "j", predictions(0), [0], model="other")
    first, second = measured(tmp_path, cell("J", "j"), cell("J", "j", model="other"))
    assert (first.notes, second.notes) == ((), ("other_clips",))


def test_scores_of_other_settings_are_noted_but_not_of_another_device(tmp_path):
    write_scores(tmp_path, "j", predictions(0), [0])
    (found,) = measured(tmp_path, cell("J", "j"), epochs=9)
    assert found.notes == ("other_settings",)
    (found,) = measured(tmp_path, cell("J", "j"), device="cuda", gpus=4)
    assert found.notes == ()


def test_a_whole_table_refuses_a_missing_score_file(tmp_path):
    with pytest.raises(ContractError, match="nano_xsub/protogcn/j: no score file was given"):
        measured(tmp_path, cell("J", "j"))


def test_a_partial_table_fills_nothing_in(tmp_path):
    write_scores(tmp_path, "j", predictions(0), [0])
    some, none, ensemble = measured(
        tmp_path, cell("J", "j", "j-2"), cell("B", "b"), cell("2ens", {"j": 1, "b": 1}),
        partial=True,
    )  # fmt: skip
    assert (some.values, some.notes) == ((100.0,), ("incomplete",))
    assert (none.values, none.notes) == ((), ("missing",))
    assert (ensemble.values, ensemble.notes) == ((), ("missing",))


def test_nothing_to_measure_is_no_missing_number(tmp_path):
    (found,) = measured(tmp_path, cell("4ens", notes=("not_configured",)))
    assert (found.values, found.notes) == ((), ("not_configured",))


def test_refuses_a_file_of_another_run(tmp_path):
    path = write_scores(tmp_path, "j", predictions(0), [0])
    path.parent.rename(path.parent.with_name("b"))
    with pytest.raises(ContractError, match="scores of nano_xsub/protogcn/b: the file holds"):
        measured(tmp_path, cell("B", "b"))
