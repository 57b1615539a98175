"""The cells of a table whose weights are learned -> their fused scores; each scheme learned once.

Shapes: N clips, K classes.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from protogcn.config.cells import Cell, Scheme
from protogcn.config.ensembles import GIVEN, LEARNED
from protogcn.files.scores import Scores, digest_of_scores
from protogcn.files.weights import LearnedWeights
from protogcn.scores.fusion import fuse
from protogcn.scores.learned_weights import learn_weights, with_temperatures
from protogcn.scores.members import load_scores_of


class Learning:
    """Weights of a table's cells.

    Args:
        files: by task, model and stream the score file of the side val.
    """

    def __init__(self, files: Mapping[tuple[str, str, str], Path]):
        self._files = files
        self._found: dict[tuple[str, str, str, Scheme], LearnedWeights] = {}

    def missing(self, cell: Cell, scheme: Scheme) -> list[tuple[str, str, str]]:
        """Return the runs without a score file that one of a cell's repeats is learned on."""
        return [run for run in cell.learning_runs_of(scheme) if run not in self._files]

    def fused(self, cell: Cell, scheme: Scheme, members: Mapping[str, Scores]) -> np.ndarray:
        """Return the fused scores (N, K) of one of a cell's repeats."""
        if cell.weights == GIVEN:
            return fuse(members, dict(scheme), cell.space)
        key = (cell.task, cell.weights, cell.space, scheme)
        if key not in self._found:
            self._found[key] = self._learn(cell, scheme, members)
        learned = self._found[key]
        return fuse(with_temperatures(members, learned.temperatures), learned.weights, cell.space)

    def _learn(self, cell: Cell, scheme: Scheme, members: Mapping[str, Scores]) -> LearnedWeights:
        if cell.weights != LEARNED:
            return learn_weights(members, cell.space, task=cell.task, side="test", digests={})
        names = [name for name, _ in scheme]
        runs = dict(zip(names, cell.learning_runs_of(scheme), strict=True))
        return learn_weights(
            {name: load_scores_of(self._files[run], *run) for name, run in runs.items()},
            cell.space,
            task=cell.learned_on,
            side="val",
            digests={name: digest_of_scores(self._files[run]) for name, run in runs.items()},
        )
