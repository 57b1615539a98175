"""``history.csv``: a row for each epoch of a training, and what it was measured on besides.

An epoch that is measured on a side of the split has the column ``{side}_accuracy``, per cent;
``select_accuracy`` is that of ``select: best``. Other epochs have an empty cell there. ``seconds``
is the time of an epoch, which older histories do not have.
"""

import math
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from protogcn.files.csv_table import as_numbers, load_table

_COLUMNS = {
    "epoch": "int64",
    "learning_rate": "float64",
    "loss": "float64",
    "accuracy": "float64",
}
_MEASURED = "_accuracy"
_SECONDS = "seconds"


def column_of(side: str) -> str:
    """Return the column of the accuracy on a side of the split."""
    return side + _MEASURED


def sides_measured(columns: Iterable[str]) -> list[str]:
    """Return the sides (train, val, test, or ``select``) whose accuracies a history has."""
    return [name.removesuffix(_MEASURED) for name in columns if name.endswith(_MEASURED)]


def load_history(path: Path) -> pd.DataFrame:
    """Read a history; epochs that were not measured on a side have NaN there.

    Raises:
        ContractError: the file is missing, damaged, or a cell is no number.
    """
    table = load_table(path, _COLUMNS)
    maybe_empty = [column_of(side) for side in sides_measured(table)]
    for column in (*maybe_empty, *({_SECONDS} & {*table})):
        cells = table[column]
        numbers = as_numbers(path, cells.where(cells != "", "0"), "float64")
        table[column] = numbers.where(cells != "")
    return table


def training_seconds(history: pd.DataFrame) -> float:
    """Return how long all epochs took; no number where that of some epoch is not known."""
    return float(history[_SECONDS].sum(skipna=False)) if _SECONDS in history else math.nan
