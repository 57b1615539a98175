"""The arithmetic of score files: joined by clip id, weighted sums, accuracies.

Source: the released fusion of ProtoGCN, a weighted sum of mean class probabilities.
Shapes: N clips, K classes.
"""

import math
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from protogcn.errors import ConfigError, ContractError
from protogcn.files.scores import Scores

SPACES = ("probability", "logit", "log_probability", "normalised_logit")
_OF_LOGITS = ("logit", "normalised_logit")


def check_weights(weights: Sequence[float]) -> None:
    """Raise ConfigError unless all weights are finite and above 0, as the config wants them."""
    if not (all(weight > 0 for weight in weights) and sum(weights) < math.inf):
        raise ConfigError(
            f"weights {' '.join(f'{weight:g}' for weight in weights)}: expected finite numbers"
            " above 0; leave a stream out instead of giving it 0."
        )


def fuse(members: Mapping[str, Scores], weights: Mapping[str, float], space: str) -> np.ndarray:
    """Return the weighted sum (N, K) of the members' scores, clips in the order of the first.

    Args:
        members: score files by stream.
        weights: for each stream its weight.
        space: what is summed: the mean ``probability`` over crops, the mean ``logit``, the
            logarithm of the mean probability (``log_probability``), or the mean logits divided by
            their L2 norm (``normalised_logit``).

    Raises:
        ContractError: the members were not scored on the same clips, labels and classes, or one
            of them has no logits, which the space needs.
        ConfigError: unknown space, or streams and weights do not match.
    """
    return sum(weighted_members(members, weights, space))


def weighted_members(
    members: Mapping[str, Scores], weights: Mapping[str, float], space: str
) -> Iterator[np.ndarray]:
    """Yield what ``fuse`` sums: (N, K) of each member, clips in the order of the first."""
    if members.keys() != weights.keys() or not members:
        raise ConfigError(
            f"weights for {', '.join(weights)}, but scores of {', '.join(members) or 'nothing'}."
        )
    first_stream, first = next(iter(members.items()))
    for stream, scores in members.items():
        rows = rows_in_order(first, scores, f"stream {stream} against stream {first_stream}")
        yield weights[stream] * in_space(scores, space)[rows]


def in_space(scores: Scores, space: str) -> np.ndarray:
    """Return one member's scores (N, K) in float64, as they are summed.

    Raises:
        ContractError: the space is one of logits, and the scores were imported without them.
        ConfigError: unknown space.
    """
    # Logarithms of probabilities are logits up to a number for each clip, which their norm is not.
    enough = ("logit", "log_probability") if space == "logit" else ("logit",)
    if space in _OF_LOGITS and scores.space not in enough:
        imported_as = "probabilities" if scores.space == "probability" else "log-probabilities"
        raise ContractError(
            f"{scores.provenance['imported']['file']}: was imported as {imported_as}, without"
            f" the logits that space {space} needs; set the ensemble's space to probability or"
            " log_probability, or import logits."
        )
    match space:
        case "probability":
            return scores.probabilities.astype(np.float64)
        case "logit":
            return scores.logits.astype(np.float64)
        case "log_probability":
            return logs_of(scores.probabilities)
        case "normalised_logit":
            logits = scores.logits.astype(np.float64)
            norms = np.linalg.norm(logits, axis=1, keepdims=True)
            return logits / np.maximum(norms, np.finfo(np.float32).tiny)
    raise ConfigError(f"space {space!r}: expected one of {', '.join(SPACES)}.")


def as_probabilities(
    fused: np.ndarray,
    weights: Mapping[str, float],
    space: str,
    temperature: float | None = None,
) -> np.ndarray:
    """Turn fused scores (N, K) into rows that sum to one, in the same order of classes.

    Sums of probabilities are divided by the weights' sum; of sums in another space the softmax of
    the weighted mean is taken. A temperature divides their logarithms first.
    """
    mean = fused / sum(weights.values())
    if space != "probability":
        return softmax(mean / (temperature or 1))
    return mean if temperature is None else softmax(logs_of(mean) / temperature)


def logs_of(probabilities: np.ndarray) -> np.ndarray:
    """Return the logarithms of probabilities (N, K) in float64, all of them finite."""
    least = np.finfo(np.float32).tiny  # what float32 rounds to 0 is taken for it
    return np.log(np.maximum(probabilities.astype(np.float64), least))


def softmax(values: np.ndarray) -> np.ndarray:
    """Return probabilities along the last axis."""
    powers = np.exp(values - values.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def accuracies(scores: np.ndarray, labels: np.ndarray) -> dict[str, float | None]:
    """Return the shares top1, top5 (None of fewer than five classes) and mean_class.

    Args:
        scores: (N, K), the class with the highest one is the prediction.
        labels: (N,) the true classes.
    """
    return {
        "top1": top_k_accuracy(scores, labels, 1),
        "top5": top_k_accuracy(scores, labels, 5) if scores.shape[1] >= 5 else None,
        "mean_class": mean_class_accuracy(scores, labels),
    }


def top_k_accuracy(scores: np.ndarray, labels: np.ndarray, k: int) -> float:
    """Return the share of clips whose label is among the k highest of (N, K) scores."""
    return float(top_k_hits(scores, labels, k).mean())


def top_k_hits(scores: np.ndarray, labels: np.ndarray, k: int) -> np.ndarray:
    """Return (N,) whether each clip's label is among the k highest of (N, K) scores.

    Ties go to the highest class number, as released (the last of a stable argsort).
    """
    own = np.take_along_axis(scores, labels[:, None], axis=1)  # (N, 1)
    ahead = (scores > own) | ((scores == own) & (np.arange(scores.shape[1]) > labels[:, None]))
    return ahead.sum(axis=1) < k


def predicted_classes(scores: np.ndarray) -> np.ndarray:
    """Return (N,) the class with the highest of (N, K) scores; the last one of equals."""
    return scores.shape[1] - 1 - scores[:, ::-1].argmax(axis=1)


def mean_class_accuracy(scores: np.ndarray, labels: np.ndarray) -> float:
    """Return the mean recall over the classes that are a label or a prediction of some clip."""
    predicted = predicted_classes(scores)
    classes = np.union1d(labels, predicted)
    recalls = [
        (predicted[labels == c] == c).mean() if (labels == c).any() else 0.0 for c in classes
    ]
    return float(np.mean(recalls))


def rows_in_order(first: Scores, scores: Scores, where: str) -> np.ndarray:
    """Return (N,) the rows of ``scores`` in the order of the clips of ``first``.

    Args:
        first: the scores that give the order.
        scores: other scores of the same clips.
        where: what a message calls the two.

    Raises:
        ContractError: other clips, labels or classes.
    """
    if list(scores.classes) != list(first.classes):
        raise ContractError(
            f"{where}: {len(scores.classes)} classes against {len(first.classes)}, or other names"
            " or another order; score both on one dataset."
        )
    clips, labels = (first.clips, scores.clips), (first.labels, scores.labels)
    if np.array_equal(*clips) and np.array_equal(*labels):  # as nearly always
        return np.arange(len(first.clips))
    row_of = {clip: row for row, clip in enumerate(scores.clips)}
    missing = [clip for clip in first.clips if clip not in row_of]
    extra = len(row_of) - (len(first.clips) - len(missing))
    if missing or extra:
        example = f", for example {missing[0]}" if missing else ""
        raise ContractError(
            f"{where}: scored on other clips, {len(missing)} are missing{example} and {extra} are"
            " too many; score both on one task."
        )
    rows = np.array([row_of[clip] for clip in first.clips])
    if (other := np.flatnonzero(scores.labels[rows] != first.labels)).size:
        clip = int(other[0])
        raise ContractError(
            f"{where}: clip {first.clips[clip]} has label {scores.labels[rows][clip]} against"
            f" {first.labels[clip]}; score both on one task."
        )
    return rows
