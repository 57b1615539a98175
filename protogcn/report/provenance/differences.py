"""A file and the same one made again -> what differs, by name: cells of a csv, lines of a text."""

import csv
import io
import math
import re
from pathlib import Path
from typing import NamedTuple

from protogcn.files.contracts import reading

_TABLE, _PICTURES = ".csv", (".png", ".pdf", ".svg", ".gif")
_TOLERANCE = 1e-6  # of numbers with all their digits: sums differ by less between machines
_NUMBER = re.compile(r"\d+(?:\.\d+)?(?:e[+-]?\d+)?")


class Compared(NamedTuple):
    """What a comparison found.

    Attributes:
        numbers: how many were compared.
        faults: a sentence for each number or line that is not what it should be.
        remarks: sentences on what differs and is no number.
    """

    numbers: int
    faults: list[str]
    remarks: list[str]


def compare_files(path: Path, again: Path, *, same_code: bool) -> Compared:
    """Compare a table, text or picture with the one made again.

    Args:
        path: the file.
        again: the one made again.
        same_code: whether the same code made both, which writes the same bytes; of other code only
            the numbers have to be the same.

    Raises:
        ContractError: one of them cannot be read.
    """
    with reading(path, "what its manifest says that it is"):
        first, second = path.read_bytes(), again.read_bytes()
        if path.suffix == _TABLE:
            return _compare_tables(path, first.decode(), second.decode())
        if first == second:
            return Compared(_count(path, first), [], [])
        if path.suffix not in _PICTURES:
            return _compare_texts(path, first.decode(), second.decode(), same_code=same_code)
    sentence = f"{path}: is another picture when it is drawn again"
    return Compared(0, [sentence], []) if same_code else Compared(0, [], [sentence])


def same_number(first: str, second: str) -> bool:
    """Return whether two cells say the same; numbers of many digits may differ in the last ones."""
    try:
        is_close = "." in first and "." in second  # counts have no last digits
        return first == second or (
            is_close and math.isclose(float(first), float(second), rel_tol=_TOLERANCE)
        )
    except ValueError:
        return False


def is_number(text: str) -> bool:
    """Return whether a cell is a number."""
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def name_of_row(row: dict[str, str]) -> str:
    """Return what a row of a table is called: its first cells up to the first number."""
    words = []
    for text in row.values():
        if is_number(text):
            break
        words += [text] if text else []
    return " ".join(words[:4]) or next(iter(row.values()), "")


def read_rows(text: str) -> list[dict[str, str]]:
    """Return the rows of a csv by column, all of them text."""
    return list(csv.DictReader(io.StringIO(text), strict=True, restkey="...", restval=""))


def _count(path: Path, content: bytes) -> int:
    """Return how many numbers a json has; those of other texts are a table's, in another form."""
    return len(re.findall(rb"[\[:,]\s*-?\d", content)) if path.suffix == ".json" else 0


def _compare_tables(path: Path, first: str, second: str) -> Compared:
    rows, others = read_rows(first), read_rows(second)
    faults, remarks = [], []
    if len(rows) != len(others):
        faults.append(f"{path}: has {len(rows)} rows, made again it has {len(others)}")
    columns, again = ([*some[0]] if some else [] for some in (rows, others))
    if lost := [name for name in columns if name not in again]:
        faults.append(f"{path}: has the columns {', '.join(lost)}, made again it has none of them")
    if more := [name for name in again if name not in columns]:
        remarks.append(f"{path}: lacks the columns {', '.join(more)}, which this version writes")
    common = [name for name in columns if name in again]
    count = 0
    for line, (row, other) in enumerate(zip(rows, others, strict=False), start=2):
        count += sum(is_number(row[name]) for name in common)
        faults += [
            f"{path}, line {line} ({name_of_row(row)}), {name}: found {row[name] or 'nothing'},"
            f" the scores give {other[name] or 'nothing'}"
            for name in common
            if not same_number(row[name], other[name])
        ]
    return Compared(count, faults, remarks)


def _compare_texts(path: Path, first: str, second: str, *, same_code: bool) -> Compared:
    numbers, others = (_NUMBER.findall(text) for text in (first, second))
    if _NUMBER.sub("", first) == _NUMBER.sub("", second) and all(map(same_number, numbers, others)):
        return Compared(_count(path, first.encode()), [], [])
    again = iter(others)
    if not same_code and numbers and all(number in again for number in numbers):
        return Compared(0, [], [f"{path}: this version writes other words, with the same numbers"])
    lines, others = first.splitlines(), second.splitlines()
    pairs = enumerate(zip(lines, others, strict=False), start=1)
    different = [(number, one, other) for number, (one, other) in pairs if one != other]
    if not different:
        return Compared(0, [f"{path}: has {len(lines)} lines, made again {len(others)}"], [])
    number, one, other = different[0]
    return Compared(
        0,
        [f"{path}, line {number}: found {_around(one, other)}, expected {_around(other, one)}"],
        [],
    )


def _around(line: str, other: str, shown: int = 30) -> str:
    """Return the part of a line where it begins to differ from another."""
    pairs = zip(line, other, strict=False)
    place = next((at for at, (a, b) in enumerate(pairs) if a != b), min(len(line), len(other)))
    start = max(0, place - shown // 2)
    return repr(line[start : start + shown])
