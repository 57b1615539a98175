"""Clips of a dataset -> how large their bodies are and how long they last: kept with its networks.

Shapes: M persons, T frames, V joints, C channels.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

_RARE = 0.01  # share of the clips below the smallest and above the largest


@dataclass(frozen=True)
class Scale:
    """What the bodies and the clips of a dataset measure, as its raw files have them.

    Attributes:
        body: the median over the clips of ``body_sizes``.
        smallest: all but the smallest hundredth of the clips have this size or more.
        largest: all but the largest hundredth have this or less.
        frames: the median length of a clip.
        longest: the length of the longest clip.
        in_image: whether the sizes are in pixels; else they are in metres if the dataset is.
        bones: of each joint to its parent, as shares of the body; NaN where it is not known.
        up: from the feet to the head, as shares of the body; empty if it is not known.
    """

    body: float
    smallest: float
    largest: float
    frames: int
    longest: int
    in_image: bool
    bones: tuple[float, ...] = ()
    up: tuple[float, ...] = ()

    @classmethod
    def of(
        cls,
        sizes: Sequence[float],
        lengths: Sequence[int],
        *,
        in_image: bool,
        bones: Sequence[float] = (),
        up: Sequence[float] = (),
    ) -> "Scale":
        """Return that of clips with these sizes of bodies and these numbers of frames."""
        quantiles = np.quantile(sizes, [0.5, _RARE, 1 - _RARE], method="nearest")
        body, smallest, largest = (float(f"{size:.6g}") for size in quantiles)
        shares = [tuple(round(float(share), 3) for share in part) for part in (bones, up)]
        length = int(np.median(lengths))
        return cls(body, smallest, largest, length, max(lengths), in_image, *shares)

    @classmethod
    def from_mapping(cls, entry: Mapping[str, Any]) -> "Scale":
        """Return what ``to_mapping`` was made from."""
        bones = tuple(np.nan if share is None else share for share in entry.get("bones", ()))
        return cls(**{**entry, "bones": bones, "up": tuple(entry.get("up", ()))})

    def to_mapping(self) -> dict[str, Any]:
        """Return it as numbers with names."""
        bones = [None if np.isnan(share) else share for share in self.bones]  # JSON has no NaN
        return {**asdict(self), "bones": bones, "up": list(self.up)}


def scale_entry(scale: Scale | None) -> dict[str, Any]:
    """Return the entry that keeps a scale in a file; nothing if there is no scale."""
    return {} if scale is None else {"scale": scale.to_mapping()}


def scale_of(content: Mapping[str, Any]) -> Scale | None:
    """Return the scale that a file keeps, None in those of older versions."""
    return Scale.from_mapping(content["scale"]) if "scale" in content else None


def joints_seen(positions: np.ndarray) -> np.ndarray:
    """Return which joints are seen, (..., V, C) -> (..., V) bool: a missing one is all zero."""
    # Axis by axis: several times as fast as a reduction of two or three.
    return np.logical_or.reduce([positions[..., axis] != 0 for axis in range(positions.shape[-1])])


def body_sizes(positions: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """Return how high or wide a person is, whichever is more: the median over persons and frames.

    Args:
        positions: x and y, or x, y and z, of every joint, (N, M, T, V, C).
        seen: (N, M, T, V) which joints are seen. Persons with less than half of their joints are
            not measured.

    Returns:
        (N,) sizes in the unit of ``positions``, NaN where nobody can be measured.
    """
    whole = 2 * seen.sum(axis=-1) >= max(4, seen.shape[-1])  # (N, M, T)
    joints_first = np.ascontiguousarray(np.moveaxis(positions, -2, 0))  # reduced much faster
    seen = np.moveaxis(seen, -1, 0)[..., None]
    high = np.where(seen, joints_first, -np.inf).max(axis=0)
    low = np.where(seen, joints_first, np.inf).min(axis=0)
    extents = np.maximum.reduce(
        [high[..., axis] - low[..., axis] for axis in range(high.shape[-1])]
    )
    return _medians(extents[..., None], (whole & (extents > 0))[..., None])[:, 0]


def bone_lengths(positions: np.ndarray, seen: np.ndarray, bones: np.ndarray) -> np.ndarray:
    """Return the length of each bone, the median over persons and frames.

    Args:
        positions: as in ``body_sizes``.
        seen: as there.
        bones: (2, B) the joints at both ends of each.

    Returns:
        (N, B), NaN for a bone that is never seen.
    """
    first, second = bones
    # In float64, where the square of no float32 overflows.
    bones = positions[..., first, :].astype(np.float64) - positions[..., second, :]
    lengths = np.linalg.norm(bones, axis=-1)
    return _medians(lengths, seen[..., first] & seen[..., second])


def median_of(rows: np.ndarray) -> np.ndarray:
    """Return the median of each column, (n, B) -> (B,), of what is no NaN in it."""
    if not len(rows):
        return np.full(rows.shape[1:], np.nan)
    return _medians(rows[None, :, None], np.isfinite(rows)[None, :, None])[0]


def _medians(values: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Median over persons and frames of what is known, (N, M, T, B) -> (N, B); else NaN."""
    num_clips, num_values = len(values), values.shape[-1]
    ordered = np.where(known, values, np.inf).reshape(num_clips, -1, num_values)
    ordered = np.sort(ordered, axis=1)
    middle = np.maximum(known.sum(axis=(1, 2)) - 1, 0) // 2  # (N, B)
    medians = np.take_along_axis(ordered, middle[:, None], axis=1)[:, 0]
    return np.where(np.isfinite(medians), medians, np.nan)
