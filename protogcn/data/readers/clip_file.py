"""One clip in a dedicated file (``.npy``, ``.csv`` or ``.json``) -> its keypoints.

Shapes: M persons, T frames, V joints, C channels.
"""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from protogcn.config.datasets import CLIP_SUFFIXES
from protogcn.data.readers.clip_csv import parse_clip_csv
from protogcn.data.readers.malformed import MalformedError, check_regular_file, show

MAX_BYTES = 256 * 2**20  # an hour of one person with 25 joints has 32 MB
_LARGEST = float(np.finfo(np.float32).max)


def read_clip_file(path: Path, joints: Sequence[str], *, in_image: bool) -> np.ndarray:
    """Read one clip; nothing in the file is run.

    ``.npy`` and ``.json`` hold an array, in JSON nested lists: (frames, joints, 3) of one person or
    (persons, frames, joints, 3): x, y, z in metres, or in an image x, y and a score; there the last
    axis may be 2 long, and joints that are not at (0, 0) get the score 1. JSON may also be an
    object with the array as ``keypoint``. For ``.csv`` see ``parse_clip_csv``.

    Args:
        path: the file; the end of its name tells its format.
        joints: the names of its V joints, in order.
        in_image: 2-D poses.

    Returns:
        (M, T, V, 3) float32 or float64, finite.

    Raises:
        MalformedError: no such file, too large, or not what its format promises.
    """
    check_regular_file(path, MAX_BYTES)
    match path.suffix.lower():
        case ".npy":
            keypoints = _load_npy(path)
        case ".csv":
            keypoints = parse_clip_csv(_read_text(path), path.name, joints, in_image=in_image)
        case ".json":
            keypoints = _load_json(path)
        case other:
            expected = f"one of {', '.join(CLIP_SUFFIXES)}"
            raise MalformedError(path.name, "its name", f"the end {show(other)}", expected)
    return _checked(keypoints, path.name, len(joints), in_image)


def _load_npy(path: Path) -> np.ndarray:
    try:
        # Mapped: a header that promises more than the file has is found out, not given memory.
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        found, expected = "no whole array of numbers", "one, as numpy.save writes it"
        raise MalformedError(path.name, "the file", found, expected) from error
    if not isinstance(array, np.ndarray):
        array.close()
        raise MalformedError(path.name, "the file", "an archive", "one .npy array")
    return np.array(array)


def _load_json(path: Path) -> np.ndarray:
    try:
        content = json.loads(_read_text(path))
    except (ValueError, RecursionError) as error:
        line = f"line {error.lineno}" if isinstance(error, json.JSONDecodeError) else "the file"
        raise MalformedError(path.name, line, "no JSON", "nested lists of numbers") from error
    if isinstance(content, dict):
        if "keypoint" not in content:
            found = f"an object with {', '.join(map(show, list(content)[:5])) or 'nothing'}"
            raise MalformedError(path.name, "the file", found, "keypoint in it")
        content = content["keypoint"]
    if not isinstance(content, list):
        raise MalformedError(path.name, "keypoint", show(content), "nested lists of numbers")
    try:
        return np.array(content)
    except ValueError as error:
        found = "lists of different lengths"
        raise MalformedError(path.name, "keypoint", found, "the same in every frame") from error


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise MalformedError(path.name, "the file", "no UTF-8 text", "UTF-8 text") from error


def _checked(keypoints: np.ndarray, file: str, num_joints: int, in_image: bool) -> np.ndarray:
    """(T, V, C) or (M, T, V, C) -> (M, T, V, 3), floating point and finite."""
    if keypoints.dtype.kind not in "fiu":
        raise MalformedError(file, "the array", f"elements of {keypoints.dtype}", "numbers")
    channels = (2, 3) if in_image else (3,)
    layouts = [(num_joints, size) for size in channels]
    if keypoints.ndim not in (3, 4) or keypoints.shape[-2:] not in layouts:
        last = f"{num_joints}, {' or '.join(map(str, channels))})"
        expected = f"(frames, {last} or (persons, frames, {last}"
        raise MalformedError(file, "the array", f"the shape {keypoints.shape}", expected)
    keypoints = keypoints if keypoints.ndim == 4 else keypoints[None]  # (M, T, V, C)
    if 0 in keypoints.shape:
        raise MalformedError(file, "the array", f"the shape {keypoints.shape}", "frames")
    keypoints = keypoints.astype(np.result_type(keypoints.dtype.newbyteorder("="), np.float32))
    wrong = ~(np.abs(keypoints) <= _LARGEST).all(axis=-1)  # (M, T, V)
    if wrong.any():
        person, frame, joint = np.argwhere(wrong)[0]
        place = f"person {person + 1}, frame {frame + 1}, joint {joint}"
        expected = "finite numbers; a missing joint is all zero"
        raise MalformedError(file, place, "NaN or infinity", expected)
    if keypoints.shape[-1] == 2:
        scores = keypoints.any(axis=-1, keepdims=True).astype(keypoints.dtype)
        keypoints = np.concatenate([keypoints, scores], axis=-1)
    return keypoints
