"""Two score files of the same clips -> what changes from one to the other, class by class.

Source: the class-wise comparison in the supplement of ProtoGCN (section C and its Figure 1); the
intervals are ours. Shapes: N clips, K classes, R resamples.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from protogcn.files.scores import Scores
from protogcn.scores.fusion import predicted_classes, rows_in_order
from protogcn.scores.paired import CHANCE, holm, mcnemar

RESAMPLES = 10_000
_INTERVAL = (2.5, 97.5)  # percentiles
_DRAWN_AT_ONCE = 1 << 21  # resamples of classes, 64 MB


@dataclass(frozen=True)
class ClassDifferences:
    """A model against a baseline.

    Attributes:
        classes: a row for each class by label: ``label``, ``class``, ``clips``; ``accuracy``,
            ``baseline`` and ``difference`` in per cent; ``low`` and ``high``, the ends of its 95 %
            interval; ``p`` of McNemar's test on its clips (see ``mcnemar``) and ``holm``, the same
            corrected for the number of classes (none is a number where a class has no clip);
            ``confused_with``, the other class
            that gained or lost most of this class's clips, the number of them that it has by the
            model (``confused``) and by the baseline (``baseline_confused``); empty and 0 where no
            prediction changed.
        overall: accuracy, baseline, difference, low, high and p of all clips together.
    """

    classes: pd.DataFrame
    overall: dict[str, float]

    @property
    def counts(self) -> tuple[int, int, int]:
        """How many classes are better, equal and worse."""
        change = self.classes["difference"].dropna()
        return int((change > 0).sum()), int((change == 0).sum()), int((change < 0).sum())

    @property
    def num_certain(self) -> int:
        """How many classes differ by more than chance, corrected for their number."""
        return int((self.classes["holm"] < CHANCE).sum())


def compare_classes(model: Scores, baseline: Scores, *, seed: int = 0) -> ClassDifferences:
    """Compare the predictions of two models on the same clips.

    The intervals are percentiles of a paired bootstrap: a resample draws clips of the class, each
    with both predictions, so that only clips on which the two disagree move it.

    Args:
        model: scores of the model.
        baseline: scores of the other one.
        seed: of the resamples.

    Raises:
        ContractError: the two were not scored on the same clips, labels and classes.
    """
    rows = rows_in_order(model, baseline, "the baseline against the model")
    labels, num_classes = model.labels, len(model.classes)
    mine = predicted_classes(model.probabilities)
    theirs = predicted_classes(baseline.probabilities[rows])
    table = confusion_counts(labels, mine, num_classes)  # (K, K)
    baseline_table = confusion_counts(labels, theirs, num_classes)
    # Of each class the clips that both have right, only the model, only the baseline, and neither.
    outcome = 2 * (mine != labels) + (theirs != labels)  # (N,)
    outcomes = np.bincount(4 * labels + outcome, minlength=4 * num_classes).reshape(-1, 4)  # (K, 4)
    generator = np.random.default_rng(seed)
    names = model.classes.astype(str)
    head = {"label": np.arange(num_classes), "class": names, "clips": outcomes.sum(axis=1)}
    changed = _most_changed(table, baseline_table, names)
    differences = _differences(outcomes, generator)
    classes = pd.DataFrame({**head, **differences, "holm": holm(differences["p"]), **changed})
    overall = _differences(outcomes.sum(axis=0, keepdims=True), generator)
    return ClassDifferences(classes, {name: float(values[0]) for name, values in overall.items()})


def confusion_counts(labels: np.ndarray, predicted: np.ndarray, num_classes: int) -> np.ndarray:
    """Return (K, K): how many clips of each class (row) were given each class (column)."""
    pairs = np.bincount(labels * num_classes + predicted, minlength=num_classes**2)
    return pairs.reshape(num_classes, num_classes)


def _differences(outcomes: np.ndarray, generator: np.random.Generator) -> dict[str, np.ndarray]:
    """Return accuracies, difference and interval of each row of (K, 4) outcomes, in per cent; p.

    How often each outcome is drawn when n clips are drawn from n is a multinomial number: it is
    drawn itself, which is the same and needs no clips.
    """
    clips = outcomes.sum(axis=1)
    shares = outcomes / np.where(clips, clips, np.nan)[:, None]  # (K, 4)
    known = np.where(clips[:, None] > 0, shares, [0, 0, 0, 1])
    resampled = np.empty((RESAMPLES, len(clips)))  # (R, K)
    at_once = max(1, _DRAWN_AT_ONCE // len(clips))
    for first in range(0, RESAMPLES, at_once):
        part = resampled[first : first + at_once]
        drawn = generator.multinomial(clips, known, size=part.shape)  # (r, K, 4)
        np.divide(drawn[..., 1] - drawn[..., 2], np.maximum(clips, 1), out=part)
    low, high = np.percentile(resampled, _INTERVAL, axis=0)
    return {
        "accuracy": 100 * (shares[:, 0] + shares[:, 1]),
        "baseline": 100 * (shares[:, 0] + shares[:, 2]),
        "difference": 100 * (outcomes[:, 1] - outcomes[:, 2]) / np.where(clips, clips, np.nan),
        "low": np.where(clips, 100 * low, np.nan),
        "high": np.where(clips, 100 * high, np.nan),
        "p": np.where(clips, mcnemar(outcomes[:, 1], outcomes[:, 2]), np.nan),
    }


def _most_changed(
    table: np.ndarray, baseline_table: np.ndarray, names: np.ndarray
) -> dict[str, np.ndarray]:
    """Return, for each class, the other class whose number of its clips changed most."""
    classes = np.arange(len(names))
    change = np.abs(table - baseline_table)
    change[classes, classes] = 0
    other = change.argmax(axis=1)
    some = change[classes, other] > 0
    return {
        "confused_with": np.where(some, names[other], ""),
        "confused": np.where(some, table[classes, other], 0),
        "baseline_confused": np.where(some, baseline_table[classes, other], 0),
    }
