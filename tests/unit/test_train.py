import dataclasses
import math
import random
import signal
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest
import torch

from protogcn.arrays import open_array, writing_array
from protogcn.checkpoint import load_checkpoint, save_checkpoint
from protogcn.clips import ClipStore
from protogcn.epoch import Purpose, learning_rate, seeds
from protogcn.errors import ContractError, NotFiniteError, SupersededError
from protogcn.owner import Owner
from protogcn.score import score
from protogcn.train import train
from tests.unit.nano import DATASET, nano_clips, nano_run, write_dataset, write_run


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    write_dataset(folder)
    return folder


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


def store_of(data, values="j.npy"):
    return ClipStore.load(data / values, data / "clips.csv", nano_run(), torch.device("cpu"))


def weights_of(training):
    return {name: value.clone() for name, value in training.model.state_dict().items()}


def assert_same(first, second):
    assert first.keys() == second.keys()
    for name in first:
        assert torch.equal(first[name], second[name]), name


def test_schedule_is_half_a_cosine_from_the_rate_to_zero():
    assert learning_rate(0.1, 0, 10) == 0.1
    assert learning_rate(0.1, 5, 10) == pytest.approx(0.05)
    assert learning_rate(0.1, 10, 10) == pytest.approx(0)


def test_same_seed_gives_the_same_weights_bit_for_bit(data, tmp_path):
    first = train(nano_run(epochs=2), store_of(data), tmp_path / "a")
    torch.rand(7)  # what happened in the process before does not matter
    second = train(nano_run(epochs=2), store_of(data), tmp_path / "b")
    other = train(nano_run(epochs=2, seed=1), store_of(data), tmp_path / "c")
    assert_same(weights_of(first), weights_of(second))
    assert not torch.equal(
        weights_of(first)["classify.weight"], weights_of(other)["classify.weight"]
    )


def test_training_learns_what_there_is_to_learn(data, tmp_path):
    run = nano_run(epochs=30, rotation=0.0, swap=0.0, limb_drop=0.0, learning_rate=0.1)
    history = train(run, store_of(data), tmp_path).history
    assert history[-1]["loss"] < 0.5 * history[0]["loss"]
    assert history[-1]["accuracy"] > 60  # chance is 25


def test_history_has_one_row_for_each_epoch(data, tmp_path):
    history = train(nano_run(), store_of(data), tmp_path).history
    assert [row["epoch"] for row in history] == [1, 2, 3, 4]
    names = {"learning_rate", "loss", "cross_entropy", "contrast", "accuracy", "clips_per_second"}
    assert names <= history[0].keys()
    last_step = 4 * 4 - 1
    assert history[-1]["learning_rate"] == pytest.approx(learning_rate(0.05, last_step, 16))


def test_finished_training_started_again_trains_nothing(data, tmp_path):
    first = train(nano_run(), store_of(data), tmp_path)
    second = train(nano_run(), store_of(data), tmp_path)
    assert second.history == first.history
    assert_same(weights_of(first), weights_of(second))


def test_other_settings_start_from_the_beginning(data, tmp_path, capsys):
    train(nano_run(), store_of(data), tmp_path)
    changed = train(nano_run(learning_rate=0.01), store_of(data), tmp_path)
    assert "other learning_rate; training starts from the beginning" in capsys.readouterr().err
    fresh = train(nano_run(learning_rate=0.01), store_of(data), tmp_path / "fresh")
    assert_same(weights_of(changed), weights_of(fresh))


def test_second_split_and_another_device_setting_change_no_training(data, tmp_path):
    first = train(nano_run(), store_of(data), tmp_path / "run")
    (tmp_path / "data").mkdir()
    dataset = dataclasses.replace(DATASET, splits=("xsub", "xview"))
    clips = [
        dataclasses.replace(c, sides={**c.sides, "xview": "test" if n % 2 else "train"})
        for n, c in enumerate(nano_clips())
    ]
    write_dataset(tmp_path / "data", clips, dataset)
    second = train(nano_run(device="auto"), store_of(tmp_path / "data"), tmp_path / "run")
    assert second.history == first.history


def test_another_network_starts_from_the_beginning(data, tmp_path, capsys):
    train(nano_run(), store_of(data), tmp_path)
    run = nano_run()
    wider = dataclasses.replace(run, network={**run.network, "width": 48})
    assert len(train(wider, store_of(data), tmp_path).history) == 4
    assert "other model.width, network layout" in capsys.readouterr().err


def test_state_that_does_not_fit_is_one_sentence(data, tmp_path):
    train(nano_run(), store_of(data), tmp_path)
    entries = dict.fromkeys(("facts", "model", "optimizer"), dict) | {"epoch": int}
    state = load_checkpoint(tmp_path / "resume.pt", entries)
    save_checkpoint(tmp_path / "resume.pt", state | {"optimizer": {}})
    with pytest.raises(ContractError, match=r"resume\.pt: found a damaged file"):
        train(nano_run(), store_of(data), tmp_path)


def test_number_of_crops_is_no_setting_of_the_training(data, tmp_path):
    first = train(nano_run(), store_of(data), tmp_path)
    second = train(nano_run(crops=7), store_of(data), tmp_path)
    assert second.history == first.history


def command(data, folder, run):
    files = {
        "config": write_run(folder, run),
        "values": data / "j.npy",
        "clips": data / "clips.csv",
    }
    files |= {"checkpoint": folder / "checkpoint.pt", "history": folder / "history.csv"}
    arguments = [text for name, path in files.items() for text in (f"--{name}", str(path))]
    return [sys.executable, "-m", "protogcn.train", *arguments]


def kill_after_some_epochs(process, resume, moments, how):
    """Kill a training at a random moment after it saved at least one epoch more."""
    before = resume.stat().st_mtime_ns if resume.exists() else 0
    give_up = time.monotonic() + 60
    while not (resume.exists() and resume.stat().st_mtime_ns > before):
        assert process.poll() is None
        assert time.monotonic() < give_up
        time.sleep(0.005)
    time.sleep(moments.uniform(0, 0.4))
    process.send_signal(how)
    process.communicate()


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_killed_at_random_moments_it_ends_with_the_same_weights(data, tmp_path, how):
    run, moments = nano_run(epochs=40), random.Random(int(how))
    whole, folder = tmp_path / "whole", tmp_path / "killed"
    subprocess.run(command(data, whole, run), check=True, capture_output=True)
    for _ in range(3):
        process = subprocess.Popen(command(data, folder, run), stderr=subprocess.PIPE)
        kill_after_some_epochs(process, folder / "resume.pt", moments, how)
        assert process.returncode == -how
        assert not (folder / "checkpoint.pt").exists()
    subprocess.run(command(data, folder, run), check=True, capture_output=True)
    expected = load_checkpoint(whole / "checkpoint.pt", {"model": dict})
    found = load_checkpoint(folder / "checkpoint.pt", {"model": dict})
    assert_same(expected["model"], found["model"])
    histories = [
        pd.read_csv(path / "history.csv").drop(columns="clips_per_second")
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


def test_interrupted_between_epochs_it_goes_on_exactly(data, tmp_path, monkeypatch):
    """The same without a process: the third epoch's save is the last thing that happens."""
    expected = train(nano_run(), store_of(data), tmp_path / "whole")
    cut_after(3, nano_run(), data, tmp_path / "cut", monkeypatch)
    resumed = train(nano_run(), store_of(data), tmp_path / "cut")
    assert_same(weights_of(expected), weights_of(resumed))


def test_second_process_on_the_run_takes_over(data, tmp_path, monkeypatch):
    from protogcn import train as stage

    real = stage.train_epoch

    def somebody_starts(training):
        Owner(tmp_path)
        return real(training)

    monkeypatch.setattr(stage, "train_epoch", somebody_starts)
    with pytest.raises(SupersededError, match="another process took over"):
        train(nano_run(), store_of(data), tmp_path)
    assert not (tmp_path / "resume.pt").exists()


def test_loss_that_is_no_number_names_epoch_step_and_clips(data, tmp_path):
    values, trailer = open_array(data / "j.npy")
    table = store_of(data).table
    poisoned = np.array(values)
    row = list(table.ids).index("clip 03")
    poisoned[table.first_frames[row] : table.first_frames[row] + table.num_frames[row]] = np.nan
    with writing_array(tmp_path / "bad.npy", poisoned.shape[1:]) as writer:
        writer.append(poisoned)
        writer.finish(trailer["inputs"])
    store = ClipStore.load(
        tmp_path / "bad.npy", data / "clips.csv", nano_run(), torch.device("cpu")
    )
    with pytest.raises(NotFiniteError, match=r"epoch 1, step \d of 4: the loss is nan") as error:
        train(nano_run(), store, tmp_path)
    assert "clip 03" in str(error.value)
    assert not (tmp_path / "resume.pt").exists()


def test_rate_far_too_high_stops_instead_of_writing_nonsense(data, tmp_path):
    with pytest.raises(NotFiniteError, match=r"Lower train\.learning_rate"):
        train(nano_run(learning_rate=100.0, epochs=60, momentum=0.99), store_of(data), tmp_path)


def test_test_labels_steer_nothing(data, tmp_path):
    """Weights are the same whatever the labels of the test clips are."""
    clips = [
        type(c)(
            c.name,
            (c.label + 1) % 4 if c.sides["xsub"] == "test" else c.label,
            c.keypoints,
            c.sides,
        )
        for c in nano_clips()
    ]
    (tmp_path / "permuted").mkdir()
    write_dataset(tmp_path / "permuted", clips)
    first = train(nano_run(epochs=2), store_of(data), tmp_path / "a")
    second = train(nano_run(epochs=2), store_of(tmp_path / "permuted"), tmp_path / "b")
    assert_same(weights_of(first), weights_of(second))


def test_best_epoch_is_kept_and_marked(data, tmp_path):
    run = nano_run(select="best", epochs=6)
    store = store_of(data)
    training = train(run, store, tmp_path)
    accuracies = [row["select_accuracy"] for row in training.history]
    assert training.best["accuracy"] == max(accuracies)
    assert training.best["epoch"] == 1 + int(np.argmax(accuracies))
    from protogcn.train import _checkpoint

    scores = score(run, store, _checkpoint(training))
    assert scores.provenance["select"] == "best"
    assert scores.provenance["epoch"] == training.best["epoch"]


def test_best_on_a_side_that_is_not_there_is_refused(data, tmp_path):
    """Before the first epoch, not after it."""
    with pytest.raises(ContractError, match="split xsub has no val clip"):
        train(nano_run(select="best", select_on="val"), store_of(data), tmp_path)
    assert not (tmp_path / "resume.pt").exists()


def test_interrupted_search_for_the_best_epoch_goes_on_exactly(data, tmp_path, monkeypatch):
    run = nano_run(select="best", epochs=5)
    expected = train(run, store_of(data), tmp_path / "whole")
    cut_after(2, run, data, tmp_path / "cut", monkeypatch)
    resumed = train(run, store_of(data), tmp_path / "cut")
    assert resumed.best["epoch"] == expected.best["epoch"]
    assert_same(expected.best["model"], resumed.best["model"])


@pytest.mark.parametrize("values", ["b.npy", "joints.npy"])
def test_file_of_another_modality_is_refused(data, values):
    with pytest.raises(
        ContractError, match=r"but run nano_xsub/protogcn/j needs .*'modality': 'j'"
    ):
        store_of(data, values)


def test_file_of_another_preparation_is_refused(data):
    with pytest.raises(ContractError, match="'preparation': 'raw'"):
        ClipStore.load(
            data / "j.npy", data / "clips.csv", nano_run(preparation="raw"), torch.device("cpu")
        )


def test_purposes_never_share_a_seed():
    found = [tuple(seeds(purpose, 0, *([0] * count))) for purpose in Purpose for count in (0, 2)]
    assert len({first for first, _ in found}) == len(Purpose)
    assert seeds(Purpose.STEP, 0, 0, 1) != seeds(Purpose.STEP, 0, 1, 0)


def test_bfloat16_trains_too(data, tmp_path):
    history = train(nano_run(precision="bfloat16", epochs=2), store_of(data), tmp_path).history
    assert math.isfinite(history[-1]["loss"])
