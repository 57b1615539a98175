"""The positions of one clip -> values in them that cannot be positions.

Shapes: M persons, T frames, V joints, C channels.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from protogcn.data.scale import joints_seen

TOO_LARGE = 1e17  # squares of more, summed over a batch, may be no float32
_OFTEN = 3  # that often a value far from all others is no chance
_FAR = 10  # times the spread of the positions, where whole numbers are no positions ...
_VERY_FAR = 30  # ... nor are other numbers that appear often ...
_EDGE = 10  # pixels
_ABSURD = 100  # ... nor those that appear once


class Stray(NamedTuple):
    """A value that is no position.

    Attributes:
        value: what is there.
        place: where it is first, for messages.
        repeated: whether it appears often.
    """

    value: float
    place: str
    repeated: bool


def too_large(positions: np.ndarray, joints: Sequence[str]) -> Stray:
    """Return the largest coordinate of (M, T, V, C)."""
    at = np.unravel_index(np.abs(positions).argmax(), positions.shape)
    return Stray(float(positions[at]), _place(at, joints), repeated=False)


def strays_in(positions: np.ndarray, joints: Sequence[str], *, in_image: bool) -> list[Stray]:
    """Return at most one repeated value and one that is far from all others.

    Args:
        positions: x and y in pixels, or x, y and z, (M, T, V, C).
        joints: the names of the V joints.
        in_image: whether a position below zero is none.
    """
    seen = joints_seen(positions)
    points = positions[seen].astype(np.float64)  # (n, C)
    mark = _same_in_all(points, in_image)
    usual = points if mark is None else points[(points != mark).any(axis=1)]
    if mark is None and len(usual):
        mark = _repeated(usual, in_image)
    found = []
    if mark is not None:
        where = (positions == np.float32(mark)) & seen[..., None]
        found.append(Stray(mark, _place(np.argwhere(where)[0], joints), repeated=True))
        usual = usual[(usual != mark).all(axis=1)]
    if len(usual):
        distance = _distances(usual)
        if distance.max() > _ABSURD:
            value = usual.ravel()[distance.argmax()]
            where = np.argwhere((positions == np.float32(value)) & seen[..., None])[0]
            found.append(Stray(float(value), _place(where, joints), repeated=False))
    return found


def _same_in_all(points: np.ndarray, in_image: bool) -> float | None:
    """Return a number that is often every coordinate of a joint."""
    same = (points == points[:, :1]).all(axis=1)
    if in_image:
        same &= points[:, 0] < 0
    if same.sum() < _OFTEN or same.all():
        return None
    values, counts = np.unique(points[same, 0], return_counts=True)
    return float(values[counts.argmax()]) if counts.max() >= _OFTEN else None


def _repeated(points: np.ndarray, in_image: bool) -> float | None:
    """Return a number that is often one coordinate, far from all others."""
    distance = _distances(points)
    whole = points == np.round(points)
    no_position = (distance > _VERY_FAR) | (whole & (distance > _FAR))
    if in_image and len(np.unique(points[points < 0])) == 1:
        apart = points[points >= 0].min(initial=np.inf) > _EDGE  # nobody walks out of the image
        no_position |= whole & (points < 0) & apart
    values, counts = np.unique(points[no_position], return_counts=True)
    return float(values[counts.argmax()]) if counts.size and counts.max() >= _OFTEN else None


def _distances(points: np.ndarray) -> np.ndarray:
    """(n, C): how far each coordinate is from the middle, in spreads of the widest axis."""
    low, middle, high = np.quantile(points, [0.25, 0.5, 0.75], axis=0)
    spread = (high - low).max()
    return np.abs(points - middle) / spread if spread > 0 else np.zeros_like(points)


def _place(at: Sequence[int], joints: Sequence[str]) -> str:
    person, frame, joint, axis = map(int, at)
    return (
        f"{'xyz'[axis]} of joint {joint} ({joints[joint]}), person {person + 1}, frame {frame + 1}"
    )
