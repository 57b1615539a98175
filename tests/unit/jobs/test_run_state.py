"""Run directories made by hand in every state, and one whose training runs."""

import os
import socket
from dataclasses import replace

import pytest

from protogcn.files.progress import RunProgress, save_progress
from protogcn.jobs.run_state import state_of
from protogcn.jobs.slurm import Job
from tests.made.nano import nano_run

RUN = nano_run()
LOG = RUN.log("train_stream")
NOW = 2_000_000_000.0
GONE = 2**22 + 1  # no process has such a number
ELSEWHERE = RunProgress(
    "running", 37, 150, accuracy=81.25, clips_per_second=803.0, seconds_left=500.0,
    updated=NOW - 60, host="node7", process=12, job="41",
)  # fmt: skip
HERE = replace(ELSEWHERE, host=socket.gethostname(), process=os.getpid(), job="")


class Place:
    """A folder with results in it; every file is as old as the test says."""

    def __init__(self, root):
        self.root = root
        self.folder = root / RUN.folder
        self.folder.mkdir(parents=True)
        self.write("config.yaml", age=5000)

    def write(self, name, text="", *, age=0.0):
        path = (self.root if "/" in name else self.folder) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        os.utime(path, (NOW - age, NOW - age))

    def tell(self, progress, *, age=0.0):
        save_progress(self.folder, progress)
        os.utime(self.folder / "progress.json", (NOW - age, NOW - age))

    def state(self, queue=None):
        return state_of(RUN, self.root, now=NOW, queue=queue)


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path)


def job(number, state, root, rule="train_stream"):
    return {number: Job(number, state, str(root), f"rule_{rule}_wildcards_nano_xsub_protogcn_j")}


def test_run_without_a_directory_waits(tmp_path):
    found = state_of(RUN, tmp_path, now=NOW)
    assert (found.state, found.epoch, found.epochs, found.log) == ("waiting", None, 4, LOG)


def test_run_that_never_started_waits(place):
    assert place.state().state == "waiting"


def test_job_in_the_queue_is_named(place):
    found = place.state(job("77", "PENDING", place.root))
    assert (found.state, found.job) == ("queued", "77")


def test_job_that_reads_its_data_starts(place):
    assert place.state(job("77", "RUNNING", place.root)).state == "starting"
    place.write(LOG, age=30)
    assert place.state().state == "starting"


def test_job_of_another_folder_is_not_this_one(place, tmp_path):
    assert place.state(job("77", "PENDING", tmp_path / "other")).state == "waiting"


@pytest.mark.parametrize("state", ["failed", "out of time"])
def test_training_that_ended_in_a_job_that_is_about_to_end_says_so(place, state):
    place.tell(replace(ELSEWHERE, state=state, message="why"), age=10)
    found = place.state(job("41", "COMPLETING", place.root))
    assert (found.state, found.message) == (state, "why")
    assert place.state(job("42", "RUNNING", place.root)).state == "starting"  # sent again


def test_training_here_runs(place):
    place.tell(HERE)
    found = place.state()
    assert (found.state, found.epoch, found.epochs) == ("running", 37, 150)
    assert (found.accuracy, found.clips_per_second, found.seconds_left) == (81.25, 803.0, 440.0)


def test_training_here_whose_process_is_gone_was_stopped(place):
    place.tell(replace(HERE, process=GONE))
    found = place.state()
    assert (found.state, found.epoch, found.seconds_left) == ("stopped", 37, None)
    assert "is gone, last heard of 0:01:00 ago" in found.message


@pytest.mark.parametrize(
    ("queue", "silent", "state"),
    [
        ({"41": Job("41", "RUNNING", "/x", "")}, 9999, "running"),  # a long compilation
        ({"41": Job("41", "PENDING", "/x", "")}, 60, "stopped"),  # requeued
        ({}, 60, "stopped"),  # the queue is the user's, and so is the file
        (None, 60, "running"),  # no queue to ask: heard of a minute ago
        (None, 9999, "silent"),
        (None, -9999, "silent"),  # the clock there is hours ahead, or jumped back here
    ],
)
def test_training_elsewhere_is_looked_up_in_the_queue_or_heard_of(place, queue, silent, state):
    place.tell(replace(ELSEWHERE, updated=NOW - silent))
    found = place.state(queue)
    assert (found.state, found.job, found.host) == (state, "41", "node7")


def test_training_elsewhere_is_not_said_to_be_gone_when_nobody_can_tell(place):
    place.tell(replace(ELSEWHERE, updated=NOW - 3600))
    assert place.state().message == (
        "process 12 on node7, last heard of 1:00:00 ago; from here it cannot be seen whether it"
        " runs"
    )
    assert place.state({}).message == "process 12 on node7 is gone, last heard of 1:00:00 ago"


def test_empty_log_of_a_job_that_slurm_refused_is_no_start(place):
    place.write(LOG, age=30)
    assert place.state().state == "starting"  # without Slurm: it reads its data
    assert place.state({}).state == "waiting"
    place.write(LOG, "GPU 0 of 0, 1.\n", age=30)
    assert place.state({}).state == "starting"  # in a job that Snakemake did not send


def test_requeued_job_waits_in_the_queue(place):
    place.tell(ELSEWHERE)
    found = place.state(job("41", "PENDING", place.root))
    assert (found.state, found.epoch, found.job) == ("queued", 37, "41")


def test_run_out_of_time_says_so(place):
    place.tell(replace(HERE, state="out of time", message="left to the next job"), age=10)
    place.write(LOG, "epoch 37/150\nOutOfTimeError: left to the next job\n", age=5)
    found = place.state()
    assert (found.state, found.message, found.epoch) == ("out of time", "left to the next job", 37)
    assert place.state(job("78", "PENDING", place.root)).state == "queued"


@pytest.mark.parametrize("progress", [None, replace(HERE, process=GONE)])
@pytest.mark.parametrize(
    "line",
    [
        "ContractError: results/data/nano/j.npy: its bytes changed",
        "torch.OutOfMemoryError: CUDA out of memory",
        "slurmstepd: error: Detected 1 oom_kill event",
    ],
)
def test_last_line_of_a_log_tells_of_a_failure(place, progress, line):
    if progress is not None:
        place.tell(progress, age=10)
    place.write(LOG, f"epoch 1/4\n\x1b[2K\r{line}\n\n", age=5)
    found = place.state()
    assert (found.state, found.message, found.log) == ("failed", line, LOG)


def test_failure_is_told_without_a_log(place):
    place.tell(replace(HERE, state="failed", message="the loss is nan"))
    assert (place.state().state, place.state().message) == ("failed", "the loss is nan")


def test_failure_before_the_present_training_is_old(place):
    place.write(LOG, "ContractError: long ago\n", age=100)
    place.tell(HERE)
    assert place.state().state == "running"


def test_trained_run_waits_for_its_scores(place):
    place.tell(replace(HERE, state="finished", epoch=150))
    place.write("checkpoint.pt", age=50)
    assert place.state().state == "trained"
    found = place.state(job("79", "RUNNING", place.root, rule="score_stream"))
    assert (found.state, found.job) == ("trained", "79")


def test_failed_scoring_names_its_own_log(place):
    place.write("checkpoint.pt", age=50)
    place.write(RUN.log("score_stream"), "ConfigError: no GPU\n", age=5)
    found = place.state()
    assert (found.state, found.message) == ("failed", "ConfigError: no GPU")
    assert found.log == RUN.log("score_stream")


def test_scored_run_is_done(place):
    place.write("checkpoint.pt", age=50)
    place.write("scores.npz", age=20)
    assert place.state().state == "scored"


def test_scores_older_than_the_network_do_not_count(place):
    place.write("checkpoint.pt", age=50)
    place.write("scores.npz", age=70)
    assert place.state().state == "trained"


def test_network_older_than_its_settings_does_not_count(place):
    place.write("checkpoint.pt", age=6000)
    place.write("scores.npz", age=5900)
    found = place.state()
    assert (found.state, found.message[:34]) == ("waiting", "checkpoint.pt is older than config")


def test_finished_training_whose_outputs_were_lost_waits(place):
    place.tell(replace(HERE, state="finished", epoch=150))
    assert place.state().state == "waiting"


def test_damaged_progress_is_one_sentence(place):
    place.write("progress.json", '{"state": "\x1b[31m"}')
    found = place.state()
    assert found.state == "damaged"
    assert "progress.json" in found.message


@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo])
def test_what_is_no_log_is_not_opened(place, make):
    (place.root / LOG).parent.mkdir(parents=True)
    make(place.root / LOG)
    assert place.state().message == ""


def test_run_whose_network_cannot_be_imported_says_why(place):
    run = replace(RUN, settings={**RUN.settings, "checkpoint": "somebodys.pth"})
    log = run.log("import_checkpoint")
    place.write(log, "ContractError: somebodys.pth: lacks fc.weight\n", age=100)
    found = state_of(run, place.root, now=NOW)
    assert (found.state, found.log) == ("failed", log)
    assert "lacks fc.weight" in found.message


def test_run_whose_scores_are_somebodys_needs_no_checkpoint(place):
    run = replace(RUN, settings={**RUN.settings, "scores": "best_pred.pkl"})

    def state():
        return state_of(run, place.root, now=NOW)

    assert state().state == "waiting"
    log = run.log("import_scores")
    place.write(
        log, "ContractError: best_pred.pkl as run nano_xsub/protogcn/j: other clips\n", age=100
    )
    assert (state().state, state().log) == ("failed", log)
    assert "other clips" in state().message
    place.write("scores.npz", age=50)
    assert state().state == "scored"
