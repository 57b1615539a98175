"""Two processes on the CPU against one, in float64: nothing but the order of sums differs."""

import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import torch

from protogcn.batches.augment import Augmentation
from protogcn.batches.batch import training_batch
from protogcn.batches.bodies import body_rows
from protogcn.batches.parallel import (
    BatchPart,
    Peer,
    ProcessGroup,
    is_first,
    is_parallel,
    my_part,
    on_first_process,
    summed,
)
from protogcn.errors import ConfigError
from protogcn.models.checkpoint import load_checkpoint, save_checkpoint
from protogcn.training.train import train
from tests.made.nano import assert_same, nano_run, store_of, weights_of

REPOSITORY = Path(__file__).parents[3]
# 16 clips are batches of 5, 5, 5 and 1: parts of 2 and 3 clips, then of none and one.
SETTINGS = {"epochs": 2, "select": "best"}
FIRST, SECOND = "0", "1"
PATIENCE = 120  # seconds


class Ended(NamedTuple):
    """How a training by two processes ended."""

    code: int
    told: str


def start_two(data, folder, stops=None, settings=SETTINGS):
    """Train in ``folder / "run"``; every process leaves its weights in ``folder``."""
    folder.mkdir(exist_ok=True)
    places = map(str, (data, folder / "run", folder))
    return subprocess.Popen(
        [
            sys.executable, "-m", "tests.made.several_processes", *places,
            json.dumps(settings), json.dumps(stops or {}),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=REPOSITORY,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )  # fmt: skip


def train_by_two(data, folder, stops=None, settings=SETTINGS):
    process = start_two(data, folder, stops, settings)
    try:
        told, _ = process.communicate(timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        told, _ = process.communicate()
        pytest.fail(f"two processes did not end:\n{told}")
    return Ended(process.returncode, told)


def left_by(folder, rank):
    return load_checkpoint(folder / f"{rank}.pt", {"model": dict, "history": list, "written": int})


@pytest.fixture(scope="module")
def two(data, tmp_path_factory):
    """The folder of a training by two processes, never interrupted."""
    folder = tmp_path_factory.mktemp("two")
    ended = train_by_two(data, folder)
    assert ended.code == 0, ended.told
    return folder


@pytest.fixture
def float64():
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


@pytest.mark.usefixtures("float64")
def test_two_processes_train_what_one_trains(data, two, tmp_path):
    store = store_of(data)
    store = dataclasses.replace(store, frames=store.frames.double())
    one = train(nano_run(**SETTINGS), store, tmp_path)
    found = left_by(two, FIRST)
    expected = weights_of(one)
    assert expected["contrast.bank"].dtype == torch.float64
    assert found["model"].keys() == expected.keys()
    for name, value in expected.items():
        torch.testing.assert_close(found["model"][name], value, rtol=0, atol=1e-9, msg=name)
    for row, wanted in zip(found["history"], one.history, strict=True):
        assert row.keys() == wanted.keys()
        for name in row.keys() - {"clips_per_second", "seconds", "validation_seconds"}:
            assert row[name] == pytest.approx(wanted[name], abs=1e-9), name


def test_all_processes_end_with_the_same_network(two):
    assert_same(left_by(two, FIRST)["model"], left_by(two, SECOND)["model"])


def test_only_the_first_process_writes(two):
    assert left_by(two, FIRST)["written"] >= 3  # the owner token, and two epochs
    assert left_by(two, SECOND)["written"] == 0


@pytest.mark.long
@pytest.mark.usefixtures("float64")
def test_two_processes_start_from_a_network_with_frozen_parts_as_one_does(data, two, tmp_path):
    model = left_by(two, FIRST)["model"]
    save_checkpoint(tmp_path / "c.pt", {"model": model, "epoch": 2})
    start = {"start_from": str(tmp_path / "c.pt"), "freeze": ["block 1"]}
    settings = {"epochs": 1, **start, "loaded_learning_rate": 0.01}
    store = store_of(data)
    store = dataclasses.replace(store, frames=store.frames.double())
    one = train(nano_run(**settings), store, tmp_path / "one")
    ended = train_by_two(data, tmp_path / "two", settings=settings)
    assert ended.code == 0, ended.told
    assert ended.told.count("starts from") == 1
    for name, value in weights_of(one).items():
        found = left_by(tmp_path / "two", SECOND)["model"][name]
        torch.testing.assert_close(found, value, rtol=0, atol=1e-9, msg=name)


@pytest.mark.long
def test_taken_over_it_stops_in_both_processes_and_goes_on_exactly(data, two, tmp_path):
    ended = train_by_two(data, tmp_path, {f"{FIRST} 1": "another owner"})
    assert ended.code == 5, ended.told
    assert ended.told.count("SupersededError:") == 1
    assert "Traceback" not in ended.told
    ended = train_by_two(data, tmp_path)
    assert ended.code == 0, ended.told
    assert ended.told.count("resumes from epoch 1.") == 1
    for rank in (FIRST, SECOND):
        assert_same(left_by(two, FIRST)["model"], left_by(tmp_path, rank)["model"])


@pytest.mark.slow
def test_mistake_of_one_process_ends_both_and_is_told_once(data, tmp_path):
    ended = train_by_two(data, tmp_path, {f"{SECOND} 0": "mistake"})
    assert ended.code == 2, ended.told
    assert ended.told.count("ConfigError: a mistake of the test.") == 1
    assert "Traceback" not in ended.told
    assert not (tmp_path / "run/resume.pt").exists()


@pytest.mark.slow
def test_fault_of_one_process_keeps_its_traceback(data, tmp_path):
    ended = train_by_two(data, tmp_path, {f"{SECOND} 0": "fault"})
    assert ended.code == 1
    assert ended.told.count("Traceback") == 1
    assert ended.told.endswith("ZeroDivisionError: a fault of the test\n")


@pytest.mark.slow
def test_process_that_is_killed_ends_the_other_one(data, tmp_path):
    ended = train_by_two(data, tmp_path, {f"{SECOND} 1": "death"})
    assert ended.code == 128 + signal.SIGKILL
    assert ended.told.endswith("Killed: process 1 of 2, by SIGKILL.\n")
    assert "epoch 2/2" not in ended.told
    assert not (tmp_path / "0.pt").exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    "how",
    [
        signal.SIGKILL,
        pytest.param(signal.SIGTERM, marks=pytest.mark.long),
        pytest.param(signal.SIGINT, marks=pytest.mark.long),
    ],
)
def test_no_process_outlives_the_one_that_started_it(data, tmp_path, how):
    process = start_two(data, tmp_path, {f"{FIRST} 1": "sleep", f"{SECOND} 1": "sleep"})
    give_up = time.monotonic() + PATIENCE
    while len(list((tmp_path / "run").glob("*.asleep"))) < 2:
        assert process.poll() is None
        assert time.monotonic() < give_up
        time.sleep(0.1)
    process.send_signal(how)
    process.communicate(timeout=PATIENCE)  # it ends when no process has the pipe any more
    assert process.returncode == -how


def test_one_process_is_no_group():
    assert not is_parallel()
    assert is_first()
    assert my_part(7) == BatchPart(0, 7, 7)
    assert on_first_process(lambda: 3) == 3
    assert summed(torch.tensor([1, 2])).tolist() == [1, 2]


def test_without_several_processes_no_group_is_made(monkeypatch):
    monkeypatch.setenv("SLURM_PROCID", "3")
    monkeypatch.setenv("WORLD_SIZE", "2")
    with ProcessGroup(torch.device("cpu"), Peer()) as device:
        assert device == torch.device("cpu")
        assert not is_parallel()


def test_fewer_gpus_than_processes_are_one_sentence(monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    sentence = r"engine\.gpus: 2 GPUs are wanted for one run, but torch finds 1"
    group = ProcessGroup(torch.device("cuda"), Peer(rank=1, size=2))
    with pytest.raises(ConfigError, match=sentence), group:
        pass


@pytest.mark.parametrize("total", [0, 1, 2, 5, 7])
def test_parts_are_the_whole_batch_in_order(monkeypatch, total):
    monkeypatch.setattr("protogcn.batches.parallel.dist.is_initialized", lambda: True)
    monkeypatch.setattr("protogcn.batches.parallel.dist.get_world_size", lambda: 3)
    clips = []
    for rank in range(3):
        monkeypatch.setattr("protogcn.batches.parallel.dist.get_rank", lambda rank=rank: rank)
        part = my_part(total)
        assert part.total == total
        assert part.stop - part.first in (total // 3, total // 3 + 1)
        clips += range(part.first, part.stop)
    assert clips == list(range(total))


def test_each_clip_sees_the_same_crop_in_a_part_of_a_batch(data, monkeypatch):
    store, run = store_of(data), nano_run()
    strength = Augmentation(0.3, 0.5, 0.5)

    def batch():
        return training_batch(
            store, np.arange(7), run.dataset.skeleton, length=16, strength=strength,
            generator=torch.Generator().manual_seed(0),
        )  # fmt: skip

    whole, labels = batch()
    parts = []
    for part in (BatchPart(0, 3, 7), BatchPart(3, 3, 7), BatchPart(3, 7, 7)):
        monkeypatch.setattr("protogcn.batches.batch.my_part", lambda total, part=part: part)
        parts.append(batch())
        assert parts[-1][0].part == part
    mean = torch.cat([bodies.mean_over_persons(bodies.values) for bodies, _ in parts])
    torch.testing.assert_close(mean, whole.mean_over_persons(whole.values))
    assert torch.equal(torch.cat([of_part for _, of_part in parts]), labels)
    assert sum(bodies.multiplicity.sum() for bodies, _ in parts) == 14


def test_no_clip_is_one_row_that_counts_for_nothing():
    rows = body_rows(np.array([], dtype=np.int64), 2)
    assert rows.person_weights.shape == (0, 1)
    assert rows.multiplicity.tolist() == [0]
