"""A file of any known format, or lines of numbers as they arrive -> motion to be recognised.

Shapes: M persons, T frames, V joints, C channels.
"""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from protogcn.config.datasets import CLIP_SUFFIXES
from protogcn.data.readers.annotations import Sample, check_samples
from protogcn.data.readers.clip_file import read_clip_file
from protogcn.data.readers.malformed import MalformedError, show
from protogcn.data.readers.ntu_bodies import arrange_bodies
from protogcn.data.readers.pickles.load import load_pickle
from protogcn.data.readers.skeleton_file import NUM_JOINTS, read_skeleton_file
from protogcn.errors import ConfigError, ContractError

_PICKLES = (".pkl", ".pickle")


class Recording(NamedTuple):
    """Some persons' motion.

    Attributes:
        name: of the file without its end, or of the sample in a pickle.
        keypoints: (M, T, V, 3): x, y, z in metres, or x and y in pixels and a score; M may be 0.
    """

    name: str
    keypoints: np.ndarray


def read_recordings(path: Path, joints: Sequence[str], *, in_image: bool) -> list[Recording]:
    """Read a ``.skeleton`` file, a pickle, or a ``.npy``, ``.csv`` or ``.json`` clip.

    A pickle is what ``read_pyskl`` reads, its list of annotations alone, or one annotation; only
    ``frame_dir`` and ``keypoint`` (in 2-D also ``keypoint_score``) are needed.

    Args:
        path: the file.
        joints: the names of the V joints of a raw file.
        in_image: 2-D poses.

    Raises:
        ConfigError: no such file, or another kind of file.
        ContractError: it is malformed, or has other joints.
    """
    suffix = path.suffix.lower()
    if suffix in _PICKLES:
        return list(_read_pickle(path, len(joints), in_image))
    if suffix not in (".skeleton", *CLIP_SUFFIXES):
        kinds = ", ".join((".skeleton", *_PICKLES, *CLIP_SUFFIXES))
        raise ConfigError(f"{path}: its name ends in {show(suffix)}, expected one of {kinds}.")
    try:
        if suffix == ".skeleton":
            return [Recording(path.stem, _read_skeleton(path, len(joints), in_image))]
        return [Recording(path.stem, read_clip_file(path, joints, in_image=in_image))]
    except MalformedError as fault:
        raise ContractError(f"{path.parent}: {fault}.") from None


def live_frames(lines: Iterable[str], num_joints: int) -> Iterator[np.ndarray]:
    """Yield the positions (M, V, 3) of one frame for each line of numbers; skip empty lines.

    Raises:
        ContractError: a line is no frame, or of another number of persons than the first; or no
            line is a frame.
    """
    size = None
    for number, line in enumerate(lines, start=1):
        fields = line.replace(",", " ").split()
        if not fields:
            continue
        try:
            values = np.array(fields, dtype=np.float32)
        except ValueError:
            raise ContractError(
                f"standard input, line {number}: found {show(line.strip())}, expected"
                f" {3 * num_joints} numbers for each person, with blanks or commas between them"
                " and no header."
            ) from None
        size = size or len(values)
        if len(values) != size or size % (3 * num_joints):
            raise ContractError(
                f"standard input, line {number}: found {len(values)} values, expected"
                f" {3 * num_joints} for each person, the same number of persons in every line."
            )
        if not np.isfinite(values).all():
            raise ContractError(
                f"standard input, line {number}: found no finite numbers, expected three for each"
                " joint; a missing joint is all zero."
            )
        yield values.reshape(-1, num_joints, 3)  # (M, V, 3)
    if size is None:
        raise ContractError("standard input: found no line, expected a line for each frame.")


def _read_skeleton(path: Path, num_joints: int, in_image: bool) -> np.ndarray:
    bodies = read_skeleton_file(path)
    if num_joints != NUM_JOINTS or in_image:
        found = f"a {path.suffix} file with {NUM_JOINTS} joints in metres"
        kind = f"{num_joints} joints in an image" if in_image else f"{num_joints} joints"
        raise MalformedError(path.name, "the file", found, f"{kind}, as the networks have seen")
    arranged = arrange_bodies(bodies)
    return np.zeros((0, 0, num_joints, 3)) if isinstance(arranged, str) else arranged


def _read_pickle(path: Path, num_joints: int, in_image: bool) -> Iterator[Recording]:
    content = load_pickle(path)
    if type(content) is dict and "annotations" in content:
        content = content["annotations"]
    annotations = content if type(content) is list else [content]
    if not annotations:
        raise ContractError(f"{path}: found an empty list, expected annotations.")

    def check(name: str, sample: Sample) -> Recording:
        return Recording(name, _keypoints_of(sample, num_joints, in_image))

    yield from check_samples(path, annotations, ["keypoint"], check)


def _keypoints_of(sample: Sample, num_joints: int, in_image: bool) -> np.ndarray:
    keypoints, scores = sample.poses(num_joints, in_image)
    if scores is not None:
        keypoints = np.concatenate([keypoints, scores[..., None]], axis=-1)
    return np.array(keypoints, dtype=keypoints.dtype.newbyteorder("="))
