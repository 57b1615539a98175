import time
from datetime import datetime

import pytest

from protogcn.errors import ConfigError, OutOfTimeError
from protogcn.files.progress import RunProgress
from protogcn.jobs.deadline import TimeLimit, limit_of_this_job
from tests.made.squeue import hide_squeue, put_squeue

AT_37 = RunProgress("running", 37, 150)


def tried(seconds, share):
    return RunProgress("running", 0, 150, seconds_in_epoch=seconds, share_then=share)


def after(left, *lengths):
    limit = TimeLimit(left)
    for seconds in lengths:
        limit.add(seconds)
    return limit


def test_without_a_limit_every_epoch_starts():
    after(None, 1e9).check("run", AT_37)


@pytest.mark.parametrize("left", [-5.0, 0.0, 3.0, 1e6])
def test_first_epoch_of_a_job_starts_however_little_time_is_left(left):
    TimeLimit(left).check("run", AT_37)


def test_epoch_that_fits_starts():
    after(200, 100).check("run", AT_37)


def test_epoch_that_does_not_fit_is_left_to_the_next_job():
    with pytest.raises(OutOfTimeError) as error:
        after(120, 60, 100, 70).check("nano_xsub/protogcn/j", AT_37)
    assert str(error.value).startswith("nano_xsub/protogcn/j: epoch 38 of 150 is left to the next")
    assert "takes up to 0:01:40, and this job ends in 0:02:00" in str(error.value)


def test_one_slow_epoch_is_forgotten_after_some():
    """The first one compiles."""
    after(120, 500, *[10] * 5).check("run", AT_37)


def test_epoch_that_no_job_of_this_length_can_finish_is_said_to_be():
    with pytest.raises(ConfigError, match=r"epoch 1 of 150 has no chance: an earlier job did 40%"):
        TimeLimit(7200).check("run", tried(7100, 0.4))


@pytest.mark.parametrize(
    ("left", "earlier"),
    [
        (7200, tried(3000, 0.1)),  # killed early: this one has more time than that
        (7200, tried(6900, 0.98)),  # killed just before its end: this one gets there
        (20000, tried(7100, 0.4)),  # a retry with more time
    ],
)
def test_epoch_that_may_end_this_time_starts(left, earlier):
    TimeLimit(left).check("run", earlier)


def test_no_scheduler_is_no_limit():
    assert limit_of_this_job(environment={}).left is None


@pytest.mark.parametrize("form", ["{}", "{:.0f} "])
def test_end_is_named_in_seconds(form):
    text = form.format(time.time() + 3600)
    assert limit_of_this_job(text, {}).left == pytest.approx(3600, abs=60)
    assert limit_of_this_job(None, {"PROTOGCN_STOP_AT": text}).left == pytest.approx(3600, abs=60)


def test_end_is_named_as_local_time():
    text = datetime.fromtimestamp(time.time() + 7200).isoformat(timespec="seconds")
    assert limit_of_this_job(text, {}).left == pytest.approx(7200, abs=60)


def test_argument_goes_before_the_environment():
    later = {"PROTOGCN_STOP_AT": str(time.time() + 7200)}
    assert limit_of_this_job(str(time.time() + 3600), later).left == pytest.approx(3600, abs=60)


@pytest.mark.parametrize("text", ["tomorrow", "3600", "nan", "inf", "2030-13-01"])
def test_end_that_is_no_moment_is_refused(text):
    with pytest.raises(ConfigError, match=f"--stop-at: found '{text}', expected seconds since"):
        limit_of_this_job(text, {})


def test_slurm_says_when_the_job_ends(tmp_path, monkeypatch):
    end = datetime.fromtimestamp(time.time() + 3600).isoformat(timespec="seconds")
    put_squeue(tmp_path / "bin", monkeypatch, f"echo '7|{end}'")
    assert limit_of_this_job(None, {"SLURM_JOB_ID": "7"}).left == pytest.approx(3600, abs=60)


def test_newer_slurm_says_it_without_being_asked(tmp_path, monkeypatch):
    hide_squeue(tmp_path / "empty", monkeypatch)
    environment = {"SLURM_JOB_ID": "7", "SLURM_JOB_END_TIME": str(int(time.time()) + 3600)}
    assert limit_of_this_job(None, environment).left == pytest.approx(3600, abs=60)


def test_the_earlier_end_counts():
    environment = {"SLURM_JOB_ID": "7", "SLURM_JOB_END_TIME": str(int(time.time()) + 3600)}
    assert limit_of_this_job(str(time.time() + 60), environment).left < 100


def test_slurm_that_gives_no_answer_is_told(tmp_path, monkeypatch, capsys):
    hide_squeue(tmp_path / "empty", monkeypatch)
    assert limit_of_this_job(None, {"SLURM_JOB_ID": "7"}).left is None
    assert "Slurm job 7: its end is not known" in capsys.readouterr().err
