"""Two accuracies on the same clips -> whether they differ by more than chance.

Source: McNemar 1947 with the mid-p of Lancaster 1961, which is neither too careful nor too bold
(Fagerland, Lydersen and Laake 2013); Holm 1979. Shapes: N clips, P tests.
"""

import math
from dataclasses import dataclass

import numpy as np
from scipy import stats

from protogcn.errors import ContractError
from protogcn.scores.intervals import LEVEL, UNKNOWN, Credits, Interval, variance_of

CHANCE = 1 - LEVEL  # a difference with this p or a higher one may be chance
_UPPER = (1 + LEVEL) / 2


@dataclass(frozen=True)
class Paired:
    """One row of a table against another one.

    Attributes:
        first_better: clips that the first is right on more often than the second; of one run each,
            the clips that it alone is right on.
        second_better: the other way round.
        difference: first minus second, a share.
        clips: the interval of the difference for other clips.
        subjects: that for other subjects, if they are known.
        p: how likely a difference as large is between equals: McNemar's mid-p for one run each,
            else the same test's normal form, as clips that are right in half of the repeats count
            half.
    """

    first_better: int
    second_better: int
    difference: float
    clips: Interval
    subjects: Interval
    p: float


def compare_pair(first: Credits, second: Credits) -> Paired:
    """Compare two accuracies clip by clip.

    Raises:
        ContractError: they are not of the same clips.
    """
    if first.clips.digest != second.clips.digest:
        raise ContractError("two rows were scored on other clips; score both on one task.")
    change = first.values - second.values  # (N,)
    better, worse = int((change > 0).sum()), int((change < 0).sum())
    values = np.unique(np.abs(change[change != 0]))
    if len(values) <= 1:
        p = float(mcnemar(better, worse))
    else:
        p = float(2 * stats.norm.sf(abs(change.sum()) / math.sqrt((change**2).sum())))
    clips = _around(change, variance_of(change, first.strata), stats.norm.ppf(_UPPER))
    subjects, groups = UNKNOWN, first.clips.subjects
    if groups is not None and groups.max() > 0:
        variance = variance_of(change, first.strata, groups)
        subjects = _around(change, variance, stats.t.ppf(_UPPER, groups.max()))
    return Paired(better, worse, float(change.mean()), clips, subjects, p)


def mcnemar(better: np.ndarray | int, worse: np.ndarray | int) -> np.ndarray:
    """Return the mid-p of McNemar's test, two-sided.

    Args:
        better: clips that only the first is right on, one number or (P,).
        worse: clips that only the second is right on.
    """
    better, worse = np.asarray(better), np.asarray(worse)
    few, count = np.minimum(better, worse), better + worse
    tail = stats.binom.cdf(few, count, 0.5) - stats.binom.pmf(few, count, 0.5) / 2
    return np.minimum(2 * tail, 1.0)


def holm(p: np.ndarray) -> np.ndarray:
    """Return (P,) p values corrected for their number; those that are no number stay none."""
    corrected = np.full(len(p), np.nan)
    known = np.flatnonzero(~np.isnan(p))
    order = known[np.argsort(p[known], kind="stable")]
    times = np.arange(len(order), 0, -1)
    corrected[order] = np.minimum(np.maximum.accumulate(times * p[order]), 1)
    return corrected


def _around(change: np.ndarray, variance: float, quantile: float) -> Interval:
    """Return the interval of a mean difference, as if there were two clips more, one for each.

    Source: Bonett and Price 2012. Without them, few clips that differ would seem to be certain.
    """
    half = float(quantile) * math.sqrt(variance + 2 / len(change) ** 2)
    mean = float(change.mean())
    return Interval(max(-1.0, mean - half), min(1.0, mean + half))
