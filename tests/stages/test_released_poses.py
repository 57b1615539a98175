"""From a pickle of 2-D poses to what a network reads: the released numbers, file by file."""

import pickle
from pathlib import Path

import numpy as np
import pytest
import torch

from protogcn.batches.augment import Augmentation
from protogcn.batches.batch import scoring_batch, training_batch
from protogcn.batches.clip_store import ClipStore
from protogcn.batches.sampling import FrameDraws, scoring_frames
from protogcn.config.resolved import MODALITIES
from protogcn.data.joints import write_joints
from protogcn.data.modality import write_modalities
from protogcn.data.readers.pyskl import read_pyskl
from tests.made.poses import COCO20, DATASET, content, pose_run, sample


@pytest.fixture(scope="module")
def folder(tmp_path_factory, golden):
    """The golden clip of three persons, 320 x 240, as a FineGYM-like pickle and its files."""
    folder = tmp_path_factory.mktemp("poses")
    arrays = {"keypoint": golden["in_E_kp"], "keypoint_score": golden["in_E_score"]}
    samples = sample("other"), sample("E", 1, total_frames=137, **arrays)
    (folder / "poses.pkl").write_bytes(pickle.dumps(content(*samples)))
    clips = read_pyskl(
        folder / "poses.pkl", num_joints=17, classes=("a", "b"), splits=("val",), in_image=True
    )
    paths = {f"{name}_path": folder / f"{name}.csv" for name in ("clips", "dropped")}
    write_joints(clips, DATASET, "raw", joints_path=folder / "joints.npy", **paths)
    outputs = {name: folder / f"{name}.npy" for name in ("j", "b", "k")}
    write_modalities(folder / "joints.npy", folder / "clips.csv", COCO20, outputs)
    return folder


def store_of(folder: Path, modality: str) -> ClipStore:
    run = pose_run(modality)
    cpu = torch.device("cpu")
    return ClipStore.load(folder / f"{run.stored_modality}.npy", folder / "clips.csv", run, cpu)


def scored(folder, modality, crops, **options):
    """The test crops of the clip, (crops, M, L, V, C)."""
    frames = scoring_frames(137, 100, crops)[None]
    bodies = scoring_batch(
        store_of(folder, modality),
        np.array([1]),
        frames,
        sampled_difference=pose_run(modality).differences_crops,
        **options,
    )
    return bodies.values.unflatten(0, (crops, 2)).numpy()


@pytest.mark.parametrize("modality", MODALITIES)
def test_validation_crop_is_the_released_one(folder, golden, modality):
    np.testing.assert_array_equal(scored(folder, modality, 1), golden[f"val2d_{modality}_E"])


@pytest.mark.parametrize("modality", ["jm", "km"])
def test_released_borders_take_the_last_step_from_the_next_crop(folder, golden, modality):
    found = scored(folder, modality, 10)
    np.testing.assert_array_equal(found[:, :, -1], golden[f"test2d_{modality}_E_lastframes"])
    assert found[:-1, :, -1].any()


def test_clean_borders_end_every_crop_with_zeros(folder):
    clean, released = (scored(folder, "jm", 10, across_crops=way) for way in (False, True))
    assert not clean[:, :, -1].any()
    np.testing.assert_array_equal(clean[:, :, :-1], released[:, :, :-1])


def released_draws():
    """Return what seed 4 of numpy's generator of old draws for this clip; the mirror fires."""
    generator = np.random.RandomState(4)
    generator.rand()
    skips = np.ones(101)
    skips[generator.choice(101, 37, replace=False)] = 0
    assert generator.rand() < 0.5
    return FrameDraws(torch.zeros(1), torch.tensor(skips[None]), torch.zeros(1, 100))


@pytest.mark.parametrize("modality", MODALITIES)
def test_training_crop_is_the_released_one(folder, golden, modality, monkeypatch):
    """A clip's own width turns the positions; differences are turned about zero."""
    monkeypatch.setattr("protogcn.batches.batch.draw_frames", lambda *_, **__: released_draws())
    strength = Augmentation(
        0, 0, 0, mirror=1.0, sampled_difference=pose_run(modality).differences_crops
    )
    bodies, labels = training_batch(
        store_of(folder, modality),
        np.array([1]),
        COCO20,
        length=100,
        strength=strength,
        generator=torch.Generator(),
    )
    assert labels.tolist() == [1]
    expected = golden[f"train2d_seed4_{modality}_E"][0]
    np.testing.assert_array_equal(bodies.values.numpy(), expected)
