"""Numpy arrays as a pickle describes them -> arrays, built only after every claim is checked.

numpy's own functions for this trust the pickle and can be made to crash (numpy#30476); here the
pickle only ever reaches these stand-ins.
"""

import math
import re

import numpy as np

from protogcn.data.readers.malformed import show

_CODE = re.compile(r"b1|[iu][1248]|f(2|4|8|12|16)|c(8|16)|O8|[SU][1-9][0-9]{0,5}")
_MAX_DIMENSIONS = 32
_MAX_EMPTY = 2**40  # bytes that an array without elements may claim by its other dimensions
_LAST_CHARACTER = 0x10FFFF
_NONE = type(None)


class RefusedError(Exception):
    """A pickle asks for what it may not have; the message says what was found and expected.

    Attributes:
        position: the byte of the pickle it was found at, if known.
        place: what the pickle was building there, such as a field of a sample, if known.
    """

    place = ""

    def __init__(self, found: str, position: int | None = None):
        super().__init__(found)
        self.position = position


class NdarrayName:
    """Stands for the name ``numpy.ndarray``, which a pickle hands to ``_reconstruct``."""


class PickledType:
    """An element type: ``numpy.dtype(code, False, True)``, then a state with its byte order."""

    def __init__(self, args: tuple[object, ...]):
        if not _fits(args, (str,), (bool, int), (bool, int)) or args[1:] != (False, True):
            raise RefusedError("an element type in another form, expected numpy's")
        code = args[0]
        try:
            self.dtype = np.dtype(code if _CODE.fullmatch(code) else "")
        except TypeError:  # or a long double of another machine
            raise RefusedError(
                f"an array of the element type {show(code)}, expected bool, integer, float or"
                " fixed-width text"
            ) from None

    def set_state(self, state: object) -> None:
        """Take the byte order; everything else must agree with the code."""
        number, text, none = (int,), (str,), (_NONE,)
        if not _fits(state, number, text, none, none, none, number, number, number):
            raise RefusedError("the state of an element type with parts, expected a plain one")
        version, order, _, _, _, size, alignment, flags = state
        if (
            version != 3
            or order not in ("<", ">", "|", "=")
            or size not in (-1, self.dtype.itemsize)
            or alignment not in (-1, self.dtype.alignment)
            or flags not in (0, self.dtype.flags)
        ):
            raise RefusedError(
                f"a state that contradicts the element type {self.dtype.str}, expected its own"
            )
        self.dtype = self.dtype.newbyteorder(order)


class PickledArray:
    """An array whose shape and bytes come later, as its state."""

    def __init__(self, args: tuple[object, ...]):
        if not _fits(args, (NdarrayName,), (tuple,), (bytes, str)):
            raise RefusedError("an array of another class, expected numpy.ndarray")
        self.array: np.ndarray | None = None

    def set_state(self, state: object) -> np.ndarray:
        """Build the array from (1, shape, type, order is Fortran's, bytes), once."""
        kinds = (int,), (tuple,), (PickledType,), (bool, int), (bytes, bytearray, str, list)
        if self.array is not None or not _fits(state, *kinds) or state[0] != 1:
            raise RefusedError("the state of an array in another form, expected numpy's")
        _, shape, element, is_fortran, raw = state
        self.array = _build(shape, element.dtype, raw, "F" if is_fortran else "C")
        return self.array


def build_from_buffer(args: tuple[object, ...]) -> np.ndarray:
    """Protocol 5: (bytes, type, shape, order), maybe followed by the order of the axes."""
    kinds = (bytes, bytearray), (PickledType,), (tuple,), (str,)
    if not _fits(args, *kinds) and not _fits(args, *kinds, (_NONE, tuple)):
        raise RefusedError("an array in another form, expected numpy's")
    raw, element, shape, order = args[:4]
    axes = args[4] if len(args) == 5 else None
    if order in ("C", "F") and axes is None:
        return _build(shape, element.dtype, raw, order)
    array = _build(shape, element.dtype, raw, "C")
    if order != "K" or not _are_sizes(axes) or sorted(axes) != list(range(array.ndim)):
        raise RefusedError("an array in another order, expected C, F or K with its axes")
    return array.transpose(axes)


def build_scalar(args: tuple[object, ...]) -> np.generic:
    """(type, bytes) -> one numpy number or text."""
    if not _fits(args, (PickledType,), (bytes, str)):
        raise RefusedError("a numpy number in another form, expected numpy's")
    return _build((), args[0].dtype, args[1], "C")[()]


def _build(
    shape: tuple[object, ...],
    dtype: np.dtype,
    raw: bytes | bytearray | str | list[object],
    order: str,
) -> np.ndarray:
    """Return a view of ``raw``; it is read-only when ``raw`` is bytes.

    Objects come as a list of them, and are data of the pickle. A long double becomes float64: not
    all of its bit patterns are numbers.
    """
    if type(raw) is str:  # Python 2's; was decoded as UTF-8 only because that was possible
        raw = raw.encode()
    if not _are_sizes(shape) or len(shape) > _MAX_DIMENSIONS:
        raise RefusedError("an array with another shape, expected whole numbers")
    num_elements = math.prod(shape)
    if (dtype.kind == "O") != (type(raw) is list):
        raise RefusedError("the state of an array in another form, expected numpy's")
    if type(raw) is list:
        return _build_objects(shape, raw, order)
    if num_elements * dtype.itemsize != len(raw):
        raise RefusedError(
            f"an array of {show(num_elements)} elements in {len(raw)} bytes, expected"
            f" {dtype.itemsize} bytes an element"
        )
    if not num_elements and math.prod(max(size, 1) for size in shape) > _MAX_EMPTY:
        raise RefusedError("an empty array of absurd shape, expected a smaller one")
    _check_elements(dtype, raw)
    array = np.ndarray(shape, dtype, buffer=raw, order=order)
    if dtype.kind == "f" and dtype.itemsize > 8:
        with np.errstate(all="ignore"):
            return array.astype(np.float64)
    return array


def _check_elements(dtype: np.dtype, raw: bytes | bytearray) -> None:
    """Refuse bytes that are no values of a type."""
    if dtype.kind == "b" and raw.translate(None, b"\0\1"):
        raise RefusedError("a truth value other than 0 and 1, expected these")
    if dtype.kind == "U" and raw:
        code_points = np.frombuffer(raw, np.dtype(np.uint32).newbyteorder(dtype.byteorder))
        if code_points.max() > _LAST_CHARACTER:
            raise RefusedError("a character beyond Unicode's last, expected text")


def _build_objects(shape: tuple[object, ...], values: list[object], order: str) -> np.ndarray:
    if math.prod(shape) != len(values):
        raise RefusedError(f"an array of {show(math.prod(shape))} objects, found {len(values)}")
    array = np.empty(len(values), object)
    for place, value in enumerate(values):  # at once, numpy would look into them
        array[place] = value
    return array.reshape(shape, order=order)


def _are_sizes(values: object) -> bool:
    return type(values) is tuple and all(type(size) is int and size >= 0 for size in values)


def _fits(values: object, *kinds: tuple[type, ...]) -> bool:
    """Whether it is a tuple of these exact types; nothing else of the values is touched."""
    return (
        type(values) is tuple
        and len(values) == len(kinds)
        and all(type(value) in kind for value, kind in zip(values, kinds, strict=True))
    )
