"""Class scores of a file -> the space they are in, as the config says or their numbers prove.

A softmax of probabilities is nearly flat: what is taken for logits in error gives a wrong table.
Shapes: N clips, C crops, K classes.
"""

from typing import NamedTuple

import numpy as np

from protogcn.config.imports import SCORE_SPACE
from protogcn.errors import ContractError

_SUMS_TO_ONE = 1e-3
_NEAR_ONE = 0.02  # bfloat16 keeps a number to a share of 2**-8
_MOST_ROUNDING = 0.3  # of a sum of 1
_DECIMALS = (1, 2, 3, 4)
_FEW = 3  # so few logits may sum to 1 by chance, and a share of the clips if they are not many more
_STRAY, _MANY = 0.1, 10


class Spaced(NamedTuple):
    """Scores whose space is known.

    Attributes:
        space: probability, logit or log_probability.
        values: (N, C, K), probabilities with sums of 1.
        remark: what was done to them, or nothing.
    """

    space: str
    values: np.ndarray
    remark: str = ""


def in_known_space(
    where: str, values: np.ndarray, told: str | None = None, *, are_named_logits: bool = False
) -> Spaced:
    """Return scores with their space; probabilities that were rounded are divided by their sums.

    Args:
        where: the file and run, for messages.
        values: (N, C, K), finite.
        told: the space that the config says, if it does.
        are_named_logits: the file calls them so, which settles a doubt.

    Raises:
        ContractError: they could be in two spaces, or are not in the given one.
    """
    if told is not None:
        _check_told(where, values, told)
        return _divided(values) if told == "probability" else Spaced(told, values)
    if _are_probabilities(values):
        return _divided(values)
    if values.max() <= 0 and np.abs(np.exp(values).sum(axis=2) - 1).max() <= _NEAR_ONE:
        return Spaced("log_probability", values)
    if not are_named_logits and (doubt := _doubt(values)):
        raise ContractError(
            f"{where}: {doubt}. Say which in the override that names the file: {SCORE_SPACE}:"
            " probability divides the scores of a clip by their sum, logit puts them through a"
            " softmax."
        )
    return Spaced("logit", values)


def remark_on_shape(probabilities: np.ndarray) -> str:
    """Return what probabilities (N, K) look like if not like those of a softmax, or nothing."""
    highest, lowest = probabilities.max(axis=1), probabilities.min(axis=1)  # (N,)
    if len(probabilities) > _FEW and not np.ptp(probabilities, axis=0).any():
        return "every clip has the same scores"
    if (highest == 1).all():
        return "every clip has a class of probability 1: decisions, of which a fusion is a vote"
    if (highest <= np.e * lowest).all():
        return (
            f"no class of a clip has more than {(highest / lowest).max():.3g} times the probability"
            " of another, as after a softmax of probabilities (a second one); its part in an"
            " ensemble is then too flat"
        )
    return ""


def named_probabilities(where: str, values: np.ndarray) -> Spaced:
    """Return scores (N, C, K) that a file calls probabilities.

    Raises:
        ContractError: they are none.
    """
    if _are_probabilities(values):
        return _divided(values)
    sums = values.sum(axis=2)  # (N, C)
    wrong = ~((values >= 0).all(axis=2) & (np.abs(sums - 1) <= _SUMS_TO_ONE))
    entry, crop = np.argwhere(wrong)[0]
    raise ContractError(
        f"{where}: the probabilities of entry {entry} run from {values[entry, crop].min():.4g} and"
        f" sum to {sums[entry, crop]:.4g}, expected numbers from 0 that sum to 1; if these are"
        " logits, name them so."
    )


def _check_told(where: str, values: np.ndarray, told: str) -> None:
    if told == "probability" and (values.min() < 0 or values.sum(axis=2).min() <= 0):
        entry = (
            int((values.min(axis=(1, 2)) < 0).argmax())
            if values.min() < 0
            else int((values.sum(axis=2) <= 0).any(axis=1).argmax())
        )
        raise ContractError(
            f"{where}: {SCORE_SPACE} is probability, but the scores of entry {entry} run from"
            f" {values[entry].min():.4g} to {values[entry].max():.4g}, expected numbers from 0 that"
            " are not all 0."
        )
    if told == "log_probability" and values.max() > 0:
        raise ContractError(
            f"{where}: {SCORE_SPACE} is log_probability, but scores run to {values.max():.4g},"
            " expected at most 0."
        )


def _are_probabilities(values: np.ndarray) -> bool:
    """Whether the scores of each clip are shares of 1, or of 100, up to rounding."""
    if not values.min() >= 0:
        return False
    sums = values.sum(axis=2)  # (N, C)
    for whole in (1, 100):
        away = np.abs(sums / whole - 1).max()
        if away <= _NEAR_ONE or (away <= _MOST_ROUNDING and away <= _rounding(values / whole)):
            return True
    return False


def _divided(values: np.ndarray) -> Spaced:
    sums = values.sum(axis=2, keepdims=True)  # (N, C, 1)
    if np.abs(sums - 1).max() <= _SUMS_TO_ONE:
        return Spaced("probability", values)
    decimals = _decimals(values)
    rounded = "" if decimals is None else f" of {decimals} decimal{'s' if decimals > 1 else ''}"
    remark = f"its probabilities{rounded} sum to {sums.min():.4g} to {sums.max():.4g}"
    return Spaced("probability", values / sums, f"{remark} in a clip and were divided by that")


def _rounding(shares: np.ndarray) -> float:
    """Return how far a sum of shares may be from 1 by the rounding that they show."""
    decimals = _decimals(shares)
    return 0.0 if decimals is None else shares.shape[2] * 10.0**-decimals


def _decimals(values: np.ndarray) -> int | None:
    """Return after how many decimals all numbers end, None if they do not within four."""
    for decimals in _DECIMALS:
        steps = values * 10**decimals
        if np.abs(steps - np.round(steps)).max() < _SUMS_TO_ONE:
            return decimals
    return None


def _doubt(values: np.ndarray) -> str:
    """Return why scores that are no probabilities may be no logits, or nothing."""
    sums, lengths = values.sum(axis=2), np.linalg.norm(values, axis=2)  # (N, C)
    if values.min() >= 0 and np.ptp(sums) <= _SUMS_TO_ONE * sums.max():
        return (
            f"every clip's scores are positive and sum to {sums.flat[0]:.4g}, expected"
            " probabilities, which sum to 1, or logits"
        )
    if values.min() >= 0 and values.max() <= 1:
        return (
            f"all scores lie in 0 to 1, and those of a clip sum to {sums.min():.4g} to"
            f" {sums.max():.4g}, expected probabilities, which sum to 1, or logits"
        )
    shares = (values >= 0).all(axis=2) & (np.abs(sums - 1) <= _SUMS_TO_ONE)
    num_classes = values.shape[2]
    if num_classes > _FEW and shares.mean() > (_STRAY if num_classes <= _MANY else 0):
        return (
            f"{shares.sum()} of {shares.size} rows of scores are positive and sum to 1, as"
            " probabilities do, and the others do not, expected one kind"
        )
    is_scaled = len(values) > _FEW and np.ptp(lengths) <= _SUMS_TO_ONE * lengths.max()
    if is_scaled and np.ptp(values, axis=0).any():  # not the same scores for all
        return (
            f"every clip's scores have the L2 norm {lengths.flat[0]:.4g}, expected logits before"
            " they are normalised: a softmax of these is nearly flat"
        )
    return ""
