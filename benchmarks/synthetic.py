"""Made-up data of the sizes of NTU RGB+D: 25 joints, about 85 frames, two persons in one of five.

Shapes: N clips, F frames of all clips, M persons, T frames, V joints, C channels.
"""

import pickle
from functools import cache
from pathlib import Path

import numpy as np
import torch

from protogcn.batches.clip_store import ClipStore
from protogcn.config.skeleton import Skeleton, built_in_skeletons
from protogcn.data.readers import RawClip
from protogcn.files.clip_table import ClipTable

MEAN_FRAMES = 85
SHARE_OF_PAIRS = 0.2  # clips with two persons


@cache  # it reads a file, which a timed step must not
def ntu25() -> Skeleton:
    return built_in_skeletons()["ntu25"]


def lengths_and_persons(num_clips: int, *, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return (N,) frames of 20 to 300 and (N,) persons of 1 to 2."""
    generator = np.random.default_rng(seed)
    lengths = np.clip(generator.gamma(6, MEAN_FRAMES / 6, num_clips), 20, 300).astype(np.int64)
    return lengths, 1 + (generator.random(num_clips) < SHARE_OF_PAIRS)


def make_store(num_clips: int, device: torch.device) -> ClipStore:
    """Return a store of clips with frames (F, 2, 25, 3) on a device."""
    lengths, persons = lengths_and_persons(num_clips)
    frames = torch.randn(int(lengths.sum()), 2, 25, 3)
    frames[:, 1] *= torch.from_numpy(persons.repeat(lengths) > 1)[:, None, None]
    table = ClipTable(
        ids=np.arange(num_clips).astype(str).astype(object),
        labels=np.arange(num_clips) % 60,
        first_frames=np.r_[0, lengths.cumsum()[:-1]],
        num_frames=lengths,
        persons=persons,
        sides={},
        digest="",
    )
    return ClipStore(frames.to(device), table, "", device)


def make_clips(num_clips: int) -> list[RawClip]:
    """Return clips as a reader yields them, (M, T, 25, 3) float16; one of four is a test clip."""
    generator = np.random.default_rng(1)
    return [
        RawClip(
            f"S001C001P001R{number // 60 + 1:03}A{number % 60 + 1:03}",
            number % 60,
            generator.standard_normal((persons, length, 25, 3), np.float32).astype(np.float16),
            {"xsub": "train" if number % 4 else "test"},
        )
        for number, (length, persons) in enumerate(
            zip(*lengths_and_persons(num_clips), strict=True)
        )
    ]


def write_raw_folder(folder: Path, *, num_files: int) -> int:
    """Write raw files of about 300 kB, every fourth with two bodies; return their bytes."""
    generator = np.random.default_rng(0)
    folder.mkdir()
    for number in range(num_files):
        bodies = 2 if number % 4 == 3 else 1
        text = make_skeleton_text(generator, num_frames=108 // bodies, num_bodies=bodies)
        name = f"S001C001P001R{number // 60 + 1:03}A{number % 60 + 1:03}.skeleton"
        (folder / name).write_text(text, encoding="ascii", newline="")
    return sum(path.stat().st_size for path in folder.iterdir())


def make_skeleton_text(generator: np.random.Generator, *, num_frames: int, num_bodies: int) -> str:
    """Return a raw file with the digits of a real one; a frame of a body has about 2.8 kB."""
    lines = [str(num_frames)]
    for _ in range(num_frames):
        lines.append(str(num_bodies))
        for body in range(num_bodies):
            lines += [f"{72057594037932358 + body} 0 1 1 0 0 0 0.3391632 -0.5899565 2", "25"]
            numbers = generator.uniform(-1, 4, (25, 11))
            numbers[:, 3:7] *= 250
            lines += [" ".join(f"{number:.7g}" for number in row) + " 2" for row in numbers]
    return "\r\n".join(lines) + "\r\n"


def write_annotations(path: Path, clips: list[RawClip]) -> int:
    """Write clips as an annotation pickle; return its bytes."""
    annotations = [
        {
            "frame_dir": clip.name,
            "label": clip.label,
            "keypoint": clip.keypoints,
            "total_frames": clip.keypoints.shape[1],
        }
        for clip in clips
    ]
    split = {
        f"xsub_{name}": [clip.name for clip in clips if clip.sides["xsub"] == side]
        for name, side in (("train", "train"), ("val", "test"))
    }
    with path.open("wb") as file:
        pickle.dump({"split": split, "annotations": annotations}, file, protocol=4)
    return path.stat().st_size
