"""Our numbers beside the paper's: one row for each cell, as it goes into a csv file."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from statistics import fmean, stdev

import pandas as pd

from protogcn.config.cells import Cell, Table
from protogcn.config.facts import published_numbers
from protogcn.report.tables.measure import Measured
from protogcn.report.tables.notes import NOT_COMPARABLE, UNFAIR, chosen_on_by
from protogcn.report.tables.pairs import INTERVALS, Rival, interval_columns, within_noise

COLUMNS = (
    "method", "stream", "task", "metric", "clips", "repeats", "ours", "spread", *INTERVALS,
    "chosen_on", "notes",
    "paper", "paper_notes", "difference",
)  # fmt: skip

_Key = tuple[str, str, str, str]  # method, stream, task, metric


def beside_paper(table: Table, measured: Mapping[Cell, Measured]) -> pd.DataFrame:
    """Return every cell of a table, ours beside the paper's.

    Numbers are percentages as text, ours with the table's decimals. ``ours`` is the mean over the
    repeats, ``spread`` their sample standard deviation (from two repeats on), ``low`` and ``high``
    the ends of its 95 % interval for other clips, ``subject_low`` and ``subject_high`` for other
    subjects, ``chosen_on`` the side whose labels chose epoch or weights (none, val, test or
    unknown), ``difference`` is the printed ``ours`` minus the paper's; it is empty where the
    paper's number cannot be read or is of another or an unknown accuracy. Notes are codes,
    separated by blanks.
    """
    published = _published(table)
    ours = {_key(cell): found for cell, found in measured.items()}
    keys = _in_order(table, ours, published)
    noise = _noise(table, measured)
    return pd.DataFrame(
        [_row(key, ours.get(key), noise.get(key, ()), published, table.decimals) for key in keys],
        columns=COLUMNS,
        dtype=str,
    )


def rivals_of(measured: Mapping[Cell, Measured]) -> dict[Cell, Rival]:
    """Return every number of a table that can be compared with others."""
    methods = {cell.method for cell in measured}
    return {
        cell: Rival(
            f"{cell.method} {cell.stream}" if len(methods) > 1 else cell.stream,
            cell.task,
            cell.metric,
            found.values,
            found.credits,
            not set(found.notes) & set(UNFAIR),
        )
        for cell, found in measured.items()
        if found.credits is not None
    }


def _noise(table: Table, measured: Mapping[Cell, Measured]) -> dict[_Key, tuple[str, ...]]:
    """Return which numbers are within the noise of the best of their column."""
    columns: dict[tuple[str, ...], list[tuple[_Key, Rival]]] = {}
    for cell, rival in rivals_of(measured).items():
        stream = "" if table.rows == "streams" else cell.stream
        columns.setdefault((cell.task, stream, cell.metric), []).append((_key(cell), rival))
    return {
        column[place][0]: codes
        for column in columns.values()
        for place, codes in within_noise([rival for _, rival in column]).items()
    }


def _key(cell: Cell) -> _Key:
    return cell.method, cell.stream, cell.task, cell.metric


def _published(table: Table) -> dict[_Key, Mapping[str, str]]:
    rows = published_numbers(table.paper) if table.paper else ()
    return {(row["method"], row["stream"], row["task"], row["metric"]): row for row in rows}


def _in_order(table: Table, ours: Iterable[_Key], published: Iterable[_Key]) -> list[_Key]:
    """Return what is measured; in a table of methods also the published ones, in their order."""
    ours = dict.fromkeys(ours)
    if table.rows == "streams":
        return list(ours)
    streams = dict.fromkeys(key[1] for key in ours)
    also = [key for key in published if key[1] in streams and key[2] in table.tasks]
    keys = dict.fromkeys([*also, *ours])
    methods = list(dict.fromkeys(key[0] for key in keys))
    # The cells of a method follow each other: the published ones, then those that only we have.
    return sorted(keys, key=lambda key: methods.index(key[0]))


def _row(
    key: _Key,
    ours: Measured | None,
    noise: tuple[str, ...],
    published: Mapping[_Key, Mapping[str, str]],
    decimals: int,
) -> dict[str, str]:
    row = dict.fromkeys(COLUMNS, "") | dict(zip(COLUMNS[:4], key, strict=True))
    if ours is not None:
        row["notes"] = " ".join((*ours.notes, *noise))
    if ours is not None and ours.values:
        row |= {
            "clips": str(ours.clips),
            "repeats": str(len(ours.values)),
            "ours": f"{fmean(ours.values):.{decimals}f}",
            "spread": f"{stdev(ours.values):.{decimals}f}" if len(ours.values) > 1 else "",
            **interval_columns(ours.credits, decimals=decimals),
            "chosen_on": chosen_on_by(ours.notes),
        }
    paper, notes = published.get(key), []
    if paper is None and (paper := published.get((*key[:3], "unspecified"))) is not None:
        notes = ["metric_unknown"]
    if paper is None:
        return row
    notes += [code for code in paper["status"].split() if code != "ok"]
    row["paper"] = paper["value"]
    if row["ours"] and row["paper"] and not set(notes) & set(NOT_COMPARABLE):
        difference = Decimal(row["ours"]) - Decimal(row["paper"])
        row["difference"] = f"{difference:+}" if difference else f"{abs(difference)}"
        if row["low"] and float(row["low"]) <= float(row["paper"]) <= float(row["high"]):
            notes.append("within_interval")
    row["paper_notes"] = " ".join(notes)
    return row
