"""What a comparison table wants: its cells, and for each the runs that it is measured from."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Scheme = tuple[tuple[str, float], ...]  # weight of each stream


@dataclass(frozen=True)
class Cell:
    """One number that a table wants from our runs.

    Attributes:
        method: label of its method.
        stream: label of its stream or ensemble.
        task: dataset and split.
        metric: top1, top5 or mean_class.
        model: whose runs are measured.
        repeats: what is measured, and averaged if there are several; empty if there is nothing.
        space: what is summed when streams are fused.
        notes: codes of what a reader has to know about it.
    """

    method: str
    stream: str
    task: str
    metric: str
    model: str
    repeats: tuple[Scheme, ...]
    space: str
    notes: tuple[str, ...]

    @property
    def runs(self) -> list[tuple[str, str, str]]:
        """Task, model and stream of every run it needs."""
        return [(self.task, self.model, stream) for scheme in self.repeats for stream, _ in scheme]


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

    def to_mapping(self) -> dict[str, Any]:
        """Return what ``table_from_mapping`` builds this table from."""
        cells = [
            {**vars(cell), "repeats": [dict(scheme) for scheme in cell.repeats]}
            for cell in self.cells
        ]
        return {**vars(self), "tasks": list(self.tasks), "cells": cells}


def settings_digest(run: Mapping[str, Any]) -> str:
    """Return the SHA-256 of what shapes a run's scores, given its resolved form.

    How fast it is computed is left out.
    """
    text = json.dumps({k: v for k, v in run.items() if k != "engine"}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


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
