"""A csv table that people write about clips -> its lines, and the side of a split in a field."""

import csv
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from protogcn.data.readers.malformed import show
from protogcn.data.readers.values import Origin
from protogcn.errors import ConfigError, ContractError, some_of
from protogcn.files.clip_table import SIDES
from protogcn.files.first_look import glance_at


def read_table_of_clips(
    path: Path, columns: Sequence[str], *, optional: Sequence[str] = (), hint: str = ""
) -> list[tuple[int, dict[str | None, str]]]:
    """Return number and fields of every line that is not empty; fields without a column at None.

    Between fields are commas, semicolons or tabs. Blanks around them, and small or capital letters
    in the names of columns, make no difference.

    Args:
        path: a csv table with a header.
        columns: what it must have beside ``clip``.
        optional: further columns that have a meaning.
        hint: what else may be meant where there is no such file.

    Raises:
        ConfigError: no such file, or a column is missing or twice there.
        ContractError: it has no line.
    """
    wanted = ["clip", *columns]
    try:
        glance_at(path, f"a table of clips with the columns {', '.join(wanted)}")
        with path.open(newline="", encoding="utf-8-sig") as file:
            header = file.readline()
            file.seek(0)
            separator = next((sign for sign in ";\t" if sign in header), ",")
            reader = csv.DictReader(file, restval="", delimiter=separator)
            known = [*wanted, *optional]
            found = [_known(name.strip(), known) for name in reader.fieldnames or []]
            reader.fieldnames = found
            lines = [(reader.line_num, _stripped(fields)) for fields in reader]
            lines = [(number, fields) for number, fields in lines if any(fields.values())]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        problem = getattr(error, "strerror", None) or "no UTF-8 text"
        raise ConfigError(
            f"{path}: {problem}, expected a table of clips with the columns {', '.join(wanted)}"
            f"{hint}."
        ) from error
    if missing := [name for name in wanted if name not in found]:
        has = some_of([show(name) for name in found[:20]], 19)
        raise ConfigError(
            f"{path}: has no column {', '.join(missing)}, only {has}; expected {', '.join(wanted)}."
        )
    counts = Counter(filter(None, found))
    if twice := next((name for name, count in counts.items() if count > 1), None):
        raise ConfigError(f"{path}: has the column {show(twice)} twice, expected it once.")
    if not lines:
        raise ContractError(f"{path}: lists no clip, expected one in each line.")
    return lines


def side_of(text: str, origin: Origin, split: str) -> str:
    """Return the side that a field names: train, val, test, or - (in neither).

    Raises:
        MalformedError: it is none.
    """
    side = text.strip().lower() or "-"
    if side not in SIDES:
        raise origin.fault(split, show(side), "train, val, test or -")
    return side


def _known(name: str, known: Sequence[str]) -> str:
    """Return the name that is meant, whatever its letters' case."""
    alike = [other for other in known if other.lower() == name.lower()]
    return alike[0] if len(alike) == 1 else name


def _stripped(fields: Mapping[str | None, str | list[str]]) -> dict[str | None, str]:
    return {
        name: field.strip() if isinstance(field, str) else field for name, field in fields.items()
    }
