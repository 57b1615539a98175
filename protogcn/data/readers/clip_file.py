"""One clip in a file of its own, or in one for each frame -> its keypoints.

Shapes: M persons, T frames, V joints.
"""

import json
import re
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from protogcn.config.datasets import CLIP_SUFFIXES
from protogcn.data.readers.annotations import Sample
from protogcn.data.readers.clip_csv import parse_clip_csv
from protogcn.data.readers.malformed import MalformedError, check_regular_file, show
from protogcn.data.readers.notes import Notes
from protogcn.data.readers.ntu_bodies import arrange_bodies
from protogcn.data.readers.positions import read_positions
from protogcn.data.readers.recorders.openpose import read_openpose_frames
from protogcn.data.readers.recorders.recorder_json import KINDS, read_recorder_json
from protogcn.data.readers.recorders.recording import Recorded, fitting
from protogcn.data.readers.skeleton_file import NUM_JOINTS, read_skeleton_file
from protogcn.data.readers.values import Origin
from protogcn.errors import ContractError
from protogcn.files.contracts import reading
from protogcn.files.kind import kind_of
from protogcn.files.plain_arrays import load_npy

MAX_BYTES = 256 * 2**20  # an hour of one person with 25 joints has 32 MB
_FRAME_FILE = re.compile(r"(.+)_[0-9]+_keypoints", re.DOTALL)
_LARGEST_SHARE = 2.0  # of an image: joints may lie outside of it
_MOST_BELOW = 0.25  # of shares that may be below zero


class ClipContent(NamedTuple):
    """What is in the file of a clip.

    Attributes:
        keypoints: (M, T, V, 3) float32 or float64, of a ``.skeleton`` file float16, finite; M may
            be 0.
        image_size: height and width of the image, if the file tells; 1 and 1 if positions are
            shares of it.
        rule: that leaves the clip out, for one without a usable body.
    """

    keypoints: np.ndarray
    image_size: tuple[int, int] | None = None
    rule: str | None = None


def read_clip_file(
    path: Path, joints: Sequence[str], *, in_image: bool, clip: str, notes: Notes | None = None
) -> ClipContent:
    """Read one clip; nothing in the file is run.

    ``.npy`` and ``.json`` hold what ``read_positions`` takes, ``.json`` also an annotation
    (``keypoint`` and what else a pickle has), or what a recorder wrote (``read_recorder_json``).
    For ``.csv`` see ``parse_clip_csv``; ``.skeleton`` is NTU's.

    Args:
        path: the file; the end of its name tells its format.
        joints: the names of its V joints, in order.
        in_image: 2-D poses.
        clip: its name, for notes.
        notes: what was derived or converted is added to it.

    Raises:
        MalformedError: no such file, too large, or not what its format promises.
    """
    check_regular_file(path, MAX_BYTES)
    origin = Origin(path.name, clip=clip, notes=notes)
    match path.suffix.lower():
        case ".skeleton":
            return _read_skeleton(path, len(joints), in_image)
        case ".npy":
            return _content(_load_npy(path), origin, joints, in_image)
        case ".csv":
            values = parse_clip_csv(_read_text(path), origin, joints, in_image=in_image)
            return _content(values, origin, joints, in_image)
        case ".json":
            return _read_json(path, joints, in_image, clip, notes)
        case other:
            expected = f"one of {', '.join(CLIP_SUFFIXES)}"
            raise origin.fault("its name", f"the end {show(other)}", expected)


def read_frame_files(
    files: Sequence[Path],
    joints: Sequence[str],
    *,
    in_image: bool,
    clip: str,
    notes: Notes | None = None,
) -> ClipContent:
    """Read one clip of which each frame has a file of OpenPose.

    Args:
        files: of all its frames, in any order.
        joints: the names of its V joints, in order.
        in_image: 2-D poses.
        clip: its name, for notes and messages.
        notes: what was derived is added to it.

    Raises:
        MalformedError: they are not that.
    """
    origin = Origin(clip, clip=clip, notes=notes)
    return _of_recorder(read_openpose_frames(files, _load_json, origin), joints, in_image, origin)


def names_of_frame(name: str) -> list[str]:
    """Return what the clip may be called that a file is a frame of: its folder, and its beginning.

    ``wave/a_000000000012_keypoints.json`` may belong to ``wave`` or to ``wave/a``.
    """
    stem, _, suffix = name.rpartition(".")
    if suffix.lower() != "json":
        return []
    folder, slash, last = stem.rpartition("/")
    match = _FRAME_FILE.fullmatch(last)
    beginning = [] if match is None else [f"{folder}{slash}{match[1]}"]
    return [folder, *beginning] if folder else beginning


def frames_in(folder: Path) -> dict[str, list[Path]]:
    """Return the files of frames directly in a folder, by the names of their clips."""
    frames: dict[str, list[Path]] = defaultdict(list)
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() == ".json":
            match = _FRAME_FILE.fullmatch(path.stem)
            frames[match[1] if match else folder.resolve().name].append(path)
    return frames


def _read_skeleton(path: Path, num_joints: int, in_image: bool) -> ClipContent:
    bodies = read_skeleton_file(path)
    if num_joints != NUM_JOINTS or in_image:
        found = f"a .skeleton file with {NUM_JOINTS} joints in metres"
        kind = f"{num_joints} joints in an image" if in_image else f"{num_joints} joints"
        raise MalformedError(path.name, "the file", found, f"{kind}, as the skeleton has them")
    arranged = arrange_bodies(bodies)
    if isinstance(arranged, str):
        return ClipContent(np.zeros((0, 0, num_joints, 3)), rule=arranged)
    return ClipContent(arranged)


def _load_npy(path: Path) -> np.ndarray:
    with path.open("rb") as file:
        if file.read(2) == b"PK":
            raise MalformedError(path.name, "the file", "an archive", "one .npy array")
    try:
        # Damaged headers end in whatever numpy's tokenizer raises.
        with reading(path, "an array"):
            return load_npy(path)
    except ContractError as error:
        kind = kind_of(path)
        if "objects" in str(error):
            found = "an array of Python objects"
            expected = "one array of numbers: join its parts with numpy.stack before numpy.save"
        else:
            found = "no whole array of numbers" if "numpy" in kind else kind
            expected = "an array of numbers, as numpy.save writes it"
        raise MalformedError(path.name, "the file", found, expected) from error


def _read_json(
    path: Path, joints: Sequence[str], in_image: bool, clip: str, notes: Notes | None
) -> ClipContent:
    content = _load_json(path)
    origin = Origin(path.name, clip=clip, notes=notes)
    if (given := read_recorder_json(content, origin, len(joints))) is not None:
        return _of_recorder(given, joints, in_image, origin)
    if isinstance(content, list) and len(content) == 1 and isinstance(content[0], dict):
        content = content[0]
    if not isinstance(content, dict):
        return _content(content, origin, joints, in_image)
    if "keypoint" not in content:
        found = f"an object with {', '.join(map(show, list(content)[:5])) or 'nothing'}"
        raise origin.fault("the file", found, KINDS)
    sample = Sample(path.name, "", content, clip=clip, notes=notes)
    keypoints, scores = sample.poses(len(joints), in_image)
    size = sample.image_size() if in_image and content.get("img_shape") is not None else None
    return _joined(keypoints, scores, size)


def _load_json(path: Path) -> object:
    check_regular_file(path, MAX_BYTES)
    try:
        return json.loads(_read_text(path))
    except (ValueError, RecursionError) as error:
        line, found = "the file", "no JSON"
        if isinstance(error, json.JSONDecodeError):
            line, found = f"line {error.lineno}", f"no JSON ({error.msg})"
        raise MalformedError(path.name, line, found, "nested lists of numbers") from error


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise MalformedError(path.name, "the file", kind_of(path), "UTF-8 text") from error


def _of_recorder(
    given: Recorded, joints: Sequence[str], in_image: bool, origin: Origin
) -> ClipContent:
    keypoints, _, size = fitting(given, joints, in_image, origin)
    if not keypoints.size:
        return ClipContent(keypoints, size, "no_body")
    return ClipContent(keypoints, size or _shares(keypoints, in_image))


def _content(value: object, origin: Origin, joints: Sequence[str], in_image: bool) -> ClipContent:
    keypoints, scores = read_positions(value, origin, num_joints=len(joints), in_image=in_image)
    if 0 in keypoints.shape:
        raise origin.fault("keypoint", f"the shape {keypoints.shape}", "frames")
    return _joined(keypoints, scores, None)


def _joined(
    keypoints: np.ndarray, scores: np.ndarray | None, image_size: tuple[int, int] | None
) -> ClipContent:
    """Return positions and scores in one array of native order, float32 or wider."""
    parts = [keypoints] if scores is None else [keypoints, scores[..., None]]
    native = [part.dtype.newbyteorder("=") for part in parts]
    values = np.concatenate(parts, axis=-1).astype(np.result_type(*native, np.float32), copy=False)
    return ClipContent(values, image_size or _shares(values, scores is not None))


def _shares(keypoints: np.ndarray, in_image: bool) -> tuple[int, int] | None:
    """Return the size of the image if positions are shares of it, which no person in pixels is."""
    positions = keypoints[..., :2]
    if not in_image or np.abs(positions).max() > _LARGEST_SHARE:
        return None
    # About a person's own middle, as MediaPipe's world landmarks are, half of them are below zero.
    below = np.count_nonzero(positions < 0) > _MOST_BELOW * np.count_nonzero(positions)
    return None if below else (1, 1)
