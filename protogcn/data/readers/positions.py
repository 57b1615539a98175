"""Arrays or nested lists of positions as people write them -> keypoints that are checked.

Shapes: M persons, T frames, V joints, C channels.
"""

import itertools
from collections.abc import Sequence

import numpy as np

from protogcn.data.readers.malformed import show
from protogcn.data.readers.nested_lists import elements_of, join_lists
from protogcn.data.readers.pickles.torch_tensors import PickledTensor
from protogcn.data.readers.values import Origin

_LARGEST = float(np.finfo(np.float32).max)
_AXES = {3: "(frames, {})", 4: "(persons, frames, {})"}


def read_positions(
    value: object,
    origin: Origin,
    field: str = "keypoint",
    *,
    num_joints: int,
    in_image: bool,
    scores: object = None,
) -> tuple[np.ndarray, np.ndarray | None]:
    """Return keypoints (M, T, V, 3); in an image (M, T, V, 2), and their scores (M, T, V).

    Args:
        value: an array of numbers, or nested lists of them: (M, T, V, C) or, of one person,
            (T, V, C). In an image C may be 3, the last being the score. C may be 4, x, y, z and
            how well a joint is seen, 0 to 1: z in an image, else the last is not kept.
        origin: takes notes.
        field: its name.
        num_joints: V.
        in_image: 2-D poses.
        scores: (M, T, V), where they are a field of their own. Without any, those of joints that
            are not at (0, 0) are 1.

    Raises:
        MalformedError: it is not that, or has numbers that are not finite.
    """
    array = _without_fourth(numbers_of(value, origin, field), in_image, origin, field)
    channels = (2, 3) if in_image else (3,)
    if array.ndim not in _AXES or array.shape[-2:] not in [(num_joints, c) for c in channels]:
        expected, hint = _layout(num_joints, channels), _hint(array.shape, num_joints, channels)
        raise origin.fault(field, f"the shape {array.shape}", expected + hint)
    if array.ndim == 3:
        array = array[None]  # (M, T, V, C)
    check_finite(array, origin, field)
    if not in_image:
        return array, None
    found = _given_scores(scores, array.shape[:3], origin, f"{field}_score")
    if array.shape[-1] == 2:
        return array, array.any(axis=-1).astype(array.dtype) if found is None else found
    array, inside = array[..., :2], array[..., 2]
    if found is not None and not np.array_equal(found, inside):
        expected = f"{field} with x and y alone, or without {field}_score beside it"
        raise origin.fault(field, f"a third number that is not {field}_score", expected)
    if (lowest := inside.min(initial=0)) < 0:
        expected = "a score from 0; if it is z, keep [..., :2]"
        raise origin.fault(field, f"a third number of {lowest:.3g}", expected)
    return array, inside


def numbers_of(value: object, origin: Origin, field: str) -> np.ndarray:
    """Return an array of floating-point numbers from an array, an array of arrays or nested lists.

    Raises:
        MalformedError: it is none of these, or its parts have different sizes.
    """
    if isinstance(value, PickledTensor):
        value = elements_of(value, origin, field)
    if isinstance(value, np.ndarray) and value.dtype.kind == "O":
        value = value.tolist()
    if isinstance(value, list | tuple):
        value = join_lists(value, origin, field)
    if not isinstance(value, np.ndarray):
        raise origin.fault(field, show(value), "an array or nested lists of numbers")
    if value.dtype.kind == "f":
        return value
    if value.dtype.kind not in "iu":
        raise origin.fault(field, f"elements of {value.dtype}", "numbers")
    return value.astype(np.result_type(value.dtype.newbyteorder("="), np.float32))


def check_finite(
    array: np.ndarray,
    origin: Origin,
    field: str,
    *,
    axes: Sequence[str] = ("person", "frame", "joint"),
) -> None:
    """Raise MalformedError if a number has no place in float32; name its place on ``axes``."""
    is_wide = array.dtype.itemsize >= 8
    if np.isfinite(array).all() and not (is_wide and (np.abs(array) > _LARGEST).any()):
        return
    wrong = ~np.isfinite(array)
    if is_wide:
        wrong |= np.abs(array) > _LARGEST
    place = np.argwhere(wrong)[0].tolist()
    number = array[tuple(place)]
    what = "NaN" if np.isnan(number) else f"{number:g}" if np.isfinite(number) else "infinity"
    # Joints count from 0, as in a layout; persons and frames are counted.
    where = (f"{axis} {i + (axis != 'joint')}" for axis, i in zip(axes, place, strict=False))
    what += f" at {', '.join(where)}"
    if (count := int(wrong.any(axis=tuple(range(len(axes), wrong.ndim))).sum())) > 1:
        what += f" ({count} joints in all)"
    raise origin.fault(field, what, "finite numbers; a missing joint is all zero")


def _without_fourth(array: np.ndarray, in_image: bool, origin: Origin, field: str) -> np.ndarray:
    """Return x, y, z, or in an image x, y and the score, of four numbers of each joint."""
    if array.shape[-1:] != (4,) or array.ndim not in _AXES:
        return array
    last = array[..., 3]
    if not ((last >= 0) & (last <= 1)).all():
        return array
    if in_image:
        origin.note(f"{field} has four numbers of each joint; read as x, y and the last as score")
        return array[..., [0, 1, 3]]
    origin.note(f"{field} has four numbers of each joint; the last, 0 to 1, is not kept")
    return array[..., :3]


def _given_scores(
    scores: object, shape: Sequence[int], origin: Origin, field: str
) -> np.ndarray | None:
    if scores is None:
        return None
    array = numbers_of(scores, origin, field)
    if array.ndim == 4 and array.shape[-1] == 1:
        array = array[..., 0]
    if array.ndim == 2:
        array = array[None]
    if array.shape != tuple(shape):
        expected = f"{tuple(shape)}, as its keypoint"
        raise origin.fault(field, f"the shape {array.shape}", expected)
    check_finite(array, origin, field)
    return array


def _layout(num_joints: int, channels: Sequence[int]) -> str:
    last = f"{num_joints}, {' or '.join(map(str, channels))}"
    return " or ".join(axes.format(last) for axes in reversed(_AXES.values()))


def _hint(shape: Sequence[int], num_joints: int, channels: Sequence[int]) -> str:
    """Return what may be meant by another shape, or nothing."""
    if len(shape) in _AXES:
        for order in itertools.permutations(range(len(shape))):
            *_, joints, last = (shape[axis] for axis in order)
            if joints == num_joints and last in channels:
                rest = [shape[axis] for axis in order[:-2]]
                if rest == sorted(rest):  # fewer persons than frames
                    return f"; its axes seem to be in another order: transpose({order})"
    if len(shape) in (2, 3) and shape[-1] in [num_joints * size for size in channels]:
        size = shape[-1] // num_joints
        return f"; reshape({', '.join(map(str, shape[:-1]))}, {num_joints}, {size})"
    if len(shape) not in _AXES:
        return ""
    if shape[-2] != num_joints:
        return f"; the layout has {num_joints} joints"
    if shape[-1] > 3 and 3 in channels:
        return "; what follows the third number is not read, keep [..., :3]"
    if shape[-1] == 2:
        return "; poses in an image need a layout with in_image: true"
    return ""
