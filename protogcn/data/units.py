"""Sizes of bodies and ways from feet to heads -> the unit and the axes a dataset seems to have.

Shapes: C channels.
"""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

_TALLEST, _SHORTEST = 4.0, 0.03  # metres from the lowest to the highest joint
_MILLIMETRES, _EITHER, _CENTIMETRES = 500.0, 250.0, 25.0  # the least that a person may measure
_OTHER_UNIT = 20.0  # times the median size, or less than the median by as much
_STANDING = 0.3  # of the size of a body is between head and feet, at least
_SHOWN = 5  # clips that a sentence names


def odd_units(sizes: Mapping[str, float], num_clips: int) -> Iterator[str]:
    """Yield a sentence if bodies do not seem to be in metres, and one if units seem mixed.

    Args:
        sizes: how high or wide a person is, by name of the clip.
        num_clips: how many clips there are, with and without a size.
    """
    if not sizes:
        return
    names, values = list(sizes), np.array(list(sizes.values()))
    size = float(np.median(values))
    found = f"a person is {size:.4g} high or wide (median of the clips), expected metres"
    if size >= _MILLIMETRES:
        yield f"{found}: these look like millimetres; divide by 1000."
    elif size >= _EITHER:
        yield f"{found}: these look like millimetres or centimetres."
    elif size >= _CENTIMETRES:
        yield f"{found}: these look like centimetres; divide by 100."
    elif not _SHORTEST <= size <= _TALLEST:
        yield f"{found}."
    other = (values > _OTHER_UNIT * size) | (values < size / _OTHER_UNIT)
    if other.any():
        clips = count_of([names[at] for at in np.flatnonzero(other)], num_clips)
        yield (
            f"units look mixed: a person is {values[other][0]:.4g} high or wide in {clips},"
            f" {size:.4g} in the median of all clips."
        )


def odd_direction(upwards: Sequence[np.ndarray], size: float) -> Iterator[str]:
    """Yield a sentence if an axis points down.

    Args:
        upwards: for some clips the ways from the feet to the head, (n, C).
        size: of a body.
    """
    if not sum(map(len, upwards)):
        return
    way = np.median(np.concatenate(upwards), axis=0)  # (C,)
    axis = int(np.abs(way).argmax())
    if way[axis] < -_STANDING * size:
        yield (
            f"{'xyz'[axis]} points down: the head is {-way[axis]:.3g} below the feet (median of"
            " the clips); networks of data in which it points up do not fit."
        )


def count_of(names: Sequence[str], total: int) -> str:
    """Return how many clips of how many, and the names of the first ones."""
    if total == 1:
        return names[0]
    more = ", ..." if len(names) > _SHOWN else ""
    return f"{len(names):,} of {total:,} clips [{', '.join(names[:_SHOWN])}{more}]"
