"""2-D poses for tests: samples of an annotation pickle, tables and kpfiles."""

import pickle
from dataclasses import replace

import numpy as np

from protogcn.config.resolved import Dataset
from protogcn.config.skeleton import built_in_skeletons

COCO20 = built_in_skeletons()["coco20"]
DATASET = Dataset(
    name="poses",
    raw="poses.pkl",
    simulate=None,
    source="",
    skeleton=COCO20,
    persons=2,
    protocol=None,
    leave_out_missing=False,
    classes=("a", "b"),
    splits=("val",),
)
SETTINGS = {
    "preparation": "raw",
    "rotation": 0.0,
    "swap": 0.0,
    "limb_drop": 0.0,
    "mirror": 0.5,
    "short_clips": "spread",
}


def pose_run(modality="j", **settings):
    """Return a run as the released ones of 2-D data are."""
    from tests.made import nano  # brings torch, which the readers' tests need not

    motion = {"difference": "sampled"} if modality.endswith("m") else {}
    run = nano.nano_run(**SETTINGS, **motion, **settings)
    return replace(run, dataset=DATASET, split="val", modality=modality)


def sample(name="a", label=0, *, persons=1, frames=4, **changes):
    """Return one sample of a FineGYM-like pickle."""
    generator = np.random.default_rng(len(name) + frames)
    entry = {
        "frame_dir": name,
        "label": label,
        "total_frames": frames,
        "keypoint": generator.uniform(1, 200, (persons, frames, 17, 2)).astype(np.float16),
        "keypoint_score": generator.uniform(0, 1, (persons, frames, 17)).astype(np.float16),
        "img_shape": (240, 320),
        "original_shape": (240, 320),
    }
    return {key: value for key, value in (entry | changes).items() if value is not None}


def content(*samples):
    """Return the pickle's content; the first sample is trained on, the others are tested on."""
    names = [entry["frame_dir"] for entry in samples]
    return {"split": {"train": names[:1], "val": names[1:]}, "annotations": list(samples)}


def compressed(name="a", label=0, *, frames=(1, 1, 4), kpfile="0.pkl", **changes):
    """Return one row of Kinetics' table."""
    entry = {
        "frame_dir": name,
        "label": label,
        "total_frames": 5,
        "raw_file": f"data/k400/kpfiles/{kpfile}",
        "frame_inds": np.array(frames, np.int16),
        "box_score": np.ones(len(frames), np.float16),
        "valid": {0.5: 2},
        "img_shape": (240, 320),
        "original_shape": (240, 320),
    }
    return {key: value for key, value in (entry | changes).items() if value is not None}


def records(num, seed=0):
    """Return (N, 17, 3) poses."""
    return np.random.default_rng(seed).uniform(1, 200, (num, 17, 3)).astype(np.float16)


def write_table(folder, *rows, kpfiles):
    """Write a table and its kpfiles, {file: {clip: records}}; return the dataset."""
    (folder / "table.pkl").write_bytes(pickle.dumps(content(*rows)))
    (folder / "kpfiles").mkdir(exist_ok=True)
    for name, clips in kpfiles.items():
        entries = {clip: {"keypoint": values} for clip, values in clips.items()}
        (folder / "kpfiles" / name).write_bytes(pickle.dumps(entries))
    return replace(DATASET, raw=str(folder / "table.pkl"), kpfiles=str(folder / "kpfiles"))
