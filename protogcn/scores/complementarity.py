"""The scores of several streams -> what each of them brings to their fusion.

Every subset of the streams is fused, each stream with its own weight; all else is counted from
which clips a subset is right on.

Source: Shapley 1953, the value of a player in a game; here a clip is won by being right.
Shapes: N clips, K classes, S streams, 2^S subsets, of which bit s of the number stands for stream
s.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from protogcn.config.members import MOST_STREAMS
from protogcn.errors import ConfigError
from protogcn.files.scores import Scores
from protogcn.scores.fusion import predicted_classes, weighted_members
from protogcn.scores.intervals import Credits, ScoredClips
from protogcn.scores.paired import Paired, compare_pair

_ROUNDED = 1e-12  # of two equal shares
_BLOCK = 512  # clips whose sums stay in the processor's cache


@dataclass(frozen=True)
class FusedSubsets:
    """Which clips every subset of an ensemble's streams is right on, by clip id.

    Attributes:
        streams: their names.
        classes: (K,) names.
        clips: whose order the clips below are in.
        predicted: (S, N) the class that each stream alone says.
        alone: (S, N) whether that is right.
        hits: (2^S, N) whether each subset is right; it never is where it guesses.
        guesses: (2^S,) whether a subset has no stream, or none whose weight is above 0.
    """

    streams: tuple[str, ...]
    classes: np.ndarray
    clips: ScoredClips
    predicted: np.ndarray
    alone: np.ndarray
    hits: np.ndarray
    guesses: np.ndarray

    @property
    def chance(self) -> float:
        """The share of clips that guessing is right on."""
        return 1 / len(self.classes)

    @property
    def accuracies(self) -> np.ndarray:
        """(2^S,) share of clips that each subset is right on."""
        return np.where(self.guesses, self.chance, self.hits.mean(axis=1))

    @property
    def shapley_values(self) -> np.ndarray:
        """(S, N) each stream's share in whether the ensemble is right, see ``shares_of_hits``."""
        return shares_of_hits(self.hits, self.guesses, self.chance)

    @property
    def without(self) -> np.ndarray:
        """(S, N) whether the ensemble without each stream is right."""
        last = len(self.hits) - 1
        return self.hits[[last ^ 1 << place for place in range(len(self.streams))]]

    @property
    def only_right(self) -> np.ndarray:
        """(S,) how many clips only this stream is right on, of all alone."""
        return (self.alone & (self.alone.sum(axis=0) == 1)).sum(axis=1)

    @property
    def disagreement(self) -> np.ndarray:
        """(S, S) share of clips that two streams say different classes of."""
        return (self.predicted[:, None] != self.predicted[None]).mean(axis=2)

    def credits(self, values: np.ndarray) -> Credits:
        """Return (N,) values of the clips as intervals and tests take them."""
        return Credits(values.astype(np.float64), np.zeros(values.shape, np.int64), self.clips)

    def left_out(self, place: int) -> Paired:
        """Return the ensemble against itself without a stream."""
        return compare_pair(self.credits(self.hits[-1]), self.credits(self.without[place]))

    def against_nothing(self, values: np.ndarray) -> Paired:
        """Return the mean of (N,) values of the clips, with its intervals."""
        return compare_pair(self.credits(values), self.credits(np.zeros(len(values))))


def fuse_subsets(
    members: Mapping[str, Scores], weights: Mapping[str, float], space: str
) -> FusedSubsets:
    """Fuse every subset of the members; arguments as of ``fuse``.

    Raises:
        ContractError: the members were not scored on the same clips, labels and classes.
        ConfigError: there are more than ten.
    """
    if len(members) > MOST_STREAMS:
        raise ConfigError(
            f"{len(members)} streams, expected at most {MOST_STREAMS}, as every subset of them is"
            " fused; ask for an ensemble of some of them."
        )
    first = next(iter(members.values()))
    has_weight = np.array([weights[stream] > 0 for stream in members])
    weighted = list(weighted_members(members, _with_weights(weights), space))
    clips = ScoredClips.of(first)
    predicted = np.stack([predicted_classes(values)[clips.order] for values in weighted])
    # A stream without weight changes nothing, but alone it says what its scores say.
    weightless = sum(1 << place for place in np.flatnonzero(~has_weight).tolist())
    subsets = np.arange(1 << len(members)) & ~weightless
    return FusedSubsets(
        streams=tuple(members),
        classes=first.classes.astype(str),
        clips=clips,
        predicted=predicted,
        alone=predicted == clips.labels,
        hits=hits_of_subsets(weighted, first.labels)[subsets][:, clips.order],
        guesses=subsets == 0,
    )


def hits_of_subsets(weighted: Sequence[np.ndarray], labels: np.ndarray) -> np.ndarray:
    """Return (2^S, N) whether the sum of each subset of S times (N, K) scores is right."""
    hits = np.zeros((1 << len(weighted), len(labels)), bool)
    for start in range(0, len(labels), _BLOCK):
        rows = slice(start, start + _BLOCK)
        for subset, total in _sums([values[rows] for values in weighted]):
            hits[subset, rows] = predicted_classes(total) == labels[rows]
    return hits


def shares_of_hits(hits: np.ndarray, guesses: np.ndarray, chance: float) -> np.ndarray:
    """Return (S, N) each stream's share in whether the ensemble is right, clip by clip.

    A stream's share is what it adds to those that came before it, the mean over all orders in
    which streams can come. The shares of a clip add up to whether it is right, less ``chance``.

    Args:
        hits: (2^S, N) whether each subset is right.
        guesses: (2^S,) which subsets are not, but right by chance.
        chance: the share of clips that these are right on.
    """
    num_streams = len(hits).bit_length() - 1
    subsets = np.arange(len(hits))
    has = (subsets >> np.arange(num_streams)[:, None] & 1).astype(bool)  # (S, 2^S)
    orders = [  # the share of orders in which so many streams come before one
        1 / (num_streams * math.comb(num_streams - 1, count)) for count in range(num_streams)
    ]
    before = has.sum(axis=0) - has  # (S, 2^S)
    weights = np.where(has, 1, -1) * np.array(orders)[np.minimum(before, num_streams - 1)]
    blocks = [
        weights @ hits[:, start : start + _BLOCK].astype(np.float64)
        for start in range(0, hits.shape[1], _BLOCK)
    ]
    by_chance = chance * weights[:, guesses].sum(axis=1, keepdims=True)  # (S, 1)
    return np.concatenate(blocks, axis=1) + by_chance


def forward_selection(accuracies: np.ndarray) -> list[int]:
    """Return the streams in the order in which each adds most to those before it.

    Args:
        accuracies: (2^S,) of each subset, on clips that no result is reported of. Of equal ones
            the stream that the ensemble names first is added.
    """
    num_streams = len(accuracies).bit_length() - 1
    order: list[int] = []
    chosen = 0
    while len(order) < num_streams:
        left = [place for place in range(num_streams) if place not in order]
        order.append(max(left, key=lambda place: accuracies[chosen | 1 << place]))
        chosen |= 1 << order[-1]
    return order


def subsets_on_the_way(order: Sequence[int]) -> list[int]:
    """Return the numbers of the subsets that an order of streams goes through."""
    return [sum(1 << place for place in order[: count + 1]) for count in range(len(order))]


@dataclass(frozen=True)
class Decider:
    """The stream with the largest share in a class.

    Attributes:
        stream: its place among the streams.
        lead: its share less that of the next one, over the class's clips, and its interval.
    """

    stream: int
    lead: Paired


def decider_of(fused: FusedSubsets, shares: np.ndarray, label: int) -> Decider | None:
    """Return the stream that decides a class; None if it has no clip, or several have most.

    Args:
        fused: the subsets.
        shares: (S, N) its ``shapley_values``.
        label: the class.
    """
    rows = np.flatnonzero(fused.clips.labels == label)
    if not len(rows) or len(shares) == 1:
        return None
    clips = replace(fused.clips, labels=fused.clips.labels[rows], subjects=None)
    order = np.argsort(-shares[:, rows].mean(axis=1), kind="stable")
    strata = np.zeros(len(rows), np.int64)
    first, second = (Credits(shares[place, rows], strata, clips) for place in order[:2])
    lead = compare_pair(first, second)
    return Decider(int(order[0]), lead) if lead.difference > _ROUNDED else None


def _with_weights(weights: Mapping[str, float]) -> dict[str, float]:
    """Return the weights with 1 for those that are 0."""
    return {stream: weight if weight > 0 else 1.0 for stream, weight in weights.items()}


def _sums(weighted: Sequence[np.ndarray]) -> Iterator[tuple[int, np.ndarray]]:
    """Yield each subset but the empty one, and the sum of its streams in their order."""
    stack = [(1 << place, place, values) for place, values in enumerate(weighted)]
    while stack:
        subset, last, total = stack.pop()
        yield subset, total
        for place in range(last + 1, len(weighted)):
            stack.append((subset | 1 << place, place, total + weighted[place]))
