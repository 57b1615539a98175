"""The faults that take minutes: time-out, lost node, preemption, Ctrl-C, killed controller."""

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.slurm.cluster import GPUS, NODES
from tests.slurm.conftest import REPOSITORY, RUNS, TABLE
from tests.slurm.test_interrupted_jobs import CHECKPOINT, TRAINING

pytestmark = pytest.mark.minutes


def test_training_that_runs_out_of_time_is_sent_again_and_goes_on(laboratory, tmp_path):
    configs = laboratory.long_training()
    limit = ("--set-resources", "train_stream:runtime=1", "train_stream:slurm_partition=gpu")
    snakemake = laboratory.start(CHECKPOINT, *limit, configs=configs)
    laboratory.wait_for_epochs(3)
    laboratory.freeze()  # a training that hangs, or is slower than was estimated
    code, output = laboratory.finish(snakemake, seconds=300)
    assert code == 0, output
    assert "SLURM status is: 'TIMEOUT'" in output
    assert "Trying to restart job" in output
    assert "resumes from epoch" in laboratory.log()
    laboratory.assert_same_weights_as_undisturbed(tmp_path)


def test_training_of_a_lost_node_goes_on_elsewhere_and_the_old_one_stops(laboratory, tmp_path):
    """The node's daemon is gone and its process wakes up later: the worst case, two would train."""
    configs, slurm = laboratory.long_training(), laboratory.cluster
    snakemake = laboratory.start(CHECKPOINT, configs=configs)
    laboratory.wait_for_epochs(3)
    job, first = slurm.job_of(TRAINING), laboratory.owner()
    node = next(told for told in slurm.seen() if told["JobId"] == job)["BatchHost"]
    process = laboratory.freeze()
    slurm.stop_node(node)
    try:
        slurm.wait_until(lambda: slurm.states()[node] == "down", 90, "the lost node")
        slurm.wait_until(lambda: laboratory.owner()["id"] != first["id"], 90, "another process")
        os.kill(process, signal.SIGCONT)
        slurm.wait_until(lambda: not is_running(process), 60, "the end of the first")
        code, output = laboratory.finish(snakemake)
    finally:
        slurm.start_node(node)
        slurm.wait_until(lambda: slurm.states()[node] == "idle", 60, "the node")
    assert code == 0, output
    told = next(told for told in slurm.seen() if told["JobId"] == job)
    assert told["Restarts"] == "1"
    assert told["BatchHost"] != node
    laboratory.assert_same_weights_as_undisturbed(tmp_path)


def test_training_makes_room_for_a_job_of_higher_priority_and_goes_on(laboratory, tmp_path):
    """Preemption as sites set it up: a partition with a higher tier requeues the jobs of others."""
    configs, slurm = laboratory.long_training(), laboratory.cluster
    snakemake = laboratory.start(CHECKPOINT, configs=configs)
    laboratory.wait_for_epochs(3)
    job = slurm.job_of(TRAINING)
    every_gpu = (f"--nodes={len(NODES)}", f"--gres=gpu:{GPUS}", "--mem=100")
    options = ("--parsable", "--partition=urgent", "--output=/dev/null", *every_gpu)
    urgent = slurm.ask("sbatch", *options, "--wrap=sleep 3").strip()
    slurm.wait_until(lambda: slurm.job_of(TRAINING, "PENDING") == job, 60, "the preemption")
    assert not (laboratory.folder / CHECKPOINT).exists()
    code, output = laboratory.finish(snakemake, seconds=300)
    assert code == 0, output
    assert "Trying to restart" not in output
    told = {one["JobId"]: one for one in slurm.seen()}
    assert (told[job]["JobState"], told[job]["Restarts"]) == ("COMPLETED", "1")
    assert told[urgent]["JobState"] == "COMPLETED"
    assert "resumes from epoch" in laboratory.log()
    laboratory.assert_same_weights_as_undisturbed(tmp_path)


def test_ctrl_c_cancels_the_jobs(laboratory):
    configs, slurm = laboratory.long_training(), laboratory.cluster
    snakemake = laboratory.start(TABLE, configs=configs)
    laboratory.wait_for_epochs(2)
    snakemake.send_signal(signal.SIGINT)
    code, _ = laboratory.finish(snakemake, seconds=60)
    assert code != 0
    slurm.wait_until(lambda: not slurm.jobs(), 30, "an empty queue")
    assert "train_stream" in laboratory.planned(TABLE, configs=configs)  # and no lock is left


@pytest.fixture
def orphan(laboratory):
    """A training whose snakemake was killed with -9, and its config."""
    configs = laboratory.long_training()
    snakemake = laboratory.start(CHECKPOINT, configs=configs)
    laboratory.wait_for_epochs(2)
    laboratory.freeze()  # so that it does not end before the test has looked
    snakemake.kill()
    snakemake.wait(timeout=20)
    assert laboratory.cluster.job_of(TRAINING) is not None
    return configs


def test_killed_controller_finds_its_job_and_does_not_send_it_twice(laboratory, orphan, tmp_path):
    slurm, job = laboratory.cluster, laboratory.cluster.job_of(TRAINING)
    code, output = laboratory.snakemake(CHECKPOINT, configs=orphan)
    assert code == 1
    assert "LockException" in output
    code, output = laboratory.snakemake("--unlock", configs=orphan)
    assert code == 0, output

    code, output = laboratory.snakemake(CHECKPOINT, configs=orphan)
    assert code == 1
    assert "ConfigError: an earlier Snakemake left jobs in the queue" in output
    assert f"scancel {job}." in output
    assert "Traceback" not in output
    assert list(slurm.jobs()) == [job]

    slurm.ask("scancel", job)
    slurm.wait_until(lambda: not slurm.jobs(), 30, "an empty queue")
    code, output = laboratory.snakemake(CHECKPOINT, configs=orphan)  # no second --unlock
    assert code == 0, output
    assert "resumes from epoch" in laboratory.log()
    laboratory.assert_same_weights_as_undisturbed(tmp_path)


def test_orphan_stops_when_another_process_trains_its_run(laboratory, orphan, tmp_path):
    slurm, job = laboratory.cluster, laboratory.cluster.job_of(TRAINING)
    old = laboratory.owner()
    new = subprocess.Popen(laboratory.training(laboratory.folder), cwd=REPOSITORY)
    laboratory.running.append(new)
    slurm.wait_until(lambda: laboratory.owner()["id"] != old["id"], 60, "another process")
    os.kill(old["process"], signal.SIGCONT)
    slurm.wait_until(lambda: not slurm.jobs(), 60, "the end of the orphan")
    assert new.wait(timeout=120) == 0
    told = next(told for told in slurm.seen() if told["JobId"] == job)
    assert told["JobState"] == "FAILED"
    assert "SupersededError" in laboratory.log()
    laboratory.assert_same_weights_as_undisturbed(tmp_path)


def test_orphan_that_wakes_when_its_run_is_finished_leaves_it_alone(laboratory, orphan):
    slurm, job, old = laboratory.cluster, laboratory.cluster.job_of(TRAINING), laboratory.owner()
    subprocess.run(laboratory.training(laboratory.folder), check=True, cwd=REPOSITORY, timeout=180)
    files = [laboratory.folder / RUNS / "j" / name for name in ("checkpoint.pt", "history.csv")]
    finished = [file.read_bytes() for file in files]
    os.kill(old["process"], signal.SIGCONT)
    slurm.wait_until(lambda: not slurm.jobs(), 60, "the end of the orphan")
    told = next(told for told in slurm.seen() if told["JobId"] == job)
    assert told["JobState"] == "COMPLETED"
    assert "has finished it" in laboratory.log()
    assert [file.read_bytes() for file in files] == finished


def test_training_longer_than_its_jobs_goes_through_several(laboratory, tmp_path, monkeypatch):
    """Every job is out of time after one epoch; none of them failed, so none asks for more."""
    configs, slurm = laboratory.long_training(epochs=3), laboratory.cluster
    with monkeypatch.context() as patch:
        patch.setitem(slurm.environment, "PROTOGCN_STOP_AT", "2020-01-01T00:00")
        code, output = laboratory.snakemake(CHECKPOINT, configs=configs)
    assert code == 0, output
    jobs = [told for told in slurm.seen() if told.get("Comment") == TRAINING][-3:]
    assert [told["JobState"] for told in jobs] == ["FAILED", "FAILED", "COMPLETED"]
    assert len({(told["MinMemoryNode"], told["TimeLimit"]) for told in jobs}) == 1
    laboratory.assert_same_weights_as_undisturbed(tmp_path)


def test_two_jobs_at_once_are_never_three(laboratory):
    targets = [RUNS / stream / "checkpoint.pt" for stream in ("j", "b", "k", "jm")]
    snakemake = laboratory.start(*targets, "--jobs", 2)
    most, deadline = 0, time.monotonic() + 300
    while snakemake.poll() is None:
        assert time.monotonic() < deadline
        most = max(most, len(laboratory.cluster.jobs()))
        time.sleep(0.3)
    code, output = laboratory.finish(snakemake)
    assert code == 0, output
    assert most == 2


def test_wrong_partition_is_a_sentence_of_slurm(laboratory):
    wrong = ("--set-resources", "train_stream:slurm_partition=gpus", "--retries", 0)
    code, output = laboratory.snakemake(CHECKPOINT, *wrong)
    assert code == 1
    assert "invalid partition specified: gpus" in output


def is_running(process):
    """Tell whether a process is there and not just waiting to be collected."""
    status = Path(f"/proc/{process}/stat")
    try:
        return status.read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False
