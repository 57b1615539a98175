"""Disks of a network: every flush and rename answers late, and files are seen late."""

import pytest

from tests.abuse.traced import can_trace, disturb

LATE = 200_000  # microseconds of each fsync and rename


@pytest.mark.skipif(not can_trace(), reason="needs strace")
def test_a_stage_on_a_disk_that_answers_late_leaves_equal_bytes(campaign, line, in_memory):
    folder = in_memory / "late"
    for stage in line.stages[: campaign.tries(push=1, nightly=40, release=40)]:
        line.before(stage, folder)
        process = line.run(stage, folder, stopped=True)
        code, _ = disturb(process, "fsync,rename", f"delay_exit={LATE}", "1+")
        assert code == 0, (stage.name, line.log(stage, folder))
        assert not line.difference(stage, folder), stage.name
        campaign.count("late, equal bytes")


def test_an_input_that_is_not_seen_yet_is_one_sentence_and_once_it_is_the_stage_runs(
    campaign, line, in_memory
):
    folder = in_memory / "unseen"
    for stage in line.stages[: campaign.tries(push=1, nightly=40, release=40)]:
        line.before(stage, folder)
        for name in [word for word in stage.words if word in stage.before]:
            path, hidden = folder / name, folder / "unseen"
            path.rename(hidden)
            process = line.run(stage, folder)
            code, told = process.wait(), line.log(stage, folder)
            hidden.rename(path)
            where = (stage.name, name, code, told[-600:])
            assert code in (2, 3), where
            assert path.name in told, where
            assert "Traceback" not in told, where
            assert not line.half_made(stage, folder), where
            campaign.count("not seen, one sentence")
        assert line.run(stage, folder).wait() == 0, (stage.name, line.log(stage, folder))
        assert not line.difference(stage, folder), stage.name
        campaign.count("seen, equal bytes")
