"""Class probabilities and labels -> how far the probabilities can be believed, and a remedy.

Source: temperature and expected calibration error are those of Guo et al. 2017.
Shapes: S streams, N clips, K classes, B bins.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from scipy import optimize, stats

from protogcn.files.scores import Scores
from protogcn.scores.fusion import logs_of, predicted_classes, softmax
from protogcn.scores.intervals import LEVEL, Interval

NUM_BINS = 15
_BLOCK = 1024  # clips at once, which the cache holds
_LEAST = float(np.finfo(np.float32).tiny)  # a probability that float32 rounds to 0 is taken for it
_COLDEST, _HOTTEST = 1e-3, 1e3  # temperatures


def log_loss(logs: np.ndarray, labels: np.ndarray) -> float:
    """Return the mean over clips of -log p(label), p the softmax of (N, K)."""
    own = logs[np.arange(len(labels)), labels]
    return float((_log_sums(logs) - own).mean())


def fit_scales(
    logs: np.ndarray, labels: np.ndarray, *, lowest: float = 0.0, highest: float = 1 / _COLDEST
) -> np.ndarray:
    """Return (S,) what each stream's logs are multiplied by so that their sum is calibrated.

    The log-loss of softmax(sum of a_s z_s) is convex in the scales a, which is why these are looked
    for, not temperatures 1 / a. As if there were one clip more of each class, labels are also what
    the plain mean of the streams says. So few clips change little, and the scales of streams that
    are right on every clip have an end.

    Args:
        logs: (S, N, K) logits, or logarithms of probabilities.
        labels: (N,) the true classes.
        lowest: the least scale.
        highest: the largest one.
    """
    num_streams, num_clips, num_classes = logs.shape
    start = np.full(num_streams, 1 / num_streams)
    known = num_clips / (num_clips + num_classes)
    blocks = []
    for first in range(0, num_clips, _BLOCK):
        block = np.ascontiguousarray(logs[:, first : first + _BLOCK])  # (S, n, K)
        targets = (1 - known) * softmax(np.tensordot(start, block, axes=1))  # (n, K)
        own = labels[first : first + _BLOCK]
        targets[np.arange(len(own)), own] += known
        blocks.append((block.reshape(num_streams, -1), targets))

    def loss(scales: np.ndarray) -> tuple[float, np.ndarray]:
        value, slope = 0.0, np.zeros(num_streams)
        for flat, targets in blocks:
            total = (scales @ flat).reshape(targets.shape)
            sums = _log_sums(total)
            value += sums.sum() - np.vdot(targets, total)
            away = np.exp(total - sums[:, None]) - targets  # (n, K)
            slope += flat @ away.ravel()
        return float(value) / num_clips, slope / num_clips

    return _minimise(loss, start, (lowest, highest))


def fit_shares(own: np.ndarray) -> np.ndarray:
    """Return (S,) the shares of a sum of probabilities whose log-loss is least.

    -log sum of w_s p_s(label) is convex in the shares w. They are looked for among all w_s >= 0
    with the sum of w added to the loss, which makes that sum 1 where the loss is least.

    Args:
        own: (S, N) the probability that each stream gives the true class.
    """

    def loss(shares: np.ndarray) -> tuple[float, np.ndarray]:
        total = np.maximum(shares @ own, _LEAST)  # (N,)
        value = shares.sum() - np.log(total).mean()
        return float(value), 1 - (own / total).mean(axis=1)

    shares = _minimise(loss, np.full(len(own), 1 / len(own)), (0.0, 1.0))
    return shares / shares.sum()


def fit_temperature(logs: np.ndarray, labels: np.ndarray) -> float:
    """Return what (N, K) has to be divided by before its softmax is calibrated."""
    scale = fit_scales(logs[None], labels, lowest=1 / _HOTTEST)
    return float(1 / scale[0])


def tempered(scores: Scores, temperature: float) -> Scores:
    """Return scores whose logits, and logarithms of probabilities, are divided by a temperature."""
    if temperature == 1:
        return scores
    return replace(
        scores,
        logits=scores.logits.astype(np.float64) / temperature,
        probabilities=softmax(logs_of(scores.probabilities) / temperature),
    )


class Bin(NamedTuple):
    """The clips whose predictions have about the same probability.

    Attributes:
        low: least probability, not included.
        high: largest one.
        clips: how many.
        confidence: the mean probability of their predictions; not a number without clips.
        accuracy: the share of them that is right; not a number without clips.
    """

    low: float
    high: float
    clips: int
    confidence: float
    accuracy: float


@dataclass(frozen=True)
class Calibration:
    """How far probabilities can be believed.

    Attributes:
        bins: from the least probability to the largest.
        error: the expected calibration error, a share: the mean over clips of how far confidence
            and accuracy of their bin are apart.
        interval: of the error, for other clips.
        log_loss: the mean of -log p(label).
    """

    bins: tuple[Bin, ...]
    error: float
    interval: Interval
    log_loss: float


def calibration_of(probabilities: np.ndarray, labels: np.ndarray) -> Calibration:
    """Compare what (N, K) probabilities promise with what comes true.

    The error of a finite number of clips is too large, as chance moves every bin away from what was
    promised; resamples are moved once more. The interval is around the error without that.

    Args:
        probabilities: of every clip's classes.
        labels: (N,) the true classes.
    """
    predicted = predicted_classes(probabilities)
    confidence = probabilities[np.arange(len(labels)), predicted].astype(np.float64)
    right = (predicted == labels).astype(np.float64)
    place = np.clip(np.ceil(confidence * NUM_BINS).astype(int) - 1, 0, NUM_BINS - 1)  # (N,)
    counts, sure, hits = (
        np.bincount(place, values, NUM_BINS) for values in (None, confidence, right)
    )
    error = np.abs(sure - hits).sum() / len(labels)
    interval = _interval(place, confidence, right)
    some = np.where(counts > 0, counts, np.nan)
    rows = zip(np.arange(NUM_BINS) / NUM_BINS, counts, sure / some, hits / some, strict=True)
    return Calibration(
        bins=tuple(Bin(low, low + 1 / NUM_BINS, int(clips), *means) for low, clips, *means in rows),
        error=float(error),
        interval=Interval(interval.low, max(interval.high, float(error))),
        log_loss=log_loss(logs_of(probabilities), labels),
    )


def _interval(place: np.ndarray, confidence: np.ndarray, right: np.ndarray) -> Interval:
    """Return the interval of the error, each bin's gap less what chance is expected to add.

    Of a few clips the variance is at least that of clips that are right as often as promised.
    """
    counts = np.maximum(np.bincount(place, minlength=NUM_BINS), 1)
    gaps = confidence - right  # (N,)
    sums = np.bincount(place, gaps, NUM_BINS)  # (B,)
    around = np.bincount(place, (gaps - (sums / counts)[place]) ** 2, NUM_BINS)
    promised = np.bincount(place, confidence * (1 - confidence), NUM_BINS)
    variances = np.maximum(around * counts / np.maximum(counts - 1, 1), promised)
    spreads = np.sqrt(np.maximum(variances, _LEAST))
    likely = np.sqrt(np.maximum(sums**2 - variances, 0))  # what a gap is without chance
    by_chance = stats.foldnorm.mean(likely / spreads, scale=spreads) - likely
    centre = (np.abs(sums) - by_chance)[variances > 0].sum()
    half = stats.norm.ppf((1 + LEVEL) / 2) * np.sqrt(variances.sum())
    ends = np.clip([centre - half, centre + half], 0, len(place)) / len(place)
    return Interval(*ends.tolist())


def _log_sums(logs: np.ndarray) -> np.ndarray:
    """Return (N,) the logarithm of the sum of exp over classes."""
    highest = logs.max(axis=1)
    return highest + np.log(np.exp(logs - highest[:, None]).sum(axis=1))


def _minimise(
    loss: Callable[[np.ndarray], tuple[float, np.ndarray]],
    start: np.ndarray,
    ends: tuple[float, float],
) -> np.ndarray:
    found = optimize.minimize(
        loss,
        start,
        jac=True,
        method="L-BFGS-B",
        bounds=[ends] * len(start),
        options={"ftol": 1e-12, "gtol": 1e-7, "maxiter": 1000},
    )
    return found.x
