"""A recording and the scale of what networks were trained on -> the recording in their unit.

What is proved by the size of a body is converted, and said; another scale or layout is refused. A
child, a person who is partly seen and another camera stay within the factor that is allowed.
Shapes: M persons, T frames, V joints, C channels.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from protogcn.config.resolved import Dataset
from protogcn.data.scale import Scale, body_sizes, joints_seen
from protogcn.data.strays import TOO_LARGE, strays_in, too_large
from protogcn.errors import ContractError

_FRAMES = 64  # of a recording that are measured
_FACTOR = 5  # between the median body of the training and one that is not looked at twice
_UNITS = {1000: "millimetres", 100: "centimetres"}  # in a metre
_PIXELS = 40.0  # metres that no person measures
_FLAT = 0.01  # of its size, which no person is
_PERSONS = Scale(1.6, 0.5, 2.5, frames=0, longest=0, in_image=False)  # in metres
_UNLIKE, _BONES = 2, 6  # between the quartiles of ratios of bones, of so many at least
_SHORT_BONE = 0.02  # of a body; shorter ones are hardly measured
_STANDING = 0.4  # of a body is between head and feet
_HINT = "--scale FACTOR multiplies the positions, --scale 1 takes them as they are"


class Fit(NamedTuple):
    """How a recording fits networks.

    Attributes:
        factor: what its positions are multiplied by.
        note: what is said about it, if anything is.
    """

    factor: float
    note: str | None = None


def fit_of(name: str, keypoints: np.ndarray, dataset: Dataset, scale: Scale | None) -> Fit | None:
    """Measure a recording; None if nobody in it can be measured.

    Args:
        name: of the recording, for messages.
        keypoints: (M, T, V, 3).
        dataset: what the networks were trained on; NTU RGB+D is known to be in metres.
        scale: its scale; None if it is not known.

    Raises:
        ContractError: the positions are of another kind or scale.
    """
    in_image = dataset.skeleton.in_image
    if scale is None and dataset.protocol is not None:
        scale = _PERSONS
    if keypoints.size and float(np.abs(keypoints).max()) > TOO_LARGE:
        stray = too_large(keypoints, dataset.skeleton.joints)
        raise ContractError(
            f"{name}: {stray.place} is {stray.value:g}, for which the networks give no finite"
            " numbers; expected metres, or pixels of an image."
        )
    measured = _measured(keypoints, dataset.skeleton.joints, 2 if in_image else 3)
    if measured is None:
        return None
    size, third = measured
    found = f"{name}: a person is {size:.4g} high or wide"
    low, high = third.min(), third.max()
    if in_image and not -1 <= low <= high <= 2:
        raise ContractError(
            f"{name}: found third numbers from {low:.4g} to {high:.4g}, expected the scores of a"
            f" pose estimator, 0 to 1: the networks know x and y in pixels, not positions in space."
            f" {_HINT}."
        )
    if not in_image and size > _PIXELS and (0 <= low <= high <= 1 or high - low < _FLAT * size):
        raise ContractError(
            f"{found}, its third numbers are {low:.4g} to {high:.4g}: these look like pixels and"
            " scores, expected x, y and z of a body in space, which the networks know."
            f" {_HINT}."
        )
    if scale is None or _is_usual(size, scale):
        return Fit(1)
    trained = (
        f"the networks know bodies of {scale.smallest:.4g} to {scale.largest:.4g}"
        f"{' pixels' if in_image else ''} (median {scale.body:.4g})"
    )
    if in_image:
        hint = "; multiply x by the width of the image and y by its height" if size <= 2 else ""
        raise ContractError(f"{found}, {trained}{hint}. {_HINT}.")
    choices = [
        factor
        for per_metre in _UNITS
        for factor in (1 / per_metre, float(per_metre))
        if _is_usual(factor * size, scale)
    ]
    if len(choices) != 1:
        which = " or ".join(f"{factor:g}" for factor in choices)
        question = f": is it --scale {which}?" if choices else ", so it is in no unit of theirs."
        raise ContractError(f"{found}, {trained}{question} {_HINT}.")
    (factor,) = choices
    done = f"multiplied by {factor:g}"
    if factor < 1:
        done = f"taken as {_UNITS[round(1 / factor)]} and divided by {1 / factor:g}"
    return Fit(factor, f"{found}, {trained}: {done}.")


def differences(name: str, found: Scale, known: Scale) -> Iterator[str]:
    """Yield what is unlike between the bodies of a recording and those of the training.

    Args:
        name: of the recording.
        found: the scale of the recording alone, in any unit.
        known: that of the networks' dataset.
    """
    if known.bones and len(found.bones) == len(known.bones):
        shares = np.array([found.bones, known.bones]) + _SHORT_BONE  # (2, B)
        ratios = np.log(shares[0] / shares[1])
        ratios = ratios[np.isfinite(ratios)]
        # All longer by one factor is a person who is partly seen, and measures less.
        if len(ratios) >= _BONES:
            low, high = np.exp(np.quantile(ratios, [0.25, 0.75]))
            if high / low > _UNLIKE:
                yield (
                    f"{name}: beside the bodies the networks know, a quarter of the bones is"
                    f" {low:.2g} times as long or shorter, a quarter {high:.2g} times or longer:"
                    " are its joints in another order, of another layout?"
                )
    if found.up and known.up:
        way, usual = np.array(found.up), np.array(known.up)
        axis = int(np.abs(usual).argmax())
        if np.abs(way).argmax() == axis and min(abs(way[axis]), abs(usual[axis])) > _STANDING:
            if way[axis] * usual[axis] < 0:
                here, there = ("up", "down") if way[axis] > 0 else ("down", "up")
                yield f"{name}: {'xyz'[axis]} points {here} in it, and {there} for the networks."


def scaled(keypoints: np.ndarray, factor: float, *, in_image: bool) -> np.ndarray:
    """Return positions multiplied by a factor; scores stay as they are."""
    if factor == 1:
        return keypoints
    keypoints = keypoints.astype(np.result_type(keypoints.dtype, np.float32))
    # Divided, where that is exact: the same numbers as in a file that was written in metres.
    positions = keypoints[..., :2] if in_image else keypoints
    if factor < 1:
        positions /= 1 / factor
    else:
        positions *= factor
    return keypoints


def _is_usual(size: float, scale: Scale) -> bool:
    # In an image a person may be near or far.
    smallest, largest = (scale.smallest, scale.largest) if scale.in_image else (scale.body,) * 2
    smallest, largest = smallest / _FACTOR, largest * _FACTOR
    return min(smallest, scale.smallest) <= size <= max(largest, scale.largest)


def _measured(
    keypoints: np.ndarray, joints: Sequence[str], num_channels: int
) -> tuple[float, np.ndarray] | None:
    """Return the size of a person, and the third numbers of the joints that are seen."""
    there = np.flatnonzero(keypoints.any(axis=(0, 2, 3)))
    some = there[np.linspace(0, len(there) - 1, min(len(there), _FRAMES)).astype(np.int64)]
    sample = keypoints[:, some].astype(np.float32)
    positions = sample[None, ..., :num_channels]  # (1, M, t, V, C)
    seen = joints_seen(positions)
    if not len(keypoints) or not len(some):
        return None
    for stray in strays_in(positions[0], joints, in_image=num_channels == 2):
        seen &= (positions != np.float32(stray.value)).all(axis=-1)  # a mark of missing joints
    size = float(body_sizes(positions, seen)[0])
    return None if np.isnan(size) else (size, sample[seen[0]][:, 2])
