"""The smallest dataset that can be trained: 4 classes, 6 clips each, a toy skeleton."""

import json
from dataclasses import replace

import numpy as np
import torch
import yaml

from protogcn.batches.clip_store import ClipStore
from protogcn.config.resolved import Dataset, Run
from protogcn.config.skeleton import Skeleton
from protogcn.data.joints import write_joints
from protogcn.data.modality import write_modalities
from protogcn.data.readers import RawClip
from protogcn.data.scale import scale_entry
from protogcn.models.checkpoint import save_checkpoint
from protogcn.models.trained import training_fingerprint

SKELETON = Skeleton.from_mapping(
    "toy5",
    {
        "joints": ["root", "chest", "left", "right", "foot"],
        "parents": [0, 0, 1, 1, 0],
        "centre": 0,
        "pairs": [[2, 3]],
        "limbs": {"left": [2], "right": [3]},
    },
)
DATASET = Dataset(
    name="nano",
    raw="nano.pkl",
    simulate=None,
    source="",
    skeleton=SKELETON,
    persons=2,
    protocol=None,
    leave_out_missing=False,
    classes=("up", "down", "left", "right"),
    splits=("xsub",),
)
SETTINGS = {
    "seed": 0,
    "epochs": 4,
    "batch": 5,
    "learning_rate": 0.05,
    "momentum": 0.9,
    "weight_decay": 0.0005,
    "preparation": "centred",
    "frames": 16,
    "crops": 3,
    "rotation": 0.2,
    "swap": 0.5,
    "swap_style": "released",
    "limb_drop": 0.2,
    "mirror": 0.0,
    "difference": "clip",
    "crop_borders": "released",
    "short_clips": "drawn",
    "select": "last",
    "select_on": "test",
    "precision": "float32",
    "cpu_threads": 1,
}
ENGINE = {
    "device": "cpu",
    "gpus": 1,
    "compile": "auto",
    "cuda_graphs": True,
    "tf32": True,
    "fused_optimizer": True,
    "topology_kernel": False,
}
NETWORK = {
    "network": "protogcn",
    "width": 24,
    "blocks": 2,
    "downsample": [2],
    "subsets": 8,
    "prototypes": 10,
    "contrast_weight": 0.2,
}


def nano_clips(seed=0):
    """Yield 24 clips of 1 to 40 frames in which one joint moves in its class's direction."""
    generator = np.random.default_rng(seed)
    directions = np.array([[0, 1, 0], [0, -1, 0], [-1, 0, 0], [1, 0, 0]])
    for number in range(24):
        label, frames = number % 4, 1 if number == 5 else int(generator.integers(8, 41))
        persons = 1 + number % 2
        keypoints = generator.normal(size=(persons, frames, 5, 3)) * 0.05 + np.arange(5)[:, None]
        keypoints[:, :, 2] += np.linspace(0, 2, frames)[:, None] * directions[label]
        side = "train" if number < 16 else "test"
        yield RawClip(f"clip {number:02}", label, keypoints.astype(np.float16), {"xsub": side})


def nano_run(**settings):
    """Return the run of the joint stream with some settings or switches of its engine changed."""
    engine = {key: settings.pop(key, switch) for key, switch in ENGINE.items()}
    return Run(DATASET, "xsub", "protogcn", "j", 1, {**SETTINGS, **settings}, NETWORK, engine)


def write_dataset(folder, clips=None, dataset=DATASET):
    """Write joints, clip table and modalities into a folder."""
    write_joints(
        nano_clips() if clips is None else clips,
        dataset,
        "centred",
        joints_path=folder / "joints.npy",
        clips_path=folder / "clips.csv",
        dropped_path=folder / "dropped.csv",
    )
    outputs = {name: folder / f"{name}.npy" for name in ("j", "b")}
    write_modalities(folder / "joints.npy", folder / "clips.csv", dataset.skeleton, outputs)


def write_run(folder, run):
    """Write a run's config.yaml; return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(json.loads(json.dumps(run.to_mapping()))))
    return path


def write_checkpoint(path, run, store, model):
    """Write the checkpoint of a training of this run that ended with this network."""
    content = {
        "model": model.state_dict(),
        "epoch": run.settings["epochs"],
        "facts": training_fingerprint(run, store, model),
        "commit": "unknown",
        "versions": {},
        **scale_entry(store.scale),
    }
    save_checkpoint(path, content)


def with_classes(*names):
    """Return the nano dataset with other classes."""
    return replace(DATASET, classes=names)


def store_of(data, values="j.npy", run=None):
    """Return the clips of one modality of a folder that write_dataset wrote."""
    return ClipStore.load(data / values, data / "clips.csv", run or nano_run(), torch.device("cpu"))


def in_double(store):
    """Return the same clips in float64."""
    return replace(store, frames=store.frames.double())


def weights_of(training):
    """Return a copy of every tensor of a training's network."""
    return {name: value.clone() for name, value in training.model.state_dict().items()}


def assert_same(first, second):
    """Two networks are equal bit for bit."""
    assert first.keys() == second.keys()
    for name in first:
        assert torch.equal(first[name], second[name]), name
