"""Clips -> which of them have the same positions, and which of these lie across a split.

A clip is a copy of another one if at least half of the frames of the shorter one are the other's,
in their order; wherever the person stands, in whatever unit, and rounded as float16 rounds.
Shapes: F frames of all clips end to end, N clips, M persons, T frames, V joints, C channels.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from protogcn.config.skeleton import Skeleton
from protogcn.data.readers import RawClip
from protogcn.data.scale import joints_seen

_SUMS = 4  # of a frame's joints, each with other weights
_UNIT = 1 << 14  # of the sums, to the size of the pose
_COARSE = 5  # bits that are left away to find frames that may be equal
_TOLERANCE = 24  # units; float16 makes up to some 10 of them
_TINY = 1e-6  # of the squares of positions: below it a size is nothing but rounding
_ENOUGH = 8  # frames; of shorter clips all must be equal
_MOST_FRAMES = 1 << 23  # that are compared, some half a gigabyte; NTU RGB+D 120 has as many
_CLIPS_AT_ONCE = 4096
_MIX = np.uint64(0x9E3779B97F4A7C15)  # an odd number, by which high bits depend on all
_NAMED = 100  # groups that are kept by name, and clips of each
_SIDES = ("train", "val", "test")


@dataclass(frozen=True)
class CrossedSplit:
    """The copies of one split that lie on several of its sides.

    Attributes:
        groups: names of clips with the same positions, training clips first.
        late: those of a later side than another one of their group, and the side of that one:
            test clips that are copies of training clips.
        sides: the side of each clip.
    """

    groups: tuple[tuple[str, ...], ...]
    late: Mapping[str, str]
    sides: Mapping[str, str]

    @property
    def num_test(self) -> int:
        """How many test clips are copies of clips that are trained or validated on."""
        return sum(self.sides[name] == "test" for name in self.late)

    def lines(self, most: int | None = None) -> list[str]:
        """Return each group as text: ``a (train) = b (test)``.

        Args:
            most: of the names of each side, None for all.
        """
        lines = []
        for names in self.groups:
            shown = []
            for side in _SIDES:
                mine = [f"{name} ({side})" for name in names if self.sides[name] == side]
                shown += mine if most is None or len(mine) <= most else [*mine[:most], "..."]
            lines.append(" = ".join(shown))
        return lines

    def first(self) -> list[list[str]]:
        """Return the names of the first groups."""
        return [list(names[:_NAMED]) for names in self.groups[:_NAMED]]

    def to_mapping(self) -> dict[str, int]:
        """Return the counts that are kept with whatever is made of the clips."""
        return {"groups": len(self.groups), "test clips": self.num_test}


class Copies:
    """Sketches of the clips that passed so far, by which equal ones are found.

    A sketch of a frame is four weighted sums of its joints about their mean, divided by the size
    of the pose: 8 bytes.
    """

    def __init__(self, skeleton: Skeleton):
        self._channels = 2 if skeleton.in_image else 3
        self._names: list[str] = []
        self._sketches: list[np.ndarray] = []
        self._found: list[list[int]] | None = None  # once somebody asked

    def add(self, clip: RawClip) -> None:
        """Look at one clip."""
        self._found = None
        self._names.append(clip.name)
        self._sketches.append(_sketch(clip.keypoints[..., : self._channels]))

    def groups(self) -> list[list[str]]:
        """Return the names of clips that are copies of one another, in reading order."""
        return [[self._names[clip] for clip in group] for group in self._groups()]

    def across(
        self, splits: Sequence[str], sides: Mapping[str, Mapping[str, str]]
    ) -> dict[str, CrossedSplit]:
        """Return for each split the copies that lie on several of its sides; maybe none.

        Args:
            splits: the splits.
            sides: of each clip by its name, for each split its side.
        """
        return {split: self._across(split, sides) for split in splits}

    def _groups(self) -> list[list[int]]:
        if self._found is None:
            self._found = self._equal()
        return self._found

    def _across(self, split: str, sides_of: Mapping[str, Mapping[str, str]]) -> CrossedSplit:
        crossed, late, sides = [], {}, {}
        for names in self.groups():
            ranks = {
                name: _SIDES.index(side)
                for name in names
                if (side := sides_of[name].get(split, "-")) in _SIDES
            }
            if len(set(ranks.values())) > 1:
                first = min(ranks.values())
                crossed.append(tuple(sorted(ranks, key=ranks.__getitem__)))
                late |= {name: _SIDES[first] for name, rank in ranks.items() if rank > first}
                sides |= {name: _SIDES[rank] for name, rank in ranks.items()}
        return CrossedSplit(tuple(crossed), late, sides)

    def _equal(self) -> list[list[int]]:
        """Return the numbers of clips that are copies of one another."""
        group_of = list(range(len(self._sketches)))

        def group(clip: int) -> int:
            while group_of[clip] != clip:
                group_of[clip] = clip = group_of[group_of[clip]]
            return clip

        for first, second, shift in _candidates(self._sketches):
            one, other = sorted((group(first), group(second)))
            if one != other and _agree(self._sketches[first], self._sketches[second], shift):
                group_of[other] = one
        sizes = Counter(map(group, group_of))
        members: dict[int, list[int]] = {root: [] for root, size in sizes.items() if size > 1}
        for clip in range(len(group_of)):
            if (root := group(clip)) in members:
                members[root].append(clip)
        return [members[root] for root in sorted(members)]


def kept_copies(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return the entry of a file that has the counts of every split; older versions had none."""
    return {key: content[key] for key in ("copies",) if key in content}


def _sketch(positions: np.ndarray) -> np.ndarray:
    """(M, T, V, C) -> (T, 4) int16; zero where nobody is."""
    positions = positions.astype(np.float32)
    num_persons, num_frames, num_joints, num_channels = positions.shape
    with np.errstate(all="ignore"):  # numbers may be so large that their squares are not finite
        if np.count_nonzero(positions) < positions.size:
            positions = _completed(positions)
        flat = positions.reshape(num_persons, num_frames, num_joints * num_channels)
        sums = flat @ _weights(num_joints, num_channels)  # (M, T, 4 + C)
        squares = np.einsum("mti,mti->mt", flat, flat)
        sizes = squares - num_joints * np.square(sums[..., _SUMS:]).sum(axis=-1)  # (M, T)
        sizes = np.where(sizes > _TINY * squares, sizes, 0).sum(axis=0)[:, None]
        sums = sums[..., :_SUMS].sum(axis=0)  # (T, 4)
        sketch = np.rint(_UNIT * sums / np.sqrt(sizes))
        return np.where(np.abs(sketch) < 2 * _UNIT, sketch, 0).astype(np.int16)


def _completed(positions: np.ndarray) -> np.ndarray:
    """Put missing joints where the mean of the person's others is.

    A single joint at zero is there: it is what the others were centred on.
    """
    seen = joints_seen(positions)[..., None]  # (M, T, V, 1)
    num_seen = seen.sum(axis=2, keepdims=True)
    seen |= num_seen == seen.shape[2] - 1
    num_seen = np.clip(seen.sum(axis=2, keepdims=True), 1, None)
    return np.where(seen, positions, positions.sum(axis=2, keepdims=True) / num_seen)


@lru_cache
def _weights(num_joints: int, num_channels: int) -> np.ndarray:
    """Return (V * C, 4 + C): the weights of the sums, always the same, and those of the mean.

    Weights add up to zero along each axis, so that the sums are those about the mean.
    """
    shape = (num_joints, num_channels, _SUMS)
    weights = np.random.default_rng(0).normal(size=shape)
    weights -= weights.mean(axis=0)
    weights /= np.linalg.norm(weights, axis=(0, 1))
    mean = np.broadcast_to(np.eye(num_channels) / num_joints, (num_joints, *(2 * [num_channels])))
    whole = np.concatenate([weights, mean], axis=2)
    return whole.reshape(num_joints * num_channels, -1).astype(np.float32)


def _candidates(sketches: Sequence[np.ndarray]) -> Iterator[tuple[int, int, int]]:
    """Yield pairs of clips with several alike frames, and by how many frames these are apart."""
    if not sketches:
        return
    lengths = np.array(list(map(len, sketches)))
    keys, clips, frames = _compared(sketches, lengths)
    order = np.argsort(keys, kind="stable")
    keys, clips, frames = keys[order], clips[order], frames[order]
    # Who stands still has many alike frames: the first one is enough.
    first = np.r_[True, (keys[1:] != keys[:-1]) | (clips[1:] != clips[:-1])] if len(keys) else []
    keys, clips, frames = keys[first], clips[first], frames[first]
    num_keys = np.bincount(clips, minlength=len(sketches))
    span, codes = 2 * int(lengths.max()) + 1, []
    for step in (1, 2):  # those of a key that are next to each other
        pairs = np.flatnonzero(keys[step:] == keys[:-step])
        one, other = clips[pairs], clips[pairs + step]
        shifts = frames[pairs] - frames[pairs + step] + span // 2
        codes.append((one * len(sketches) + other) * span + shifts)
    codes, votes = np.unique(np.concatenate(codes), return_counts=True)
    both, shifts = np.divmod(codes, span)
    one, other = np.divmod(both, len(sketches))
    enough = votes >= np.minimum(2, np.minimum(num_keys[one], num_keys[other]))
    chosen = (one[enough], other[enough], shifts[enough] - span // 2)
    yield from zip(*(column.tolist() for column in chosen), strict=True)


def _compared(
    sketches: Sequence[np.ndarray], lengths: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return of the frames that are compared what equal ones have in common, and their places.

    Of very many frames a part is enough; which ones depends on nothing but what they show.
    """
    every = np.uint64(int(lengths.sum()) // _MOST_FRAMES + 1)
    found = []
    for first in range(0, len(sketches), _CLIPS_AT_ONCE):
        block = sketches[first : first + _CLIPS_AT_ONCE]
        some = lengths[first : first + _CLIPS_AT_ONCE]
        frames = np.concatenate([np.arange(length) for length in some])
        clips = np.repeat(np.arange(first, first + len(block)), some)
        whole = np.concatenate(block)  # (F, 4)
        keys = np.ascontiguousarray(whole >> _COARSE).view(np.uint64).ravel()
        mixed = (keys * _MIX) >> np.uint64(40)
        used = whole.any(axis=1) & (mixed % every == 0)
        found.append((keys[used], clips[used], frames[used]))
    keys, clips, frames = (np.concatenate(column) for column in zip(*found, strict=True))
    return keys, clips, frames


def _agree(first: np.ndarray, second: np.ndarray, shift: int) -> bool:
    """Return whether frame t of ``second`` is frame t + shift of ``first`` for enough t."""
    shorter = min(len(first), len(second))
    one, other = first[max(shift, 0) :], second[max(-shift, 0) :]
    length = min(len(one), len(other))
    one, other = one[:length].astype(np.int32), other[:length]
    equal = (np.abs(one - other) <= _TOLERANCE).all(axis=1) & one.any(axis=1)
    if shorter < _ENOUGH:
        return len(first) == len(second) == length and bool(equal.all())
    return int(equal.sum()) >= max(_ENOUGH, shorter / 2)
