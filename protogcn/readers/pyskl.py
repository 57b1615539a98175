"""A PYSKL annotation pickle -> clips, in the order of its annotations.

Shapes: M persons, T frames, V joints, C channels.
Source: the annotation format of PYSKL (tools/data/README.md there).
"""

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from protogcn.errors import ContractError
from protogcn.progress import show_progress
from protogcn.readers import DroppedClip, RawClip
from protogcn.readers.malformed import SHOWN, MalformedError, report_malformed, show
from protogcn.readers.pyskl_splits import check_listed, read_sides
from protogcn.readers.safe_pickle import load_pickle

_FIELDS = ("frame_dir", "label", "keypoint", "total_frames")
_LONGEST_NAME = 200  # characters
_UNPRINTABLE = {"Cc", "Cs", "Zl", "Zp"}  # control characters, half characters, line ends
_BIDI = set("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_LARGEST = float(np.finfo(np.float32).max)


def read_pyskl(
    path: Path,
    *,
    num_joints: int,
    channels: int,
    num_classes: int,
    splits: Sequence[str],
    progress: bool = False,
) -> Iterator[RawClip | DroppedClip]:
    """Read and check a whole pickle, then return its clips.

    Args:
        path: a dict with ``split`` and ``annotations``.
        num_joints: V that every sample must have.
        channels: C that every sample must have.
        num_classes: labels run from 0 to one less.
        splits: the configured splits; see ``read_sides`` for their names in the pickle.
        progress: tell on stderr how far it is.

    Returns:
        Clips with keypoints (M, T, V, C) of the file's float type and all its persons, and what
        was left out by the rules ``no_split`` (in none of ``splits``) and ``no_body``.

    Raises:
        ConfigError: no such file, or a split is not in it.
        ContractError: it is no such pickle, or samples of it are malformed.
    """
    content = load_pickle(path)
    if type(content) is not dict or not {"split", "annotations"} <= content.keys():
        raise ContractError(
            f"{path}: found {_outline(content)}, expected a dict with split and annotations."
        )
    annotations = content["annotations"]
    if type(annotations) is not list or not annotations:
        found = "an empty list" if type(annotations) is list else show(annotations)
        raise ContractError(f"{path}: annotations is {found}, expected a list of samples.")
    sides = read_sides(str(path), content["split"], splits)
    clips = _check_annotations(path, annotations, (num_joints, channels), num_classes)
    check_listed(str(path), content["split"], {name for name, _, _ in clips})
    sorted_out = _sort_out(clips, sides)
    if progress:
        return show_progress(sorted_out, total=len(clips), what="samples")
    return sorted_out


def _sort_out(
    clips: Sequence[tuple[str, int, np.ndarray]], sides: Mapping[str, Mapping[str, str]]
) -> Iterator[RawClip | DroppedClip]:
    for name, label, keypoints in clips:
        mine = {split: listed.get(name, "-") for split, listed in sides.items()}
        if set(mine.values()) <= {"-"}:
            yield DroppedClip(name, "no_split")
        elif not keypoints.any():
            yield DroppedClip(name, "no_body")
        else:  # a copy: the array shares read-only bytes with the pickle
            native = keypoints.dtype.newbyteorder("=")
            yield RawClip(name, label, np.array(keypoints, dtype=native, order="C"), mine)


def _check_annotations(
    path: Path, annotations: Sequence[object], layout: tuple[int, int], num_classes: int
) -> list[tuple[str, int, np.ndarray]]:
    """Return name, label and keypoints of every sample, or raise for all that are malformed."""
    clips: list[tuple[str, int, np.ndarray]] = []
    faults: list[MalformedError] = []
    num_faults = 0
    seen: set[object] = set()
    for number, sample in enumerate(annotations, start=1):
        place = f"annotation {number}"
        try:
            if type(sample) is not dict:
                raise MalformedError(path.name, place, show(sample), "a dict")
            name = _check_name(path.name, place, sample)
            place = f"sample {show(name)}"
            keypoints = _check_keypoints(path.name, place, sample, layout)
            total_frames = _check_number(path.name, place, sample, "total_frames")
            if total_frames != keypoints.shape[1]:
                expected = f"{keypoints.shape[1]}, the frames of its keypoint"
                found = show(total_frames)
                raise MalformedError(path.name, f"{place}, total_frames", found, expected)
            label = _check_number(path.name, place, sample, "label")
            if not 0 <= label < num_classes:
                expected = f"0 to {num_classes - 1}"
                raise MalformedError(path.name, f"{place}, label", show(label), expected)
            if name in seen:
                expected = "each name once"
                raise MalformedError(path.name, f"{place}, frame_dir", "it again", expected)
            if id(keypoints) in seen:
                found = "the very array of an earlier sample"
                raise MalformedError(path.name, f"{place}, keypoint", found, "its own")
            seen |= {name, id(keypoints)}
            clips.append((name, label, keypoints))
        except MalformedError as fault:
            num_faults += 1
            faults = [*faults, fault][:SHOWN]
    report_malformed(str(path), "samples", faults, num_faults)
    return clips


def _check_name(file: str, place: str, sample: Mapping[str, object]) -> str:
    if absent := [field for field in _FIELDS if field not in sample]:
        expected = ", ".join(_FIELDS)
        raise MalformedError(file, place, f"no {' and no '.join(absent)}", expected)
    name, place = sample["frame_dir"], f"{place}, frame_dir"
    if not isinstance(name, str):
        raise MalformedError(file, place, show(name), "text")
    name = str(name)
    if not 1 <= len(name) <= _LONGEST_NAME:
        raise MalformedError(file, place, f"{len(name)} characters", f"1 to {_LONGEST_NAME}")
    if not (name.isascii() and name.isprintable()):
        if any(unicodedata.category(sign) in _UNPRINTABLE or sign in _BIDI for sign in name):
            raise MalformedError(file, place, show(name), "no control or bidi characters")
        if not unicodedata.is_normalized("NFC", name):
            raise MalformedError(file, place, show(name), "Unicode in the form NFC")
    return name


def _check_keypoints(
    file: str, place: str, sample: Mapping[str, object], layout: tuple[int, int]
) -> np.ndarray:
    keypoints, place = sample["keypoint"], f"{place}, keypoint"
    if type(keypoints) is not np.ndarray:
        raise MalformedError(file, place, show(keypoints), "an array")
    if keypoints.dtype.kind != "f":
        raise MalformedError(file, place, f"elements of {keypoints.dtype}", "floating point")
    if keypoints.ndim != 4 or keypoints.shape[2:] != layout:
        expected = f"(persons, frames, {layout[0]}, {layout[1]})"
        raise MalformedError(file, place, f"the shape {keypoints.shape}", expected)
    if not keypoints.shape[1]:
        raise MalformedError(file, place, "no frame", "at least one")
    too_large = keypoints.dtype.itemsize == 8 and (np.abs(keypoints) > _LARGEST).any()
    if too_large or not np.isfinite(keypoints).all():
        raise MalformedError(file, place, "NaN or infinity", "finite numbers")
    return keypoints


def _check_number(file: str, place: str, sample: Mapping[str, object], field: str) -> int:
    value = sample[field]
    if type(value) is not int and not isinstance(value, np.integer):
        raise MalformedError(file, f"{place}, {field}", show(value), "a whole number")
    return int(value)


def _outline(content: object) -> str:
    if type(content) is not dict:
        return show(content)
    keys = ", ".join(show(key) for key in list(content)[:5])
    return f"a dict with {keys or 'nothing'}"
