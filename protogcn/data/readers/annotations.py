"""A pickle in PYSKL's format -> its samples, each checked separately, all faults reported at once.

Source: the annotation format of PYSKL (tools/data/README.md there).
"""

import unicodedata
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np

from protogcn.data.readers.malformed import SHOWN, MalformedError, report_malformed, show
from protogcn.data.readers.pickles.load import load_pickle
from protogcn.errors import ContractError

_LONGEST_NAME = 200  # characters
LARGEST_IMAGE = 100_000  # pixels along one side
_UNPRINTABLE = {"Cc", "Cs", "Zl", "Zp"}  # control characters, half characters, line ends
_BIDI = set("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_LARGEST = float(np.finfo(np.float32).max)

_Checked = TypeVar("_Checked")


class Sample:
    """One annotation whose fields are looked at one by one; faults name the file and the place."""

    def __init__(self, file: str, place: str, fields: Mapping[str, object]):
        self.file = file
        self.place = place
        self.fields = fields

    def fault(self, field: str, found: str, expected: str) -> MalformedError:
        """Return the fault of one field."""
        return MalformedError(self.file, f"{self.place}, {field}", found, expected)

    def number(self, field: str) -> int:
        """Return a whole number."""
        value = self.fields[field]
        if type(value) is not int and not isinstance(value, np.integer):
            raise self.fault(field, show(value), "a whole number")
        return int(value)

    def label(self, num_classes: int) -> int:
        """Return the class number."""
        label = self.number("label")
        if not 0 <= label < num_classes:
            raise self.fault("label", show(label), f"0 to {num_classes - 1}")
        return label

    def text(self, field: str) -> str:
        """Return a name that is safe to print and to write into a table."""
        name = self.fields[field]
        if not isinstance(name, str):
            raise self.fault(field, show(name), "text")
        name = str(name)
        if not 1 <= len(name) <= _LONGEST_NAME:
            raise self.fault(field, f"{len(name)} characters", f"1 to {_LONGEST_NAME}")
        if not (name.isascii() and name.isprintable()):
            if any(unicodedata.category(sign) in _UNPRINTABLE or sign in _BIDI for sign in name):
                raise self.fault(field, show(name), "no control or bidi characters")
            if not unicodedata.is_normalized("NFC", name):
                raise self.fault(field, show(name), "Unicode in the form NFC")
        return name

    def floats(self, field: str, layout: str, shape: Sequence[int | None]) -> np.ndarray:
        """Return an array of finite numbers.

        Args:
            field: its name.
            layout: what its axes are, for messages.
            shape: the length of each axis, None for any.
        """
        array = self.fields[field]
        if type(array) is not np.ndarray:
            raise self.fault(field, show(array), "an array")
        if array.dtype.kind != "f":
            raise self.fault(field, f"elements of {array.dtype}", "floating point")
        if len(shape) != array.ndim or any(
            wanted not in (None, size) for wanted, size in zip(shape, array.shape, strict=True)
        ):
            raise self.fault(field, f"the shape {array.shape}", layout)
        too_large = array.dtype.itemsize == 8 and (np.abs(array) > _LARGEST).any()
        if too_large or not np.isfinite(array).all():
            raise self.fault(field, "NaN or infinity", "finite numbers")
        return array

    def poses(self, num_joints: int, in_image: bool) -> tuple[np.ndarray, np.ndarray | None]:
        """Return keypoints (M, T, V, 3); in an image (M, T, V, 2), and their scores (M, T, V)."""
        channels = 2 if in_image else 3
        layout = f"(persons, frames, {num_joints}, {channels})"
        keypoints = self.floats("keypoint", layout, (None, None, num_joints, channels))
        if not in_image:
            return keypoints, None
        layout = f"{keypoints.shape[:3]}, as its keypoint"
        return keypoints, self.floats("keypoint_score", layout, keypoints.shape[:3])

    def image_size(self) -> tuple[int, int]:
        """Return height and width of the image in pixels."""
        size = self.fields["img_shape"]
        if type(size) not in (tuple, list) or len(size) != 2:
            raise self.fault("img_shape", show(size), "(height, width)")
        for side in size:
            whole = type(side) is int or isinstance(side, np.integer)
            if not whole or not 1 <= side <= LARGEST_IMAGE:
                raise self.fault("img_shape", show(side), f"1 to {LARGEST_IMAGE} pixels")
        return int(size[0]), int(size[1])


def load_annotations(path: Path) -> tuple[list[object], object]:
    """Return the annotations of a pickle, unchecked, and its split lists.

    Raises:
        ConfigError: no such file.
        ContractError: it is no such pickle.
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
    return annotations, content["split"]


def check_samples(
    path: Path,
    annotations: Sequence[object],
    fields: Sequence[str],
    check: Callable[[str, Sample], _Checked],
    *,
    shown: int | None = SHOWN,
) -> list[_Checked]:
    """Return what ``check(name, sample)`` returns of every sample.

    Args:
        path: the pickle, for messages.
        annotations: its samples.
        fields: what each of them has, beside ``frame_dir``, its name.
        check: raises MalformedError for what is wrong with one sample.
        shown: how many faults the message names, None for all.

    Raises:
        ContractError: for all malformed samples together.
    """
    checked: list[_Checked] = []
    faults: list[MalformedError] = []
    num_faults = 0
    names: set[str] = set()
    fields = ["frame_dir", *fields]
    for number, entry in enumerate(annotations, start=1):
        place = f"annotation {number}"
        try:
            if type(entry) is not dict:
                raise MalformedError(path.name, place, show(entry), "a dict")
            if absent := [field for field in fields if field not in entry]:
                found = f"no {' and no '.join(absent)}"
                raise MalformedError(path.name, place, found, ", ".join(fields))
            name = Sample(path.name, place, entry).text("frame_dir")
            sample = Sample(path.name, f"sample {show(name)}", entry)
            item = check(name, sample)
            if name in names:
                raise sample.fault("frame_dir", "it again", "each name once")
            names.add(name)
            checked.append(item)
        except MalformedError as fault:
            num_faults += 1
            if shown is None or num_faults <= shown:
                faults.append(fault)
    report_malformed(str(path), "samples", faults, num_faults, shown=shown)
    return checked


def _outline(content: object) -> str:
    if type(content) is not dict:
        return show(content)
    keys = ", ".join(show(key) for key in list(content)[:5])
    return f"a dict with {keys or 'nothing'}"
