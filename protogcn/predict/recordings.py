"""A file of any known format, or lines of numbers as they arrive -> motion to be recognised.

Shapes: M persons, T frames, V joints, C channels.
"""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from protogcn.config.datasets import CLIP_SUFFIXES
from protogcn.data.readers.annotations import Sample, check_samples
from protogcn.data.readers.clip_file import frames_in, read_clip_file, read_frame_files
from protogcn.data.readers.malformed import MalformedError, show
from protogcn.data.readers.notes import Notes
from protogcn.data.readers.pickles.load import load_pickle
from protogcn.errors import ConfigError, ContractError
from protogcn.files.kind import kind_of

_PICKLES = (".pkl", ".pickle")
_KINDS = (
    f"a file that ends in {', '.join((*CLIP_SUFFIXES, *_PICKLES))}, or a folder of OpenPose's json"
)


class Recording(NamedTuple):
    """Some persons' motion.

    Attributes:
        name: of the file without its end, or of the sample in a pickle.
        keypoints: (M, T, V, 3): x, y, z in metres, or x and y in pixels and a score; M may be 0.
    """

    name: str
    keypoints: np.ndarray


def read_recordings(
    path: Path, joints: Sequence[str], *, in_image: bool, notes: Notes | None = None
) -> list[Recording]:
    """Read a clip's file as ``read_clip_file`` does, a folder of OpenPose's frames, or a pickle.

    A pickle is what ``read_pyskl`` reads, its list of annotations alone, or one annotation; only
    ``frame_dir`` and ``keypoint`` (in 2-D also ``keypoint_score``) are needed.

    Args:
        path: the file or folder.
        joints: the names of the V joints of a raw file.
        in_image: 2-D poses.
        notes: what was derived or converted is added to it.

    Raises:
        ConfigError: no such file, or another kind of file.
        ContractError: it is malformed, or has other joints.
    """
    suffix = path.suffix.lower()
    if not path.exists():
        raise ConfigError(f"{path}: does not exist, expected {_KINDS}.")
    if path.is_dir():
        return _read_folder(path, joints, in_image, notes)
    if suffix in _PICKLES:
        return list(_read_pickle(path, len(joints), in_image, notes))
    if suffix not in CLIP_SUFFIXES:
        raise ConfigError(f"{path}: {_found(path)}, expected {_KINDS}.")
    try:
        content = read_clip_file(path, joints, in_image=in_image, clip=path.stem, notes=notes)
    except MalformedError as fault:
        raise ContractError(f"{path.parent}/{fault}.") from None
    return [Recording(path.stem, content.keypoints)]


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


def _read_folder(
    folder: Path, joints: Sequence[str], in_image: bool, notes: Notes | None
) -> list[Recording]:
    """Read each recording of a folder that has a file for each frame."""
    frames = frames_in(folder)
    if not frames:
        raise ConfigError(f"{folder}: found a folder without OpenPose's json, expected {_KINDS}.")
    try:
        return [
            Recording(
                name,
                read_frame_files(
                    files, joints, in_image=in_image, clip=name, notes=notes
                ).keypoints,
            )
            for name, files in frames.items()
        ]
    except MalformedError as fault:
        raise ContractError(f"{folder}: {fault}.") from None


def _found(path: Path) -> str:
    try:
        kind = kind_of(path)
    except OSError as error:
        return error.strerror or str(error)
    hint = "; a pose estimator such as OpenPose or MediaPipe makes poses of it"
    return f"found {kind}{hint if kind.endswith(('video', 'picture')) else ''}"


def _read_pickle(
    path: Path, num_joints: int, in_image: bool, notes: Notes | None
) -> Iterator[Recording]:
    content = load_pickle(path)
    if type(content) is dict and "annotations" in content:
        content = content["annotations"]
    annotations = content if type(content) is list else [content]
    if not annotations:
        raise ContractError(f"{path}: found an empty list, expected annotations.")

    def check(name: str, sample: Sample) -> Recording:
        return Recording(name, _keypoints_of(sample, num_joints, in_image))

    yield from check_samples(path, annotations, ["keypoint"], check, notes=notes)


def _keypoints_of(sample: Sample, num_joints: int, in_image: bool) -> np.ndarray:
    keypoints, scores = sample.poses(num_joints, in_image)
    if scores is not None:
        keypoints = np.concatenate([keypoints, scores[..., None]], axis=-1)
    return np.array(keypoints, dtype=keypoints.dtype.newbyteorder("="))
