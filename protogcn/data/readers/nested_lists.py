"""Nested lists, tuples, arrays and tensors -> one array, or which of their parts do not fit."""

import itertools
import math

import numpy as np

from protogcn.data.readers.malformed import show
from protogcn.data.readers.pickles.numpy_arrays import RefusedError
from protogcn.data.readers.pickles.torch_tensors import PickledTensor
from protogcn.data.readers.values import Origin

_DEEPEST = 4  # axes
_MOST_NUMBERS = 2**27
_MOST_LISTS = 2**23
_MOST_COMPARED = 100_000  # parts of uneven lists that are looked at


def join_lists(
    parts: list[object] | tuple[object, ...], origin: Origin, field: str
) -> np.ndarray | object:
    """Return one array of equal parts; of numbers in lists, float64. Empty parts become zeros.

    Raises:
        MalformedError: parts differ in size, or are no numbers.
    """
    if any(isinstance(part, PickledTensor) for part in parts):
        parts = [
            elements_of(part, origin, field) if isinstance(part, PickledTensor) else part
            for part in parts
        ]
    arrays = [part for part in parts if isinstance(part, np.ndarray)]
    shapes = list(dict.fromkeys(array.shape for array in arrays))
    expected = "parts of one shape, as numpy.stack joins them to one array"
    if len(arrays) == len(parts) and all(array.dtype.kind in "fiu" for array in arrays):
        if len(shapes) > 1:
            raise origin.fault(field, f"parts of shape {shapes[0]} and {shapes[1]}", expected)
        if parts:
            return np.stack(arrays)
    sizes, leaf = _first_branch(parts)
    if len(sizes) > _DEEPEST or math.prod(sizes) > _MOST_NUMBERS:  # what numpy would walk through
        found = f"nested lists of sizes {', '.join(map(str, sizes[: _DEEPEST + 1]))}"
        expected = "persons, frames, joints and their numbers"
        raise origin.fault(field, found, expected)
    if isinstance(leaf, str | bytes):
        raise origin.fault(field, f"{show(leaf)} in nested lists", "numbers")
    try:
        return np.array(parts, dtype=np.float64)
    except (ValueError, TypeError, OverflowError) as error:
        if (filled := _with_absent(parts, [_MOST_LISTS])) is not None:
            origin.note(f"empty lists in {field} stand for what was not seen; read as zero")
            return filled
        uneven = _two_lengths(parts)
        if uneven is None:
            raise origin.fault(field, f"{show(leaf)} in nested lists", "numbers") from error
        first, other, place = uneven
        found = f"nested parts of {first} and of {other} elements (the latter at {place})"
        raise origin.fault(field, found, expected) from error


def elements_of(tensor: PickledTensor, origin: Origin, field: str) -> np.ndarray:
    """Return the array that a tensor of a pickle stands for.

    Raises:
        MalformedError: its elements are not there.
    """
    try:
        return tensor.to_array()
    except RefusedError as error:
        found, _, expected = str(error).partition(", expected ")
        raise origin.fault(field, found, expected) from error


def _first_branch(value: object) -> tuple[list[int], object]:
    """Return the sizes of the first list, the first in it, and so on; and what is in the last."""
    sizes: list[int] = []
    while isinstance(value, list | tuple) and len(value) and len(sizes) <= _DEEPEST:
        sizes.append(len(value))
        value = value[0]
    if isinstance(value, np.ndarray):
        sizes += value.shape
    return sizes, value


def _with_absent(value: object, budget: list[int], depth: int = 0) -> np.ndarray | None:
    """Return an array of nested lists of which some are empty, or None if that is not all."""
    if not isinstance(value, list | tuple) or not value or depth >= _DEEPEST:
        return None
    if not any(isinstance(part, list | tuple) for part in value):
        try:
            return np.array(value, dtype=np.float64)
        except (ValueError, TypeError, OverflowError):
            return None
    budget[0] -= len(value)  # lists may be in themselves
    if budget[0] < 0:
        return None
    parts, shape = [], None
    for part in value:
        if part is None or (isinstance(part, list | tuple) and not part):
            parts.append(None)
            continue
        array = _with_absent(part, budget, depth + 1)
        if array is None or (shape is not None and array.shape != shape):
            return None
        parts.append(array)
        shape = array.shape
    if shape is None:
        return None
    return np.stack([np.zeros(shape) if part is None else part for part in parts])


def _two_lengths(parts: object) -> tuple[int, int, str] | None:
    """Return two lengths that differ on one level of nested lists, and where the second one is."""
    level = [((), parts)]
    for _ in range(_DEEPEST):
        sized = [
            (place, part)
            for place, part in level
            if isinstance(part, list | tuple) or (isinstance(part, np.ndarray) and part.ndim)
        ]
        for place, part in sized:
            if len(part) != len(sized[0][1]):
                return len(sized[0][1]), len(part), "".join(f"[{number}]" for number in place)
        inner = ((*place, at) for place, part in sized for at in range(len(part)))
        parts_of = dict(sized)
        level = [
            (place, parts_of[place[:-1]][place[-1]])
            for place in itertools.islice(inner, _MOST_COMPARED)
        ]
    return None
