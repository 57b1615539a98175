"""Score files -> what the page needs to compare any two runs of a task class by class.

Shapes: N clips, K classes.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from protogcn.errors import ConfigError, ContractError
from protogcn.files.scores import Scores
from protogcn.scores.fusion import predicted_classes


@dataclass(frozen=True)
class Task:
    """The runs of one task, all scored on the same clips.

    Attributes:
        classes: their names.
        clips: digest of the clips and their labels.
        first: the score file whose clips these are.
        runs: for each run (model and stream) its counts, as ``listed_confusions`` gives them.
    """

    classes: tuple[str, ...]
    clips: str
    first: Path
    runs: dict[str, list[list[int]]] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return what the page's script reads."""
        return {"classes": list(self.classes), "runs": self.runs}


def listed_confusions(scores: Scores) -> list[list[int]]:
    """Return for each class the classes its clips were taken for and how often: [c, n, c, n, ...].

    A clip is taken for the class with the highest mean probability, of equal ones for the last,
    as in the tables. Only what occurs is listed: 120 classes fit in some 30 kB.
    """
    num_classes = len(scores.classes)
    pairs = num_classes * scores.labels + predicted_classes(scores.probabilities)  # (N,)
    listed: list[list[int]] = [[] for _ in range(num_classes)]
    for pair, count in zip(
        *map(np.ndarray.tolist, np.unique(pairs, return_counts=True)), strict=True
    ):
        label, predicted = divmod(pair, num_classes)
        listed[label] += [predicted, count]
    return listed


def add_run(tasks: dict[str, Task], path: Path, scores: Scores) -> str:
    """Add one score file to the tasks; return the run's name, task/model/stream.

    Raises:
        ConfigError: the run has been added already.
        ContractError: its clips, labels or classes are not those of the task's other runs.
    """
    dataset, split, model, stream = scores.run
    task, run = f"{dataset}_{split}", f"{model}/{stream}"
    classes = tuple(map(str, scores.classes))
    entry = tasks.setdefault(task, Task(classes, scores.clips_digest, path))
    if run in entry.runs:
        raise ConfigError(
            f"{path}: run {task}/{run} is given twice, expected one score file of it."
        )
    if classes != entry.classes or scores.clips_digest != entry.clips:
        what = "clips or labels" if classes == entry.classes else "classes"
        raise ContractError(f"{path}: scored on other {what} than {entry.first}; score both again.")
    entry.runs[run] = listed_confusions(scores)
    return f"{task}/{run}"
