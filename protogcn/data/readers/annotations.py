"""A pickle in PYSKL's format -> its samples, each checked separately, all faults reported at once.

Source: the annotation format of PYSKL (tools/data/README.md there).
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np

from protogcn.data.readers.faults import report_malformed
from protogcn.data.readers.malformed import MalformedError, show
from protogcn.data.readers.notes import Notes
from protogcn.data.readers.pickles.load import load_pickle
from protogcn.data.readers.pickles.torch_file import find_score_name
from protogcn.data.readers.positions import numbers_of, read_positions
from protogcn.data.readers.pyskl_splits import EXAMPLE
from protogcn.data.readers.values import Labels, Origin, image_size, name_of, whole_number
from protogcn.errors import ContractError

_Checked = TypeVar("_Checked")


class Sample(Origin):
    """One annotation whose fields are looked at one by one."""

    def __init__(
        self,
        file: str,
        place: str,
        fields: Mapping[str, object],
        *,
        clip: str = "",
        notes: Notes | None = None,
    ):
        super().__init__(file, place, clip=clip, notes=notes)
        self.fields = fields

    def label(self, labels: Labels) -> int:
        """Return the class number."""
        return labels.number_of(self.fields["label"], self)

    def text(self, field: str) -> str:
        """Return a name that is safe to print and to write into a table."""
        return name_of(self.fields[field], self, field)

    def poses(self, num_joints: int, in_image: bool) -> tuple[np.ndarray, np.ndarray | None]:
        """Return keypoints (M, T, V, 3); in an image (M, T, V, 2), and their scores (M, T, V)."""
        given = numbers_of(self.fields["keypoint"], self, "keypoint")
        scores = self.fields.get("keypoint_score")
        keypoints, found = read_positions(
            given, self, num_joints=num_joints, in_image=in_image, scores=scores
        )
        if given.ndim == 3:
            self.note("keypoint has no axis of persons; read as (frames, joints, channels) of one")
        if in_image and scores is None and given.shape[-1] == 3:
            self.note("keypoint_score is missing; the third number of keypoint is the score")
        elif in_image and scores is None:
            self.note("keypoint_score is missing; 1 for every joint that is not at (0, 0)")
        self._check_order(*keypoints.shape[:2])
        return keypoints, found

    def _check_order(self, num_persons: int, num_frames: int) -> None:
        """Refuse persons and frames that are exchanged."""
        if "total_frames" in self.fields:
            total_frames = whole_number(self.fields["total_frames"], self, "total_frames")
            exchanged = total_frames == num_persons != num_frames
        else:
            exchanged = num_persons > max(num_frames, 2)
        if exchanged:
            found = f"{num_persons} persons in {num_frames} frame{'s'[: num_frames - 1]}"
            expected = "(persons, frames, ...); they seem to be exchanged: transpose(1, 0, 2, 3)"
            raise self.fault("keypoint", found, expected)

    def num_frames(self, keypoints: np.ndarray) -> int:
        """Return ``total_frames``, which must be that of the keypoints, or is counted there."""
        num_frames = keypoints.shape[1]
        if not num_frames:
            raise self.fault("keypoint", "no frame", "at least one")
        if "total_frames" not in self.fields:
            self.note("total_frames is missing; counted from keypoint")
            return num_frames
        total_frames = whole_number(self.fields["total_frames"], self, "total_frames")
        if total_frames != num_frames:
            expected = f"{num_frames}, the frames of its keypoint"
            raise self.fault("total_frames", str(total_frames), expected)
        return num_frames

    def image_size(self) -> tuple[int, int]:
        """Return height and width of the image in pixels."""
        return image_size(self.fields["img_shape"], self)


def load_annotations(path: Path) -> tuple[list[object], object]:
    """Return the annotations of a pickle, unchecked, and its split lists, None if it has none.

    Raises:
        ConfigError: no such file.
        ContractError: it is no such pickle.
    """
    return annotations_in(path, load_pickle(path, find_name=find_score_name))


def annotations_in(path: Path, content: object) -> tuple[list[object], object]:
    """Return the same of a pickle that was read.

    Raises:
        ContractError: it is no such pickle.
    """
    if _is_list(content) and len(content) and type(content[0]) is dict:
        content = {"annotations": content}
    content = _with_text_keys(content)
    if type(content) is not dict or "annotations" not in content:
        raise ContractError(
            f"{path}: found {_outline(content)}, expected a dict with split and annotations:"
            f' {{"split": {EXAMPLE}, "annotations": [samples]}}.'
        )
    annotations = content["annotations"]
    if not _is_list(annotations) or not len(annotations):
        found = "an empty list" if type(annotations) is list else show(annotations)
        hint = "; keep the values alone" if type(annotations) is dict and annotations else ""
        raise ContractError(f"{path}: annotations is {found}, expected a list of samples{hint}.")
    annotations = list(annotations)
    if type(annotations[0]) is dict and any(type(key) is bytes for key in annotations[0]):
        annotations = [_with_text_keys(sample) for sample in annotations]
    return annotations, _with_text_keys(content.get("split"))


def check_samples(
    path: Path,
    annotations: Sequence[object],
    fields: Sequence[str],
    check: Callable[[str, Sample], _Checked],
    *,
    notes: Notes | None = None,
) -> list[_Checked]:
    """Return what ``check(name, sample)`` returns of every sample.

    Args:
        path: the pickle, for messages.
        annotations: its samples.
        fields: what each of them has, beside ``frame_dir``, its name.
        check: raises MalformedError for what is wrong with one sample.
        notes: what was derived or converted is added to it.

    Raises:
        ContractError: for all malformed samples together.
    """
    checked: list[_Checked] = []
    faults: list[MalformedError] = []
    names: set[str] = set()
    fields = ["frame_dir", *fields]
    for number, entry in enumerate(annotations, start=1):
        place = f"annotation {number}"
        try:
            if type(entry) is not dict:
                raise MalformedError(path.name, place, show(entry), "a dict")
            if absent := [field for field in fields if field not in entry]:
                found = f"no {' and no '.join(absent)}"
                expected = ", ".join(fields) + _hint(entry, absent)
                raise MalformedError(path.name, place, found, expected)
            name = Sample(path.name, place, entry, notes=notes).text("frame_dir")
            if name in names:
                field = f"{place}, frame_dir"  # the name is that of another sample, too
                raise MalformedError(path.name, field, f"{show(name)} again", "each name once")
            names.add(name)
            sample = Sample(path.name, f"sample {show(name)}", entry, clip=name, notes=notes)
            checked.append(check(name, sample))
        except MalformedError as fault:
            faults.append(fault.with_traceback(None))  # which would keep arrays alive
    report_malformed(str(path), "samples", faults, of=len(annotations))
    return checked


def _hint(sample: Mapping[object, object], absent: Sequence[str]) -> str:
    """Return what may be done about the fields that a sample lacks, or what it has instead."""
    if "keypoint" in absent and "raw_file" in sample:
        return "; raw_file names files with the poses: give their folder as the dataset's kpfiles"
    if "raw_file" in absent and "keypoint" in sample:
        return "; the poses are in the pickle: leave the dataset's kpfiles out"
    return f"; it has {', '.join(map(show, list(sample)[:8]))}" if sample else ""


def _is_list(value: object) -> bool:
    is_array = isinstance(value, np.ndarray) and value.dtype.kind == "O" and value.ndim == 1
    return is_array or isinstance(value, list | tuple)


def _with_text_keys(content: object) -> object:
    """Return a dict whose keys are text where they were bytes, as in a pickle from Python 2."""
    if type(content) is not dict or not any(type(key) is bytes for key in content):
        return content
    return {
        key.decode(errors="replace") if type(key) is bytes else key: value
        for key, value in content.items()
    }


def _outline(content: object) -> str:
    if type(content) is not dict:
        return show(content)
    keys = ", ".join(show(key) for key in list(content)[:5])
    return f"a dict with {keys or 'nothing'}"
