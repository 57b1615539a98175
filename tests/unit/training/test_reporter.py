import os
import socket
import sys
import time
import types
from dataclasses import replace

import pytest

from protogcn.errors import (
    NotFiniteError,
    OutOfTimeError,
    SupersededError,
    TooLittleMemoryError,
    enough_memory,
)
from protogcn.files.progress import RunProgress, load_progress, save_progress
from protogcn.jobs.deadline import TimeLimit
from protogcn.training import reporter
from protogcn.training.reporter import Reporter
from protogcn.training.run_owner import Owner

ROW = {
    "epoch": 1,
    "learning_rate": 0.1,
    "loss": 2.5,
    "accuracy": 50.0,
    "clips_per_second": 20.0,
    "seconds": 5.0,
}


def report_in(folder, history=(), seconds=None, owner=None):
    return Reporter(
        owner or Owner(folder),
        folder,
        epochs=10,
        num_clips=100,
        measured_share=0.5,
        history=history,
        name="run",
        limit=TimeLimit(seconds),
    )


def test_a_lack_of_memory_is_a_failure_with_what_to_lower(tmp_path):
    with pytest.raises(TooLittleMemoryError):
        with report_in(tmp_path).record_outcome(), enough_memory("run", "lower batch"):
            raise MemoryError
    found = load_progress(tmp_path)
    assert (found.state, found.message[-14:]) == ("failed", "; lower batch.")


@pytest.fixture
def every_step(monkeypatch):
    monkeypatch.setattr(reporter, "SECONDS_BETWEEN_WRITES", 0.0)


def test_start_says_who_and_where(tmp_path):
    report_in(tmp_path, seconds=3600)
    found = load_progress(tmp_path)
    assert (found.state, found.epoch, found.epochs) == ("running", 0, 10)
    assert (found.host, found.process) == (socket.gethostname(), os.getpid())
    assert found.ends == pytest.approx(time.time() + 3600, abs=60)
    assert found.updated == pytest.approx(time.time(), abs=60)
    assert found.seconds_left is None


def test_going_on_shows_the_last_epoch_at_once(tmp_path):
    report_in(tmp_path, history=[ROW, ROW])
    found = load_progress(tmp_path)
    assert (found.epoch, found.accuracy) == (2, 50.0)
    assert found.seconds_left == 8 * 100 / 20


def test_epoch_that_is_done_counts(tmp_path):
    report_in(tmp_path).end_epoch(ROW, lambda: None)
    found = load_progress(tmp_path)
    assert (found.epoch, found.clips_per_second, found.seconds_left) == (1, 20.0, 45.0)


def test_steps_are_seldom_written(tmp_path):
    report_in(tmp_path).on_step(3, 4)
    assert load_progress(tmp_path).share == 0


def test_steps_tell_how_much_is_left(tmp_path, every_step):
    report_in(tmp_path, history=[ROW]).on_step(1, 2)
    found = load_progress(tmp_path)
    assert (found.share, found.seconds_left) == (0.5, 8.5 * 5)


def test_steps_stop_a_training_that_was_taken_over(tmp_path, every_step):
    report = report_in(tmp_path)
    Owner(tmp_path)
    before = (tmp_path / "progress.json").read_text()
    with pytest.raises(SupersededError):
        report.on_step(1, 2)
    assert (tmp_path / "progress.json").read_text() == before


@pytest.mark.parametrize(
    ("error", "state"), [(OutOfTimeError, "out of time"), (NotFiniteError, "failed")]
)
def test_end_is_told(tmp_path, error, state):
    with pytest.raises(error), report_in(tmp_path).record_outcome():
        raise error("why")
    found = load_progress(tmp_path)
    assert (found.state, found.message) == (state, "why")


def test_finished_training_says_so(tmp_path):
    with report_in(tmp_path).record_outcome():
        pass
    assert load_progress(tmp_path).state == "finished"


@pytest.mark.parametrize("error", [OutOfTimeError, NotFiniteError])
def test_error_after_a_take_over_says_nothing_of_the_new_owner(tmp_path, error):
    report = report_in(tmp_path)
    other = report_in(tmp_path)
    with pytest.raises(SupersededError), report.record_outcome():
        raise error("of the old one")
    assert load_progress(tmp_path) == other.now


def test_next_job_knows_how_long_this_one_tried(tmp_path, every_step):
    report = report_in(tmp_path)
    report._began -= 500
    report.on_step(1, 4)
    again = report_in(tmp_path)
    assert again.now.seconds_in_epoch == pytest.approx(500, abs=60)
    assert again.now.share_then == 0.25
    again.on_step(3, 4)  # a shorter try changes nothing
    assert again.now.share_then == 0.25
    again.end_epoch(ROW, lambda: None)
    assert again.now.seconds_in_epoch == 0


def test_try_at_another_epoch_counts_for_nothing(tmp_path):
    save_progress(tmp_path, RunProgress("running", 3, 10, seconds_in_epoch=500.0, share_then=0.5))
    assert report_in(tmp_path, history=[ROW]).now.seconds_in_epoch == 0


def test_damaged_file_is_replaced(tmp_path, capsys):
    (tmp_path / "progress.json").write_text("{")
    report_in(tmp_path)
    assert "Warning: not used:" in capsys.readouterr().err
    assert load_progress(tmp_path).state == "running"


def test_training_goes_on_where_nothing_can_be_told(tmp_path, capsys):
    report = report_in(tmp_path)
    (tmp_path / "progress.json").unlink()
    (tmp_path / "progress.json").mkdir()
    report.end_epoch(ROW, lambda: None)
    assert "Warning:" in capsys.readouterr().err
    assert report.now == replace(report.now, epoch=1)


def test_tensorboard_sees_the_epochs_of_the_owner_alone(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboard", types.ModuleType("tensorboard"))
    report = report_in(tmp_path, history=[ROW])
    (file,) = tmp_path.glob("events.out.tfevents.*")
    size = file.stat().st_size
    report.end_epoch({**ROW, "epoch": 2}, lambda: None)
    grown = file.stat().st_size
    assert grown > size
    Owner(tmp_path)
    with pytest.raises(SupersededError):
        report.end_epoch({**ROW, "epoch": 3}, lambda: None)
    assert file.stat().st_size == grown


def test_newest_validation_stays_until_the_next_one_and_counts_for_the_time_left(tmp_path):
    report = report_in(tmp_path)
    report.end_epoch({**ROW, "val_accuracy": 60.0, "validation_seconds": 4.0}, lambda: None)
    assert load_progress(tmp_path).seconds_left == 9 * (100 / 20 + 0.5 * 4)
    report.end_epoch({**ROW, "epoch": 2}, lambda: None)
    found = load_progress(tmp_path)
    assert (found.measured_on, found.measured) == ("val", 60.0)
    assert (found.loss, found.learning_rate) == (2.5, 0.1)
    again = report_in(tmp_path, history=[{**ROW, "val_accuracy": 60.0, "validation_seconds": 4.0}])
    assert again.now.measured == 60.0


def test_epoch_with_a_validation_needs_its_time_too(tmp_path):
    row = {**ROW, "val_accuracy": 60.0, "validation_seconds": 500.0}
    report = report_in(tmp_path, history=[row], seconds=300)
    report.end_epoch({**ROW, "epoch": 2}, lambda: None)
    report.begin_epoch()
    with pytest.raises(OutOfTimeError, match="an epoch takes up to 0:08:20"):
        report.begin_epoch(validates=True)
