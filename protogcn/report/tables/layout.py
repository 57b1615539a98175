"""The csv of one of our tables -> the sheet that is read."""

from collections.abc import Collection, Iterable, Mapping

import pandas as pd

from protogcn.config.cells import Table
from protogcn.config.facts import published_numbers
from protogcn.report.tables.beside_paper import COLUMNS
from protogcn.report.tables.notes import BEST_CHOSEN_ON, LEGENDS, SYMBOLS, UNFAIR
from protogcn.report.tables.sheet import Column, Entry, Line, Sheet

TASKS = {
    "ntu60_xsub": ("NTU-60", "X-Sub"),
    "ntu60_xview": ("NTU-60", "X-View"),
    "ntu120_xsub": ("NTU-120", "X-Sub"),
    "ntu120_xset": ("NTU-120", "X-Set"),
    "kinetics_val": ("Kinetics", ""),
    "finegym_val": ("FineGYM", ""),
    "utd_mhad_xsub": ("UTD-MHAD", "X-Sub"),
}
_OVER_CLIPS = "95 % over test clips; over subjects, where these are known, in the csv"
METRICS = {"top1": "top-1", "top5": "top-5", "mean_class": "mean class"}

_Cell = Mapping[str, str]  # a row of what ``beside_paper`` returns
_Key = tuple[str, ...]  # what distinguishes a column from the others
_NOTHING: _Cell = dict.fromkeys(COLUMNS, "")


def comparison_sheet(table: Table, cells: pd.DataFrame, recipe: Mapping[str, object]) -> Sheet:
    """Lay out a comparison: a row's lines are ours, its interval, the paper's, the difference.

    Args:
        table: its entry in the config, resolved.
        cells: as ``beside_paper`` returns them.
        recipe: settings that all its runs share, printed below a table of one recipe.
    """
    records = cells.to_dict("records")
    columns = _columns(table, records)
    rows: dict[str, dict[_Key, _Cell]] = {}
    for record in records:
        row = record["stream"] if table.rows == "streams" else record["method"]
        rows.setdefault(row, {})[_key(table, record)] = record
    published = published_numbers(table.paper) if table.paper and table.rows == "methods" else ()
    places = {row["method"]: row["publication"] for row in published}
    # Where methods are compared, the paper's number competes for a method that has none of ours.
    # Where streams are, it does only in a column that has none of ours.
    ours = {_key(table, r) for r in records if r["ours"]} if table.rows == "streams" else set()
    blocks = [_block(row, places.get(row, ""), found, columns, ours) for row, found in rows.items()]
    sheet = Sheet(
        name=table.name,
        title=" ".join(table.title.split()),
        heads=["Stream" if table.rows == "streams" else "Method", "", ""],
        columns=list(columns.values()),
        blocks=[block for block in blocks if block],
        remarks=list(_remarks(table, records, recipe)),
    )
    sheet.emphasise()
    sheet.leave_out_repetition()
    return sheet


def task_title(task: str) -> str:
    """Return what papers call a task."""
    return " ".join(TASKS.get(task, (task,))).rstrip()


def prefix_of(metric: str) -> str:
    """Return what an ensemble's table has before ``low``, ``high`` and ``notes`` of an accuracy."""
    return "" if metric == "top1" else f"{metric}_"


def ensemble_sheet(
    task: str,
    ensemble: str,
    source: str,
    table: pd.DataFrame,
    *,
    num_copies: int = 0,
    of_weights: tuple[str, ...] = (),
) -> Sheet:
    """Lay out the table of one ensemble, whose last row is the fusion.

    Args:
        task: whose clips were scored.
        ensemble: its name.
        source: where its weights are from, or nothing.
        table: as ``ensemble_table`` returns it.
        num_copies: how many of the test clips have the positions of training clips.
        of_weights: codes of how its weights were chosen.
    """
    remarks = [f"Weights: {source}."] if source else []
    if num_copies:
        remarks.append(f"Copies across the split: {num_copies} test clips are training clips too.")
    metrics = [metric for metric in METRICS if (table[metric] != "").any()]
    lines = []
    for row in table.to_dict("records"):
        marks = () if row["select"] == "last" else (f"selected_{row['select']}",)
        if row["select"] == "best":
            marks = (BEST_CHOSEN_ON.get(row["chosen_on"], "selected_best"),)
        marks += of_weights if row["stream"] == "fused" else ()
        entries = [_of_ensemble(row, metric, marks) for metric in metrics]
        lines.append(Line([row["stream"], row["weight"], row["clips"]], entries))
    sheet = Sheet(
        name=f"{task}_{ensemble}",
        title=f"{task_title(task)}: {ensemble}, accuracy in %",
        heads=["Stream", "weight", "clips"],
        columns=[Column("", METRICS[metric]) for metric in metrics],
        blocks=[lines[:-1], lines[-1:]],
        remarks=[*remarks, f"In brackets: {_OVER_CLIPS}."],
    )
    sheet.emphasise()
    return sheet


def _of_ensemble(row: Mapping[str, str], metric: str, marks: tuple[str, ...]) -> Entry:
    """Return an accuracy with its interval; ``marks`` are those of all accuracies of the row."""
    prefix = prefix_of(metric)
    ends = f" [{row[f'{prefix}low']}, {row[f'{prefix}high']}]"
    noise = tuple(row[f"{prefix}notes"].split())
    return Entry(row[metric] + ends, marks + noise, _fair(row[metric], marks))


def _key(table: Table, record: _Cell) -> _Key:
    stream = () if table.rows == "streams" else (record["stream"],)
    return (record["task"], *stream, record["metric"])


def _columns(table: Table, records: Iterable[_Cell]) -> dict[_Key, Column]:
    """Return the columns by key, tasks in the table's order."""
    in_order = sorted(records, key=lambda record: table.tasks.index(record["task"]))
    metrics: dict[str, set[str]] = {}
    for record in in_order:
        metrics.setdefault(record["task"], set()).add(record["metric"])
    columns = {}
    for record in in_order:
        task, metric = record["task"], METRICS[record["metric"]]
        if table.rows == "streams":
            group, head = TASKS.get(task, (task, ""))
        else:
            group, head = task_title(task), record["stream"]
        if not head or metrics[task] != {"top1"}:
            head = f"{head} {metric}".lstrip()
        columns.setdefault(_key(table, record), Column(group, head))
    return columns


def _block(
    row: str,
    place: str,
    found: Mapping[_Key, _Cell],
    columns: Iterable[_Key],
    ours: Collection[_Key],
) -> list[Line]:
    """Return the lines of a row that have an entry."""
    cells = {key: found.get(key, _NOTHING) for key in columns}
    lines = {
        "ours": [_ours(cell) for cell in cells.values()],
        "interval": [Entry(_interval(cell["low"], cell["high"])) for cell in cells.values()],
        "paper": [_paper(cell, alone=key not in ours) for key, cell in cells.items()],
        "difference": [Entry(cell["difference"]) for cell in cells.values()],
    }
    return [
        Line([row, place, kind], entries)
        for kind, entries in lines.items()
        if any(entry.text for entry in entries)
    ]


def _ours(cell: _Cell) -> Entry:
    notes = tuple(cell["notes"].split())
    if not cell["ours"]:
        return Entry(_symbol(notes))
    spread = f" ± {cell['spread']}" if cell["spread"] else ""
    return Entry(cell["ours"] + spread, notes, _fair(cell["ours"], notes))


def _interval(low: str, high: str) -> str:
    return f"{low} to {high}" if low else ""


def _paper(cell: _Cell, *, alone: bool) -> Entry:
    notes = tuple(cell["paper_notes"].split())
    if not cell["paper"]:
        return Entry(_symbol(notes), italic=True)
    value = _fair(cell["paper"], notes) if alone and not cell["ours"] else None
    return Entry(cell["paper"], notes, value, italic=True)


def _symbol(notes: Iterable[str]) -> str:
    return next((SYMBOLS[code] for code in notes if code in SYMBOLS), "")


def _fair(number: str, notes: Iterable[str]) -> float | None:
    return None if set(notes) & set(UNFAIR) else float(number)


def _remarks(table: Table, records: Iterable[_Cell], recipe: Mapping[str, object]) -> Iterable[str]:
    records = list(records)
    if any(record["spread"] for record in records):
        counts = sorted({int(record["repeats"]) for record in records if record["repeats"]})
        yield (
            "Ours: mean ± sample standard deviation over repeats"
            f" ({' or '.join(str(count) for count in counts if count > 1)})."
        )
    if any(record["low"] for record in records):
        yield f"Interval: {_OVER_CLIPS}."
    if any(record["paper"] for record in records):
        yield "Upright: measured here. Italic: as the paper prints it."
    if table.same_recipe:
        yield f"One recipe for all: {', '.join(f'{key} {value}' for key, value in recipe.items())}."
    codes = {code for r in records for code in f"{r['notes']} {r['paper_notes']}".split()}
    for symbol in dict.fromkeys(SYMBOLS[code] for code in SYMBOLS if code in codes):
        yield f"{symbol}: {LEGENDS[symbol]}."
