"""The table of docs/reliability.md: a row for each family, replaced when the family is run again."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

HEAD = [
    "| family | fault | tries | what happened | seconds | commit |",
    "|---|---|--:|---|--:|---|",
]


@dataclass(frozen=True)
class Row:
    """What one test of a family tried.

    Attributes:
        family: F1 to F25, as the test's file says it, ``F01``.
        fault: the first line of the file.
        outcomes: how often what happened.
        seconds: it took.
    """

    family: str
    fault: str
    outcomes: dict[str, int]
    seconds: float


def as_lines(rows: Iterable[Row], *, commit: str) -> list[str]:
    """Return the table's lines, without its head, in the order of the families."""
    families: dict[str, list[Row]] = {}
    for row in sorted(rows, key=lambda row: row.family):
        families.setdefault(row.family, []).append(row)
    return [_line(family, found, commit) for family, found in families.items()]


def _line(family: str, rows: list[Row], commit: str) -> str:
    outcomes = sum((Counter(row.outcomes) for row in rows), Counter())
    told = ", ".join(f"{times:,} {outcome}" for outcome, times in outcomes.most_common())
    seconds = sum(row.seconds for row in rows)
    cells = [family, rows[0].fault, f"{outcomes.total():,}", told, f"{seconds:,.0f}", commit]
    return f"| {' | '.join(cells)} |"


def publish(page: Path, rows: Iterable[Row], *, commit: str) -> None:
    """Put the rows into the page's table in place of what it has of these families."""
    lines = page.read_text().splitlines()
    first = lines.index(HEAD[0]) + len(HEAD)
    end = next((i for i in range(first, len(lines)) if not lines[i].startswith("|")), len(lines))
    table = {line.split("|")[1].strip(): line for line in lines[first:end]}
    table |= {line.split("|")[1].strip(): line for line in as_lines(rows, commit=commit)}
    lines[first:end] = [table[family] for family in sorted(table)]
    page.write_text("\n".join(lines) + "\n")
