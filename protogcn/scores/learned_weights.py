"""Scores of clips that no training saw -> weights of an ensemble's streams, and temperatures.

Whatever is looked for is looked for where the log-loss is convex in it (``calibration``):

- Of a sum of logarithms of probabilities, or of logits, whose softmax is taken, weight over
  temperature is one number for each stream, its scale. The scales of the least log-loss are found
  together; weights are their shares, the temperature of the sum is one over their total, and the
  temperatures of streams are 1.
- Of a sum of probabilities the loss is not convex in all at once. First every stream's temperature
  is found, for the least log-loss of it alone; then the weights, for the least log-loss of the sum
  over all weights with a sum of 1; then the temperature of the sum.

Shapes: S streams, N clips, K classes.
"""

from collections.abc import Mapping

import numpy as np

from protogcn.files.scores import Scores
from protogcn.files.weights import LearnedWeights
from protogcn.scores.calibration import (
    fit_scales,
    fit_shares,
    fit_temperature,
    log_loss,
    tempered,
)
from protogcn.scores.fusion import in_space, logs_of, rows_in_order, softmax

_DECIMALS = 6  # what other processors compute is equal up to rounding


def learn_weights(
    members: Mapping[str, Scores],
    space: str,
    *,
    task: str,
    side: str,
    digests: Mapping[str, str],
) -> LearnedWeights:
    """Return the weights and temperatures of the least log-loss.

    Args:
        members: scores of these clips by stream.
        space: what is summed, see ``fusion.in_space``.
        task: whose networks and clips they are.
        side: of the clips: ``val``, or ``test`` for a bound.
        digests: SHA-256 of each stream's score file.

    Raises:
        ContractError: the members were not scored on the same clips, labels and classes, or one
            of them has no logits, which the space needs.
    """
    labels = next(iter(members.values())).labels
    values = _stacked(members, space)  # (S, N, K)
    before = log_loss(_logs(values.mean(axis=0), space), labels)
    temperatures = np.ones(len(members))
    if space == "probability":
        for number, probabilities in enumerate(values):
            logs = logs_of(probabilities)
            temperatures[number] = _rounded(fit_temperature(logs, labels))
            values[number] = softmax(logs / temperatures[number])
        found = fit_shares(values[:, np.arange(len(labels)), labels])
    else:
        found = fit_scales(values, labels)
    if not found.any():  # no stream knows anything
        found = np.ones(len(members))
    weights = np.round(found / found.sum(), _DECIMALS)
    mean = np.tensordot(weights, values, axes=1) / weights.sum()  # (N, K)
    temperature = _rounded(fit_temperature(_logs(mean, space), labels))
    return LearnedWeights(
        task=task,
        side=side,
        space=space,
        weights=dict(zip(members, weights.tolist(), strict=True)),
        temperatures=dict(zip(members, temperatures.tolist(), strict=True)),
        temperature=temperature,
        clips=len(labels),
        log_loss_before=_rounded(before),
        log_loss=_rounded(log_loss(_logs(mean, space) / temperature, labels)),
        digests=digests,
    )


def with_temperatures(
    members: Mapping[str, Scores], temperatures: Mapping[str, float]
) -> dict[str, Scores]:
    """Return members whose logarithms of probabilities are divided by their temperatures."""
    return {stream: tempered(scores, temperatures[stream]) for stream, scores in members.items()}


def _stacked(members: Mapping[str, Scores], space: str) -> np.ndarray:
    """Return (S, N, K) in the order of the first member's clips."""
    first_stream, first = next(iter(members.items()))
    values = np.empty((len(members), *first.probabilities.shape))
    for number, (stream, scores) in enumerate(members.items()):
        where = f"stream {stream} against stream {first_stream}"
        values[number] = in_space(scores, space)[rows_in_order(first, scores, where)]
    return values


def _logs(fused: np.ndarray, space: str) -> np.ndarray:
    """Return what the probabilities of a weighted mean are the softmax of."""
    return logs_of(fused) if space == "probability" else fused


def _rounded(number: float) -> float:
    return round(number, _DECIMALS)
