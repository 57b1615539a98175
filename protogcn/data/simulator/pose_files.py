"""Simulated performances -> 2-D poses in PYSKL's formats: one pickle, or a table and kpfiles.

Split val has the clips of NTU's cross-subject protocol: its training subjects in ``train``, the
others in ``val``.
"""

import pickle
import shutil
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from protogcn.config.facts import ntu_facts
from protogcn.data.simulator.pose_estimator import estimate_poses
from protogcn.data.simulator.recordings import Performance, record_performance
from protogcn.files.contracts import writing
from protogcn.jobs.workers import in_processes

_IMAGE_SIZES = {1: (256, 340), 2: (256, 454)}  # (height, width) in pixels, by camera number
_AUTHORS_FOLDER = "data/k400/kpfiles"  # where the table says that the kpfiles lie
_BOX_SCORE = 0.98


def write_pose_pickle(
    path: Path,
    performances: Sequence[Performance],
    *,
    seed: int,
    frames: tuple[int, int],
    workers: int,
) -> list[Path]:
    """Write one annotation pickle with all poses in it, as FineGYM's is; return the file."""
    annotations = []
    for clips in _all_clips(performances, seed, frames, workers):
        for head, poses in clips:
            arrays = {"keypoint": poses[..., :2].copy(), "keypoint_score": poses[..., 2].copy()}
            annotations.append(head | {"total_frames": poses.shape[1]} | arrays)
    _save(path, {"split": _split(annotations), "annotations": annotations})
    return [path]


def write_kpfiles(
    path: Path,
    folder: Path,
    performances: Sequence[Performance],
    *,
    seed: int,
    frames: tuple[int, int],
    workers: int,
) -> list[Path]:
    """Write a table of compressed poses and their kpfiles, as Kinetics' are; return the files.

    One kpfile has what all cameras saw of a performance.
    """
    shutil.rmtree(folder, ignore_errors=True)
    annotations, files = [], [path]
    for number, clips in enumerate(_all_clips(performances, seed, frames, workers)):
        content = {}
        kpfile = folder / f"{number:06}.pkl"
        for head, poses in clips:
            seen = poses.any(axis=(2, 3))  # (M, T)
            numbers, persons = np.nonzero(seen.T)
            content[head["frame_dir"]] = {"keypoint": poses[persons, numbers]}  # (N, 17, 3)
            annotations.append(
                head
                | {
                    "total_frames": poses.shape[1],
                    "raw_file": f"{_AUTHORS_FOLDER}/{kpfile.name}",
                    "frame_inds": numbers.astype(np.int16),
                    "box_score": np.full(len(numbers), _BOX_SCORE, np.float16),
                    "valid": {0.5: int(seen.any(axis=0).sum())},
                }
            )
        _save(kpfile, content)
        files.append(kpfile)
    _save(path, {"split": _split(annotations), "annotations": annotations})
    return files


_Clip = tuple[dict[str, Any], np.ndarray]  # the fields that both formats have; the poses


def _all_clips(
    performances: Sequence[Performance], seed: int, frames: tuple[int, int], workers: int
) -> Iterator[list[_Clip]]:
    return in_processes(partial(_clips, seed=seed, frames=frames), performances, workers)


def _clips(performance: Performance, *, seed: int, frames: tuple[int, int]) -> list[_Clip]:
    """Return what each camera saw of one performance."""
    clips = []
    for recording in record_performance(performance, seed=seed, frames=frames):
        size = _IMAGE_SIZES[recording.camera]
        head = {
            "frame_dir": performance.file_name(recording.camera).removesuffix(".skeleton"),
            "label": performance.action - 1,
            "img_shape": size,
            "original_shape": size,
        }
        clips.append((head, estimate_poses(recording, size)))
    return clips


def _split(annotations: Sequence[dict[str, Any]]) -> dict[str, list[str]]:
    trained = ntu_facts()["ntu120"]["splits"]["xsub"]["train_subjects"]
    split: dict[str, list[str]] = {"train": [], "val": []}
    for annotation in annotations:
        name = annotation["frame_dir"]
        subject = int(name[name.index("P") + 1 :][:3])
        split["train" if subject in trained else "val"].append(name)
    return split


def _save(path: Path, content: object) -> None:
    with writing(path) as file:
        pickle.dump(content, file, protocol=4)
