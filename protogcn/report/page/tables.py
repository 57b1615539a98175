"""A csv of results -> what the page shows of it: its texts, each column with its kind."""

import csv
import io
import re
from dataclasses import dataclass
from pathlib import Path

from protogcn.errors import ContractError
from protogcn.files.contracts import check_seal, reading
from protogcn.files.spreadsheet import shown as shown_text

# 91.2, 91.2 ± 0.3 and +0.4 * count as numbers; the first one is what their column is sorted by.
_NUMBER = re.compile(r"\s*([+\u2212-]?\d+(?:\.\d+)?)(?![\w.-])")
_LEFT_OUT = ("top5_", "mean_class_")  # intervals of an ensemble beside those of top1: in the csv
_NO_VALUE = ("", "-", "\u2013")


@dataclass(frozen=True)
class ShownCell:
    """One cell: what it shows and, if it is a number, what it is sorted by."""

    text: str
    order: float | None


@dataclass(frozen=True)
class ShownTable:
    """One csv.

    Attributes:
        name: its file name without the ending.
        text: the file as it is, for the download.
        columns: the names of those that have a value in some row, but for some intervals.
        numeric: for each column whether it holds numbers.
        rows: the cells.
    """

    name: str
    text: str
    columns: tuple[str, ...]
    numeric: tuple[bool, ...]
    rows: tuple[tuple[ShownCell, ...], ...]


def read_shown_table(path: Path) -> ShownTable:
    """Read a csv with a header.

    Raises:
        ContractError: missing, empty, or a row has more or fewer cells than the header.
    """
    with reading(path, "a csv table"):
        check_seal(path)
        text = path.read_text("utf-8")
        lines = [line for line in csv.reader(io.StringIO(text), strict=True) if line]
    if not lines:
        raise ContractError(f"{path}: is empty, expected a csv table.")
    header, *rows = lines
    for number, row in enumerate(rows, start=2):
        if len(row) != len(header):
            raise ContractError(
                f"{path}, row {number}: found {len(row)} cells, expected {len(header)}."
            )
    shown = [
        i
        for i, name in enumerate(header)
        if (not rows or any(row[i].strip() for row in rows)) and not name.startswith(_LEFT_OUT)
    ]
    header, rows = [header[i] for i in shown], [[row[i] for i in shown] for row in rows]
    numeric = tuple(_is_numeric([row[i] for row in rows]) for i in range(len(header)))
    cells = tuple(
        tuple(
            ShownCell(shown_text(text), _leading_number(text) if is_number else None)
            for text, is_number in zip(row, numeric, strict=True)
        )
        for row in rows
    )
    return ShownTable(path.stem, text, tuple(header), numeric, cells)


def _is_numeric(texts: list[str]) -> bool:
    values = [text for text in texts if text.strip() not in _NO_VALUE]
    return bool(values) and all(_NUMBER.match(text) for text in values)


def _leading_number(text: str) -> float | None:
    match = _NUMBER.match(text)
    return float(match.group(1).replace("\u2212", "-")) if match else None
