"""Trainings that stopped and go on: the same weights bit for bit, or from the beginning."""

import dataclasses
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest
import torch

from protogcn.errors import ContractError, OutOfTimeError, SupersededError
from protogcn.files.progress import load_progress
from protogcn.jobs.deadline import TimeLimit
from protogcn.models.checkpoint import load_checkpoint, save_checkpoint
from protogcn.training import train as stage
from protogcn.training.run_owner import Owner
from protogcn.training.train import train
from tests.made.command import run_command
from tests.made.nano import (
    DATASET,
    assert_same,
    nano_clips,
    nano_run,
    store_of,
    weights_of,
    write_dataset,
    write_run,
)


@pytest.fixture(scope="module")
def trained(data, tmp_path_factory):
    """The nano training to its end, and its folder; tests copy it."""
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("whole")
    return train(nano_run(), store_of(data), folder), folder


@pytest.fixture
def finished(trained, tmp_path):
    """A copy of the finished training's folder."""
    return Path(shutil.copytree(trained[1], tmp_path / "finished"))


def test_finished_training_started_again_trains_nothing(data, trained, finished):
    first, _ = trained
    second = train(nano_run(), store_of(data), finished)
    assert second.history == first.history
    assert_same(weights_of(first), weights_of(second))


def test_other_settings_start_from_the_beginning(data, tmp_path, finished, capsys):
    changed = train(nano_run(learning_rate=0.01), store_of(data), finished)
    assert "other learning_rate; training starts from the beginning" in capsys.readouterr().err
    fresh = train(nano_run(learning_rate=0.01), store_of(data), tmp_path / "fresh")
    assert_same(weights_of(changed), weights_of(fresh))


def test_second_split_and_another_device_setting_change_no_training(trained, finished, tmp_path):
    (tmp_path / "data").mkdir()
    dataset = dataclasses.replace(DATASET, splits=("xsub", "xview"))
    clips = [
        dataclasses.replace(c, sides={**c.sides, "xview": "test" if n % 2 else "train"})
        for n, c in enumerate(nano_clips())
    ]
    write_dataset(tmp_path / "data", clips, dataset)
    second = train(nano_run(device="auto"), store_of(tmp_path / "data"), finished)
    assert second.history == trained[0].history


def test_another_network_starts_from_the_beginning(data, finished, capsys):
    run = nano_run()
    wider = dataclasses.replace(run, network={**run.network, "width": 48})
    assert len(train(wider, store_of(data), finished).history) == 4
    assert "other model.width, network layout" in capsys.readouterr().err


def test_state_that_does_not_fit_is_one_sentence(data, finished):
    entries = dict.fromkeys(("facts", "model", "optimizer"), dict) | {"epoch": int}
    state = load_checkpoint(finished / "resume.pt", entries)
    save_checkpoint(finished / "resume.pt", state | {"optimizer": {}})
    with pytest.raises(ContractError, match=r"resume\.pt: found a damaged file"):
        train(nano_run(), store_of(data), finished)


def test_number_of_crops_is_no_setting_of_the_training(data, trained, finished):
    second = train(nano_run(crops=7), store_of(data), finished)
    assert second.history == trained[0].history


def command(data, folder, run):
    files = {
        "config": write_run(folder, run),
        "values": data / "j.npy",
        "clips": data / "clips.csv",
    }
    files |= {"checkpoint": folder / "checkpoint.pt", "history": folder / "history.csv"}
    arguments = [text for name, path in files.items() for text in (f"--{name}", str(path))]
    return [sys.executable, "-m", "protogcn", "train", *arguments]


def changed(resume):
    try:
        return resume.stat().st_mtime_ns
    except FileNotFoundError:  # also between two generations
        return 0


def kill_after_some_epochs(process, resume, moments, how):
    """Kill a training at a random moment after it saved at least one epoch more."""
    before = changed(resume)
    give_up = time.monotonic() + 60
    while changed(resume) <= before:
        assert process.poll() is None
        assert time.monotonic() < give_up
        time.sleep(0.005)
    time.sleep(moments.uniform(0, 0.4))
    process.send_signal(how)
    process.communicate()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("how", "kills"),
    [(signal.SIGKILL, 1)]
    + [pytest.param(how, 3, marks=pytest.mark.long) for how in (signal.SIGKILL, signal.SIGTERM)],
)
def test_killed_at_random_moments_it_ends_with_the_same_weights(
    data, tmp_path, monkeypatch, how, kills
):
    run, moments = nano_run(epochs=10 + 10 * kills), random.Random(int(how))
    whole, folder = tmp_path / "whole", tmp_path / "killed"
    train_here(data, whole, run, monkeypatch)
    for _ in range(kills):
        process = subprocess.Popen(command(data, folder, run), stderr=subprocess.PIPE)
        kill_after_some_epochs(process, folder / "resume.pt", moments, how)
        assert process.returncode == -how
        assert not (folder / "checkpoint.pt").exists()
    train_here(data, folder, run, monkeypatch)
    expected = load_checkpoint(whole / "checkpoint.pt", {"model": dict})
    found = load_checkpoint(folder / "checkpoint.pt", {"model": dict})
    assert_same(expected["model"], found["model"])
    histories = [
        pd.read_csv(path / "history.csv").drop(columns=["clips_per_second", "seconds"])
        for path in (whole, folder)
    ]
    pd.testing.assert_frame_equal(*histories, check_exact=True)


def cut_after(checks, run, data, folder, monkeypatch):
    """Train until the owner token is checked for the nth time, and stop there."""
    done = []

    def stop(self):
        done.append(self)
        if len(done) == checks:
            raise SupersededError("stopped by the test")

    with monkeypatch.context() as patch, pytest.raises(SupersededError):
        patch.setattr(Owner, "check", stop)
        train(run, store_of(data), folder)


def test_interrupted_between_epochs_it_goes_on_exactly(data, trained, tmp_path, monkeypatch):
    """The same without a process: the third epoch's save is the last thing that happens."""
    cut_after(3, nano_run(), data, tmp_path / "cut", monkeypatch)
    resumed = train(nano_run(), store_of(data), tmp_path / "cut")
    assert_same(weights_of(trained[0]), weights_of(resumed))


def test_interrupted_search_for_the_best_epoch_goes_on_exactly(data, tmp_path, monkeypatch):
    run = nano_run(select="best", epochs=5)
    expected = train(run, store_of(data), tmp_path / "whole")
    cut_after(2, run, data, tmp_path / "cut", monkeypatch)
    resumed = train(run, store_of(data), tmp_path / "cut")
    assert resumed.best["epoch"] == expected.best["epoch"]
    assert_same(expected.best["model"], resumed.best["model"])


def test_interrupted_training_that_started_from_a_network_goes_on_exactly(
    data, tmp_path, monkeypatch
):
    """Its file is read for its digest, and its weights are not taken a second time."""
    other = train(nano_run(epochs=1, seed=5), store_of(data), tmp_path / "other")
    save_checkpoint(tmp_path / "c.pt", {"model": other.model.state_dict(), "epoch": 1})
    start = {"start_from": str(tmp_path / "c.pt"), "freeze": ["block 1"]}
    run = nano_run(**start, loaded_learning_rate=0.01)
    expected = train(run, store_of(data), tmp_path / "whole")
    cut_after(2, run, data, tmp_path / "cut", monkeypatch)
    resumed = train(run, store_of(data), tmp_path / "cut")
    assert_same(weights_of(expected), weights_of(resumed))


def test_second_process_on_the_run_takes_over(data, tmp_path, monkeypatch):
    real = stage.train_epoch

    def somebody_starts(training):
        Owner(tmp_path)
        return real(training)

    monkeypatch.setattr(stage, "train_epoch", somebody_starts)
    with pytest.raises(SupersededError, match="another process took over"):
        train(nano_run(), store_of(data), tmp_path)
    assert not (tmp_path / "resume.pt").exists()


def train_here(data, folder, run, monkeypatch):
    """Do what the command does, in this process."""
    monkeypatch.setattr(sys, "argv", command(data, folder, run)[3:])
    stage.main()


def test_late_process_leaves_the_network_of_its_successor_and_succeeds(
    data, tmp_path, monkeypatch, capsys
):
    """If it failed, Snakemake would remove the files of a failed job, which are not its own."""
    run, real, wakes = nano_run(epochs=2), stage.train_epoch, []

    def sleep_while_another_finishes(training):
        if not wakes:
            wakes.append(training)
            train_here(data, tmp_path, run, monkeypatch)
        return real(training)

    monkeypatch.setattr(stage, "train_epoch", sleep_while_another_finishes)
    train_here(data, tmp_path, run, monkeypatch)
    assert "another process took over this run and has finished it." in capsys.readouterr().err
    expected = train(run, store_of(data), tmp_path / "undisturbed")
    found = load_checkpoint(tmp_path / "checkpoint.pt", {"model": dict})
    assert_same(weights_of(expected), found["model"])


@pytest.mark.parametrize("left", ["nothing", "the network of another training"])
def test_late_process_fails_while_its_run_is_not_finished(data, tmp_path, monkeypatch, left):
    if left != "nothing":
        train_here(data, tmp_path, nano_run(epochs=1), monkeypatch)
    real = stage.train_epoch

    def somebody_starts(training):
        Owner(tmp_path)
        return real(training)

    monkeypatch.setattr(stage, "train_epoch", somebody_starts)
    with pytest.raises(SupersededError):
        train_here(data, tmp_path, nano_run(epochs=2), monkeypatch)


def test_training_longer_than_a_job_ends_over_several(data, trained, tmp_path):
    """Each does one epoch: the end has passed already, and the first one starts all the same."""
    for epoch in (1, 2, 3):
        with pytest.raises(OutOfTimeError, match=f"epoch {epoch + 1} of 4 is left to the next"):
            train(nano_run(), store_of(data), tmp_path / "jobs", TimeLimit(0))
        assert load_progress(tmp_path / "jobs").state == "out of time"
        assert load_progress(tmp_path / "jobs").epoch == epoch
    last = train(nano_run(), store_of(data), tmp_path / "jobs", TimeLimit(0))
    assert_same(weights_of(trained[0]), weights_of(last))
    assert load_progress(tmp_path / "jobs").state == "finished"


def test_training_that_is_out_of_time_has_an_exit_code_of_its_own(
    data, tmp_path, monkeypatch, capsys
):
    words = command(data, tmp_path, nano_run())[4:]
    assert run_command(stage, monkeypatch, *words, "--stop-at", f"{time.time():.0f}") == 6
    told = capsys.readouterr().err
    assert told.splitlines()[-1].startswith("OutOfTimeError: nano_xsub/protogcn/j: epoch")
    assert "Traceback" not in told
    assert not (tmp_path / "checkpoint.pt").exists()
