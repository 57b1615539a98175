"""A motion stream of 2-D poses, trained and scored: its frames are sampled, then differenced."""

import numpy as np
import pytest
import torch

from protogcn.batches.clip_store import ClipStore
from protogcn.data.joints import write_joints
from protogcn.data.modality import write_modalities
from protogcn.data.readers import RawClip
from protogcn.scores.score import score
from protogcn.training.train import train
from tests.made.nano import write_checkpoint
from tests.made.poses import COCO20, DATASET, pose_run


def pose_clips():
    generator = np.random.default_rng(0)
    for number in range(8):
        keypoints = generator.uniform(1, 200, (1 + number % 2, 12 + number, 17, 3))
        side = "train" if number < 4 else "test"
        yield RawClip(f"clip {number}", number % 2, keypoints, {"val": side}, (240, 320 + number))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("streams")
    paths = {f"{name}_path": folder / f"{name}.csv" for name in ("clips", "dropped")}
    write_joints(pose_clips(), DATASET, "raw", joints_path=folder / "joints.npy", **paths)
    outputs = {name: folder / f"{name}.npy" for name in ("j", "b")}
    write_modalities(folder / "joints.npy", folder / "clips.csv", COCO20, outputs)
    return folder


def store_of(folder, run):
    path = folder / f"{run.stored_modality}.npy"
    return ClipStore.load(path, folder / "clips.csv", run, torch.device("cpu"))


def test_mirror_turns_positions_about_each_clips_own_image(folder):
    assert store_of(folder, pose_run("jm")).mirror_widths.tolist() == list(range(320, 328))


def test_mirror_turns_bones_about_zero(folder):
    assert store_of(folder, pose_run("bm")).mirror_widths.tolist() == [0] * 8


def test_borders_of_crops_are_chosen_when_scoring(folder, tmp_path):
    """Both ways score one checkpoint; the score file says which it was."""
    run = pose_run("jm", epochs=1)
    store = store_of(folder, run)
    path = tmp_path / "checkpoint.pt"
    write_checkpoint(path, run, store, train(run, store, tmp_path).model)
    found = {
        borders: score(pose_run("jm", epochs=1, crop_borders=borders), store, path)
        for borders in ("released", "clean")
    }
    for borders, scores in found.items():
        assert scores.provenance["run"]["settings"]["crop_borders"] == borders
    assert not np.array_equal(found["released"].logits, found["clean"].logits)
