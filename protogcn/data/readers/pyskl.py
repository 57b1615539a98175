"""A PYSKL annotation pickle -> clips, in the order of its annotations.

Shapes: M persons, T frames, V joints, C channels.
Source: the annotation format of PYSKL (tools/data/README.md there).
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from protogcn.data.readers import DroppedClip, RawClip
from protogcn.data.readers.annotations import Sample, check_samples, load_annotations
from protogcn.data.readers.faults import results_of
from protogcn.data.readers.malformed import show
from protogcn.data.readers.notes import Notes
from protogcn.data.readers.pyskl_splits import find_lists, read_sides
from protogcn.data.readers.values import Labels
from protogcn.jobs.bar import show_progress

_FIELDS = ("label", "keypoint")
_IMAGE_FIELDS = ("img_shape",)  # of 2-D poses besides


class _Clip(NamedTuple):
    """One checked sample; the arrays share read-only bytes with the pickle."""

    name: str
    label: int
    keypoints: np.ndarray
    scores: np.ndarray | None
    image_size: tuple[int, int] | None

    def values(self) -> np.ndarray:
        """Return a copy in native order, (M, T, V, C); the score is the last channel in 2-D."""
        parts = [self.keypoints]
        if self.scores is not None:
            parts.append(self.scores[..., None])
        native = np.result_type(*(part.dtype.newbyteorder("=") for part in parts))
        return np.concatenate(parts, axis=-1).astype(native, copy=False)


def read_pyskl(
    path: Path,
    *,
    num_joints: int,
    classes: Sequence[str],
    splits: Sequence[str],
    in_image: bool = False,
    notes: Notes | None = None,
    progress: bool = False,
) -> Iterator[RawClip | DroppedClip]:
    """Read and check a whole pickle, then return its clips.

    Args:
        path: a dict with ``split`` and ``annotations``, or the annotations alone.
        num_joints: V that every sample must have.
        classes: the class names in label order.
        splits: the configured splits; see ``find_lists`` for their names in the pickle.
        in_image: 2-D poses with their scores and the size of the image, instead of x, y, z.
        notes: what was derived or converted is added to it, before the first clip is returned.
        progress: report the progress on stderr.

    Returns:
        Clips with keypoints (M, T, V, 3) of the file's float type and all its persons, and what
        was left out by the rules ``no_split`` (in none of ``splits``) and ``no_body``.

    Raises:
        ConfigError: no such file, or a split is not in it.
        ContractError: it is no such pickle, or samples of it are malformed.
    """
    annotations, lists = load_annotations(path)
    arrays: dict[int, str] = {}  # those that were read, and whose they are
    labels = Labels(classes, (entry.get("label") for entry in annotations if type(entry) is dict))

    def check(name: str, sample: Sample) -> _Clip:
        return _check(name, sample, num_joints, labels, in_image, arrays)

    fields = [*_FIELDS, *_IMAGE_FIELDS] if in_image else _FIELDS
    listed, clips = results_of(
        lambda: find_lists(path, lists, splits),
        lambda: check_samples(path, annotations, fields, check, notes=notes),
    )
    sides = read_sides(path, listed, [clip.name for clip in clips], notes=notes)
    sorted_out = _sort_out(clips, sides)
    if progress:
        return show_progress(sorted_out, total=len(clips), what="samples")
    return sorted_out


def _sort_out(
    clips: Sequence[_Clip], sides: Mapping[str, Mapping[str, str]]
) -> Iterator[RawClip | DroppedClip]:
    for clip in clips:
        mine = {split: listed.get(clip.name, "-") for split, listed in sides.items()}
        if set(mine.values()) <= {"-"}:
            yield DroppedClip(clip.name, "no_split")
        elif not clip.keypoints.any():
            yield DroppedClip(clip.name, "no_body")
        else:
            yield RawClip(clip.name, clip.label, clip.values(), mine, clip.image_size)


def _check(
    name: str,
    sample: Sample,
    num_joints: int,
    labels: Labels,
    in_image: bool,
    arrays: dict[int, str],
) -> _Clip:
    keypoints, scores = sample.poses(num_joints, in_image)
    sample.num_frames(keypoints)
    image_size = sample.image_size() if in_image else None
    label = sample.label(labels)
    if (earlier := arrays.setdefault(id(sample.fields["keypoint"]), name)) != name:
        expected = "its own; leave one of the two out, or give it a copy()"
        raise sample.fault("keypoint", f"the very array of sample {show(earlier)}", expected)
    return _Clip(name, label, keypoints, scores, image_size)
