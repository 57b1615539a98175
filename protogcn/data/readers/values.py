"""Values as people write them -> labels, numbers, names, sizes of images.

The one of arrays is in ``positions``.
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence

import numpy as np

from protogcn.data.readers.malformed import MalformedError, show
from protogcn.data.readers.notes import Notes
from protogcn.data.readers.pickles.numpy_arrays import RefusedError
from protogcn.data.readers.pickles.torch_tensors import PickledTensor
from protogcn.errors import has_hidden, nearest

_LARGEST_IMAGE = 100_000  # pixels along one side
_LONGEST_NAME = 200  # characters
_WHOLE = re.compile(r"[+-]?[0-9]{1,18}(\.0*)?")


class Origin:
    """Where values come from: names the file and the place of a fault, and takes notes.

    Attributes:
        file: its name.
        place: of the clip in it, such as a line; empty for a file of one clip.
        clip: its name, for notes.
    """

    def __init__(self, file: str, place: str = "", *, clip: str = "", notes: Notes | None = None):
        self.file = file
        self.place = place
        self.clip = clip
        self._notes = notes

    def fault(self, field: str, found: str, expected: str) -> MalformedError:
        """Return the fault of one field."""
        place = f"{self.place}, {field}" if self.place else field
        return MalformedError(self.file, place, found, expected)

    def note(self, sentence: str, clip: str | None = None) -> None:
        """Note what was done to this clip, or to another one."""
        if self._notes is not None:
            self._notes.add(sentence, self.clip if clip is None else clip)


class Labels:
    """The classes of a dataset, by name and by number.

    Args:
        classes: their names in label order; two classes may share one.
        given: the labels of all samples as they are, for the hint that they start at 1.
    """

    def __init__(self, classes: Sequence[str], given: Iterable[object] = ()):
        self._classes = classes
        self._numbers_of: dict[str, list[int]] = defaultdict(list)
        for number, name in enumerate(classes):
            self._numbers_of[name].append(number)
        self._range = f"0 to {len(classes) - 1}"
        numbers = {label if type(label) is int else _whole(single(label)) for label in given}
        numbers.discard(None)
        if numbers and (min(numbers), max(numbers)) == (1, len(classes)):
            self._range += (
                f"; the labels run from 1 to {len(classes)}, so they seem to start at 1: subtract 1"
                " from each"
            )

    def number_of(self, label: object, origin: Origin) -> int:
        """Return the number of a class: given as a number or a name, maybe alone in an array.

        Raises:
            MalformedError: there is no such class, or it could be two.
        """
        if type(label) is int:  # nearly all are
            number = label
        else:
            value = single(label)
            if isinstance(value, bytes):
                value = _decoded(value)
            numbers = set()
            if isinstance(value, str):
                value = value.strip()
                numbers.update(self._numbers_of.get(value, ()))
            number = _whole(value)
            if isinstance(value, str) and number is not None and 0 <= number < len(self._classes):
                numbers.add(number)
            if len(numbers) > 1:
                which = " and ".join(map(str, sorted(numbers)))
                found = f"{show(value)}, which is by name or number each of the classes {which}"
                raise origin.fault("label", found, "one class; give the classes other names")
            if numbers:
                return numbers.pop()
            if number is None or isinstance(value, str):
                expected = f"a class name of the config, or its number, {self._range}"
                hint = nearest(value, self._classes) if isinstance(value, str) else ""
                if isinstance(value, np.ndarray) and value.shape == (len(self._classes),):
                    hint = "; of a one-hot row its argmax()"
                raise origin.fault("label", show(value), expected + hint)
        if not 0 <= number < len(self._classes):
            raise origin.fault("label", show(label), self._range)
        return number


def whole_number(value: object, origin: Origin, field: str) -> int:
    """Return a whole number: 3, 3.0, numpy's, in text, or alone in an array or list.

    Raises:
        MalformedError: it is none.
    """
    if type(value) is int:
        return value
    number = _whole(single(value))
    if number is None:
        raise origin.fault(field, show(value), "a whole number")
    return number


def name_of(value: object, origin: Origin, field: str) -> str:
    """Return a name that is safe to print and to write into a table.

    Bytes, which Python 2 wrote for text, are read as UTF-8; that is noted.

    Raises:
        MalformedError: it is none.
    """
    name = value
    if not isinstance(name, str):
        name = single(name)
        if isinstance(name, bytes):
            name = _decoded(name)
            origin.note(f"{field} in bytes, as Python 2 wrote text: read as UTF-8", str(name))
        if not isinstance(name, str):
            raise origin.fault(field, show(value), "text")
    name = str(name)
    if not 1 <= len(name) <= _LONGEST_NAME:
        raise origin.fault(field, f"{len(name)} characters", f"1 to {_LONGEST_NAME}")
    if not (name.isascii() and name.isprintable()):
        if has_hidden(name):
            raise origin.fault(field, show(name), "no control or bidi characters")
        if not unicodedata.is_normalized("NFC", name):
            raise origin.fault(field, show(name), "Unicode in the form NFC")
    return name


def image_size(value: object, origin: Origin, field: str = "img_shape") -> tuple[int, int]:
    """Return height and width of (height, width) or (height, width, colours), in pixels.

    Raises:
        MalformedError: these are no two sides of an image.
    """
    sides = value.tolist() if isinstance(value, np.ndarray) else value
    size = len(sides) if isinstance(sides, list | tuple) else 0
    if not (size == 2 or (size == 3 and _whole(sides[2]) in (1, 3, 4))):
        found = f"({', '.join(map(show, sides))})" if 0 < size < 5 else show(value)
        raise origin.fault(field, found, "(height, width) of the image in pixels")
    return side_of_image(sides[0], origin, field), side_of_image(sides[1], origin, field)


def side_of_image(value: object, origin: Origin, field: str) -> int:
    """Return the height or the width of an image in pixels.

    Raises:
        MalformedError: it is none.
    """
    side = _whole(single(value))
    if side is None or not 1 <= side <= _LARGEST_IMAGE:
        expected = f"a whole number of pixels, 1 to {_LARGEST_IMAGE}"
        raise origin.fault(field, show(value), expected)
    return side


def single(value: object) -> object:
    """Return the one value of an array, tensor, list or tuple; others as they are."""
    for _ in range(3):
        if isinstance(value, np.generic) or (isinstance(value, np.ndarray) and value.size == 1):
            value = value.item()
        elif isinstance(value, PickledTensor) and value.shape in ((), (1,)):
            try:
                value = value.to_array()
            except RefusedError:  # it has no value
                break
        elif isinstance(value, list | tuple) and len(value) == 1:
            value = value[0]
        else:
            break
    return value


def _whole(value: object) -> int | None:
    """Return the whole number that a value is or spells, if it is one."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        return int(value) if value.is_integer() else None
    if isinstance(value, bytes):
        value = _decoded(value)
    if isinstance(value, str) and _WHOLE.fullmatch(text := value.strip()):
        return int(text.partition(".")[0])
    return None


def _decoded(value: bytes) -> str | bytes:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value
