"""What a comparison table wants: its cells, and for each the runs that it is measured from."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from protogcn.config.ensembles import GIVEN, LEARNED
from protogcn.config.members import split_member

_OF_LEARNED = ("weights", "learned_on")  # of other cells these are not in a table's file
Scheme = tuple[tuple[str, float], ...]  # weight of each member


@dataclass(frozen=True)
class Cell:
    """One number that a table wants from our runs.

    Attributes:
        method: label of its method.
        stream: label of its stream or ensemble.
        task: dataset and split.
        metric: top1, top5 or mean_class.
        model: whose runs are measured, where a member names no other.
        repeats: what is measured, and averaged if there are several; empty if nothing is.
        space: what is summed when streams are fused.
        notes: codes of what a reader has to know about it.
        weights: where those of its members are from; if not given, the numbers of ``repeats`` are
            1, and others are learned when it is measured.
        learned_on: the task of the networks and clips that they are learned on.
    """

    method: str
    stream: str
    task: str
    metric: str
    model: str
    repeats: tuple[Scheme, ...]
    space: str
    notes: tuple[str, ...]
    weights: str = GIVEN
    learned_on: str = ""

    @property
    def runs(self) -> list[tuple[str, str, str]]:
        """Task, model and stream of every run it needs."""
        return [run for scheme in self.repeats for run in self.runs_of(scheme)]

    def learning_runs_of(self, scheme: Scheme) -> list[tuple[str, str, str]]:
        """Return the runs that its weights are learned on clips of the side val of; maybe none."""
        if self.weights != LEARNED:
            return []
        return [(self.learned_on, model, stream) for _, model, stream in self.runs_of(scheme)]

    def runs_of(self, scheme: Scheme) -> list[tuple[str, str, str]]:
        """Task, model and stream of every run that one of its repeats needs."""
        return [(self.task, *split_member(name, self.model)) for name, _ in scheme]


@dataclass(frozen=True)
class Table:
    """One comparison table.

    Attributes:
        name: its file name.
        title: its caption.
        rows: what a row is: ``streams`` (the columns are tasks and metrics) or ``methods`` (the
            columns are tasks and streams).
        paper: the published table that it is compared with, table4 or table5, or nothing.
        decimals: of the percentages in Markdown and LaTeX.
        same_recipe: whether all methods have to be trained with the same settings.
        tasks: in the order of the columns.
        cells: what is measured.
    """

    name: str
    title: str
    rows: str
    paper: str
    decimals: int
    same_recipe: bool
    tasks: tuple[str, ...]
    cells: tuple[Cell, ...]

    @property
    def runs(self) -> list[tuple[str, str, str]]:
        """Task, model and stream of every run it needs, each once."""
        return list(dict.fromkeys(run for cell in self.cells for run in cell.runs))

    @property
    def learning_runs(self) -> list[tuple[str, str, str]]:
        """The runs whose val clips it learns weights on, each once."""
        keys = (
            key
            for cell in self.cells
            for scheme in cell.repeats
            for key in cell.learning_runs_of(scheme)
        )
        return list(dict.fromkeys(keys))

    def to_mapping(self) -> dict[str, Any]:
        """Return what ``table_from_mapping`` builds this table from."""
        cells = [
            {
                **{key: value for key, value in vars(cell).items() if key not in _OF_LEARNED},
                **{key: getattr(cell, key) for key in _OF_LEARNED if cell.weights != GIVEN},
                "repeats": [dict(scheme) for scheme in cell.repeats],
            }
            for cell in self.cells
        ]
        return {**vars(self), "tasks": list(self.tasks), "cells": cells}


def table_from_mapping(entry: Mapping[str, Any]) -> Table:
    """Build a table from its resolved form."""
    cells = [
        Cell(
            **{
                **cell,
                "repeats": tuple(tuple(scheme.items()) for scheme in cell["repeats"]),
                "notes": tuple(cell["notes"]),
            }
        )
        for cell in entry["cells"]
    ]
    return Table(**{**entry, "tasks": tuple(entry["tasks"]), "cells": tuple(cells)})
