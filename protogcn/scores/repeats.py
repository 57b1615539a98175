"""Accuracies of repeats -> whether two differ by more than seeds, and how many would show it."""

import math
from collections.abc import Sequence

import numpy as np
from scipy import optimize, stats

from protogcn.scores.paired import CHANCE

_MOST_REPEATS = 10_000


def seeds_p(first: Sequence[float], second: Sequence[float]) -> float:
    """Return how likely a difference as large is between repeats of one training.

    Student's test of two samples with one spread, that of all repeats of both; no number where
    neither has two of them.
    """
    freedom = len(first) + len(second) - 2
    if not first or not second or freedom < 1:
        return math.nan
    difference = float(np.mean(first) - np.mean(second))
    squares = sum(float(np.var(values)) * len(values) for values in (first, second))
    if squares == 0:
        return float(difference == 0)
    error = math.sqrt(squares / freedom * (1 / len(first) + 1 / len(second)))
    return float(2 * stats.t.sf(abs(difference) / error, freedom))


def pooled_spread(spreads: Sequence[float], repeats: Sequence[int]) -> tuple[float, int]:
    """Return the spread of several rows together, and its degrees of freedom."""
    freedom = [count - 1 for count in repeats]
    squares = sum(spread**2 * free for spread, free in zip(spreads, freedom, strict=True))
    return math.sqrt(squares / sum(freedom)), sum(freedom)


def spread_interval(spread: float, freedom: int) -> tuple[float, float]:
    """Return the 95 % interval of a standard deviation."""
    ends = stats.chi2.ppf([1 - CHANCE / 2, CHANCE / 2], freedom)
    low, high = spread * np.sqrt(freedom / ends)
    return float(low), float(high)


def chance_to_see(difference: float, spread: float, repeats: int) -> float:
    """Return the power of Student's test with so many repeats of each of two trainings."""
    freedom = 2 * repeats - 2
    away = difference / (spread * math.sqrt(2 / repeats))
    limit = stats.t.ppf(1 - CHANCE / 2, freedom)
    return float(stats.nct.sf(limit, freedom, away) + stats.nct.cdf(-limit, freedom, away))


def repeats_needed(difference: float, spread: float, power: float) -> int | None:
    """Return how many repeats of each see a difference with this power; None for over 10,000."""
    low, high = 1, 2  # of which the lower one is too few
    while chance_to_see(difference, spread, high) < power:
        if high >= _MOST_REPEATS:
            return None
        low, high = high, min(2 * high, _MOST_REPEATS)
    while high - low > 1:
        middle = (low + high) // 2
        enough = chance_to_see(difference, spread, middle) >= power
        low, high = (low, middle) if enough else (middle, high)
    return high


def difference_seen(spread: float, repeats: int, power: float) -> float:
    """Return the smallest difference that so many repeats of each see with this power."""

    def lacking(difference: float) -> float:
        return chance_to_see(difference, spread, repeats) - power

    enough = spread
    while lacking(enough) < 0:
        enough *= 2
    return float(optimize.brentq(lacking, 0, enough))


def difference_seen_by_clips(clips: int, disagreement: float, power: float) -> float:
    """Return the smallest difference, a share, that McNemar's test sees with this power.

    Args:
        clips: how many are tested.
        disagreement: the share of them that one of the two alone is right on.
        power: as a share.

    Returns:
        The disagreement itself where no difference is seen: then all of it is of one side.

    Source: Connor 1987.
    """
    limit, beyond = stats.norm.ppf([1 - CHANCE / 2, power])

    def lacking(difference: float) -> float:
        spread = math.sqrt(max(disagreement - difference**2, 0))
        needed = limit * math.sqrt(disagreement) + beyond * spread
        return difference * math.sqrt(clips) - needed

    if lacking(disagreement) < 0:
        return disagreement
    return float(optimize.brentq(lacking, 0, disagreement))
