"""Stage 5: the scores of several streams -> one ensemble and its table.

Source: the released fusion of ProtoGCN, a weighted sum of mean class probabilities.
Shapes: N clips, K classes.
"""

import argparse
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from protogcn.contracts import save_table
from protogcn.errors import ConfigError, ContractError, run_stage
from protogcn.score_file import Scores

SPACES = ("probability", "logit", "log_probability", "normalised_logit")
_OF_LOGITS = ("logit", "normalised_logit")
_SELECTS = ("best", "unknown", "last")  # a table's mark is the first that a member has


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
    if members.keys() != weights.keys() or not members:
        raise ConfigError(
            f"weights for {', '.join(weights)}, but scores of {', '.join(members) or 'nothing'}."
        )
    first_stream, first = next(iter(members.items()))
    total = np.zeros((len(first.clips), len(first.classes)))
    for stream, scores in members.items():
        if space in _OF_LOGITS and not scores.has_logits:
            raise ContractError(
                f"stream {stream}: its scores were imported as probabilities, which do not tell the"
                f" logits that space {space} needs; set the ensemble's space to probability or"
                " log_probability, or import logits."
            )
        rows = _rows_in_order(first_stream, first, stream, scores)
        total += weights[stream] * in_space(scores, space)[rows]
    return total


def in_space(scores: Scores, space: str) -> np.ndarray:
    """Return one member's scores (N, K) in float64, as they are summed."""
    match space:
        case "probability":
            return scores.probabilities.astype(np.float64)
        case "logit":
            return scores.logits.astype(np.float64)
        case "log_probability":
            probabilities = scores.probabilities.astype(np.float64)
            return np.log(np.maximum(probabilities, np.finfo(np.float32).tiny))
        case "normalised_logit":
            logits = scores.logits.astype(np.float64)
            norms = np.linalg.norm(logits, axis=1, keepdims=True)
            return logits / np.maximum(norms, np.finfo(np.float32).tiny)
    raise ConfigError(f"space {space!r}: expected one of {', '.join(SPACES)}.")


def top_k_accuracy(scores: np.ndarray, labels: np.ndarray, k: int) -> float:
    """Return the share of clips whose label is among the k highest of (N, K) scores.

    Ties go to the highest class number, as released (the last of a stable argsort).
    """
    own = np.take_along_axis(scores, labels[:, None], axis=1)  # (N, 1)
    ahead = (scores > own) | ((scores == own) & (np.arange(scores.shape[1]) > labels[:, None]))
    return float((ahead.sum(axis=1) < k).mean())


def mean_class_accuracy(scores: np.ndarray, labels: np.ndarray) -> float:
    """Return the mean recall over the classes that are a label or a prediction of some clip."""
    # The last of equal scores wins here too.
    predicted = scores.shape[1] - 1 - scores[:, ::-1].argmax(axis=1)
    classes = np.union1d(labels, predicted)
    recalls = [
        (predicted[labels == c] == c).mean() if (labels == c).any() else 0.0 for c in classes
    ]
    return float(np.mean(recalls))


def ensemble_table(
    members: Mapping[str, Scores], weights: Mapping[str, float], space: str
) -> pd.DataFrame:
    """Return the ensemble's table: a row for each member and a last row ``fused``.

    Columns: stream, weight, clips, top1, top5, mean_class (percentages with two decimals), select
    (which epoch was scored: ``best`` marks one that was chosen by its accuracy, ``unknown`` an
    import that does not tell).
    """
    fused = fuse(members, weights, space)
    rows = []
    for stream, scores in members.items():
        values = in_space(scores, space)
        select = scores.provenance["select"]
        rows.append(_row(stream, f"{weights[stream]:g}", values, scores.labels, select))
    select = min((row["select"] for row in rows), key=_SELECTS.index)
    labels = next(iter(members.values())).labels
    return pd.DataFrame([*rows, _row("fused", "", fused, labels, select)])


def _row(
    stream: str, weight: str, scores: np.ndarray, labels: np.ndarray, select: str
) -> dict[str, str | int]:
    top5 = top_k_accuracy(scores, labels, 5) if scores.shape[1] >= 5 else None
    return {
        "stream": stream,
        "weight": weight,
        "clips": len(labels),
        "top1": f"{100 * top_k_accuracy(scores, labels, 1):.2f}",
        "top5": "" if top5 is None else f"{100 * top5:.2f}",
        "mean_class": f"{100 * mean_class_accuracy(scores, labels):.2f}",
        "select": select,
    }


def _rows_in_order(first_stream: str, first: Scores, stream: str, scores: Scores) -> np.ndarray:
    """Return the rows of ``scores`` in the order of the first member's clips."""
    where = f"stream {stream} against stream {first_stream}"
    if list(scores.classes) != list(first.classes):
        raise ContractError(
            f"{where}: {len(scores.classes)} classes against {len(first.classes)}, or other names"
            " or another order; score both on one dataset."
        )
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


def _check_members(members: Mapping[str, Scores], task: str, model: str) -> None:
    """Refuse a score file that lies under another run's name."""
    for stream, scores in members.items():
        dataset, split, found_model, found_stream = scores.run
        found = (f"{dataset}_{split}", found_model, found_stream)
        if found != (task, model, stream):
            raise ContractError(
                f"scores of {task}/{model}/{stream}: the file holds those of {'/'.join(found)};"
                " remove it and run again."
            )


def main() -> None:
    """Read the members' score files, write the ensemble's table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scores", type=Path, nargs="+", required=True)
    parser.add_argument("--streams", nargs="+", required=True, help="name of each score file")
    parser.add_argument("--task", required=True, help="dataset and split of every score file")
    parser.add_argument("--model", required=True, help="model of every score file")
    parser.add_argument("--weights", type=float, nargs="+", required=True)
    parser.add_argument("--space", choices=SPACES, default="probability")
    parser.add_argument("--table", type=Path, required=True)
    args = parser.parse_args()

    if not len(args.scores) == len(args.streams) == len(args.weights) == len(set(args.streams)):
        raise ConfigError(
            f"{len(args.scores)} score files, {len(args.streams)} streams and {len(args.weights)}"
            " weights, expected one stream and one weight for each file, no stream twice."
        )
    members = {s: Scores.load(path) for s, path in zip(args.streams, args.scores, strict=True)}
    _check_members(members, args.task, args.model)
    weights = dict(zip(args.streams, args.weights, strict=True))
    save_table(args.table, ensemble_table(members, weights, args.space))


if __name__ == "__main__":
    run_stage(main)
