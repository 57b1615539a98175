"""Tables as csv: written as every file is, read also from other programs."""

import io
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

import pandas as pd

from protogcn.errors import ContractError
from protogcn.files.contracts import check_seal, reading, save_text

_DECIMAL_COMMA = r"^([+-]?[0-9]*),([0-9]+(?:[eE][+-]?[0-9]+)?)$"
_NAN = r"\s*[+-]?(?i:nan)\s*"
# In ASCII digits.
_NUMBER = r"\s*[+-]?((?i:nan|inf|infinity)|([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?)\s*"
_MOST_EXACT = 2**53  # of whole numbers in float64


def save_table(path: Path, table: pd.DataFrame, *, sealed: bool = False) -> None:
    """Write a csv file as ``save_text`` does; floats keep every digit they need."""
    buffer = io.StringIO()
    table.to_csv(buffer, index=False, lineterminator="\n")
    save_text(path, buffer.getvalue(), sealed=sealed)


def load_table(path: Path, columns: dict[str, str]) -> pd.DataFrame:
    """Read a csv file with at least ``columns`` (name: dtype); text stays as it is written.

    Other programs' tables are read too: semicolons or tabs in place of commas, then maybe with
    decimal commas, blanks around the names of columns, and theirs in another case.

    Raises:
        ContractError: the file is missing, damaged, lacks a column, or a cell is no number.
    """
    with reading(path, f"a csv with the columns {', '.join(columns)}"):
        check_seal(path)
        # Ids such as NA, null or 007 are text: pandas would turn them into NaN or 7.
        with path.open(encoding="utf-8-sig") as file:
            header = file.readline()
        separator = separator_of(header)
        table = pd.read_csv(
            path,
            sep=separator,
            dtype=str,
            keep_default_na=False,
            encoding="utf-8",
            skipinitialspace=f"{separator} " in header,
        )
        table.columns = [_as_wanted(name.strip(), columns) for name in table.columns]
        if missing := [name for name in columns if name not in table.columns]:
            found = ", ".join(map(ascii, table.columns[:6]))
            more = " ..." if len(table.columns) > 6 else ""
            raise ContractError(
                f"{path}: has no column {', '.join(missing)}, only {found[:200]}{more}."
            )
        if not isinstance(table.index, pd.RangeIndex):  # the first cells are taken for an index
            raise ContractError(f"{path}: its lines have more cells than its header has columns.")
        if separator != ",":
            others = [name for name in table.columns if columns.get(name) != "str"]
            table[others] = table[others].replace(_DECIMAL_COMMA, r"\1.\2", regex=True)
        numbers = {
            name: as_numbers(path, table[name], dtype)
            for name, dtype in columns.items()
            if dtype != "str"
        }
        return table.assign(**numbers)


def separator_of(header: str) -> str:
    """Return what stands between the names of a csv table: a comma, a semicolon or a tab."""
    return max(",;\t", key=header.count)


def as_numbers(path: Path, column: pd.Series, dtype: str) -> pd.Series:
    """Return a column of text as int64 or float64; 9.0, as pandas may write it, is a whole number.

    Args:
        path: the csv file, for messages.
        column: what ``load_table`` read from it.
        dtype: ``int64`` or ``float64``.

    Raises:
        ContractError: a cell is no such number; with its line and column.
    """
    # Python also reads 1_0 and digits of other scripts, which nobody means.
    odd = ~column.str.fullmatch(_NUMBER)
    if not odd.any():
        with suppress(ValueError, OverflowError):
            return column.astype(dtype)
    numbers = pd.to_numeric(column.where(~odd), errors="coerce").astype("float64")
    wrong = numbers.isna() & ~column.str.fullmatch(_NAN)
    if dtype == "int64":
        wrong = (numbers % 1 != 0) | (numbers.abs() > _MOST_EXACT)
    if wrong.any():
        row = int(wrong.to_numpy().argmax())
        lines = path.read_text(encoding="utf-8-sig").splitlines()
        line = [number for number, text in enumerate(lines, start=1) if text.strip()][row + 1]
        found, whole = str(column.iloc[row])[:40], "" if dtype == "float64" else "whole "
        raise ContractError(
            f"{path}: line {line}, column {column.name}: found {found!r}, expected a {whole}number."
        )
    return numbers.astype(dtype)


def _as_wanted(name: str, columns: Collection[str]) -> str:
    return name.lower() if name not in columns and name.lower() in columns else name
