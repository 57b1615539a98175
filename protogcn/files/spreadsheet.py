"""The csv tables that people open: a program that computes finds no formula in a name.

A name that begins as a formula does gets a ``'`` before it, which spreadsheets do not show;
``shown`` takes it away again. Tables of the data, such as ``clips.csv``, have names as they are.
"""

import re
from pathlib import Path

import pandas as pd

from protogcn.files.csv_table import save_table

_NUMBER = re.compile(r"[+-]?[0-9.]+(?:e[+-]?[0-9]+)?|-")
# Also behind a semicolon, which separates cells where commas are decimal.
_FORMULA = re.compile(r"((?:^|;)\s*)('*[=+\-@\t\r\uff0b\uff0d\uff1d\uff20])")
_NEUTRAL = re.compile(r"((?:^|;)\s*)'('*[=+\-@\t\r\uff0b\uff0d\uff1d\uff20])")


def save_result_table(path: Path, table: pd.DataFrame) -> None:
    """Write a sealed csv as ``save_table`` does, its names neutral."""
    names = table.select_dtypes(exclude=["number", "bool"])
    changed = {
        column: cells
        for column in names
        if not (cells := names[column].map(_as_cell)).equals(names[column])
    }
    save_table(path, table.assign(**changed), sealed=True)


def neutral(text: str) -> str:
    """Return a text as such a table has it; numbers stay as they are."""
    return text if _NUMBER.fullmatch(text) else _FORMULA.sub(r"\1'\2", text)


def shown(cell: str) -> str:
    """Return the text that a cell of such a table stands for."""
    return _NEUTRAL.sub(r"\1\2", cell)


def _as_cell(value: object) -> object:
    return neutral(value) if isinstance(value, str) else value
