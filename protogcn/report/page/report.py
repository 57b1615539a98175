"""Last stage: tables, figures and score files -> ``report.html``, which needs no other file."""

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from protogcn.config.arguments import text_of
from protogcn.config.recipe import flattened, shared_and_own
from protogcn.errors import ConfigError
from protogcn.files import provenance
from protogcn.files.contracts import save_text
from protogcn.files.scores import Scores, chosen_on
from protogcn.jobs.bar import show_progress
from protogcn.report.page.pictures import ShownFigure, read_shown_figure
from protogcn.report.page.render import render
from protogcn.report.page.runs import Task, add_run
from protogcn.report.page.tables import ShownTable, read_shown_table
from protogcn.report.provenance.record import add_manifest, save_manifest


def build_page(
    tables: Sequence[ShownTable],
    figures: Sequence[ShownFigure],
    score_files: Sequence[Path],
    *,
    table_runs: Mapping[str, Sequence[str]],
    dag: ShownFigure | None = None,
) -> str:
    """Return the page.

    Args:
        tables: in the order of the page.
        figures: in the order of the page.
        score_files: of every run in the tables and figures; read one after the other.
        table_runs: for a table's name the runs (task/model/stream) whose scores it is made of.
        dag: the picture of the job graph.

    Raises:
        ContractError: a score file is damaged, or scored on other clips than the others of its
            task.
        ConfigError: a run is given twice, or a table is made of a run that is not given.
    """
    tasks: dict[str, Task] = {}
    settings: dict[str, dict[str, str]] = {}
    chosen_on_test: list[str] = []
    for path in show_progress(score_files, total=len(score_files), what="score files"):
        scores = Scores.load(path)
        run = add_run(tasks, path, scores)
        settings[run] = flattened(scores.provenance)
        chosen_on_test += [run] if chosen_on(scores) == "test" else []
    _check_table_runs(table_runs, tables, settings)
    same, differing = shared_and_own([*settings.values()], absent="")
    return render(
        tables=tables,
        figures=figures,
        table_runs=table_runs,
        dag=dag,
        runs=list(settings),
        watched=[run for run in settings if settings[run].get("select") == "watched"],
        chosen_on_labels=chosen_on_test,
        same=same,
        differing=differing,
        comparison={
            "tasks": {name: task.to_json() for name, task in tasks.items()},
            "facts": {"runs": list(settings), "differing": differing},
        },
        made_by={"commit": provenance.commit(), **provenance.versions()},
    )


def _check_table_runs(
    table_runs: Mapping[str, Sequence[str]], tables: Sequence[ShownTable], runs: Mapping[str, Any]
) -> None:
    names = {table.name for table in tables}
    for table, members in table_runs.items():
        if table not in names:
            raise ConfigError(f"--table-runs: {table} is none of the tables {', '.join(names)}.")
        if missing := [run for run in members if run not in runs]:
            raise ConfigError(
                f"--table-runs: {table} is made of {', '.join(missing)}, of which no score file is"
                " given; add it to --scores."
            )


def _name_beside(page: Path, path: Path) -> str:
    """Return a figure's path without its ending, from the page's folder on if it lies there."""
    folder = page.parent
    return (path.relative_to(folder) if folder in path.parents else path).with_suffix("").as_posix()


def main() -> None:
    """Read everything, write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tables", type=Path, nargs="*", default=[], help="csv files")
    parser.add_argument("--figures", type=Path, nargs="*", default=[], help="png, svg or gif files")
    parser.add_argument(
        "--captions", type=Path, nargs="*", default=[], help="text files named like their figures"
    )
    parser.add_argument("--scores", type=Path, nargs="*", default=[])
    parser.add_argument(
        "--table-runs",
        default="{}",
        help="JSON, or @FILE that has it: for a table's name the runs it is made of",
    )
    parser.add_argument("--dag", type=Path, nargs="?", help="picture of the job graph")
    parser.add_argument("--page", type=Path, required=True)
    add_manifest(parser)
    args = parser.parse_args()

    args.table_runs = text_of(args.table_runs)  # the manifest has it, not the name of a file
    captions = {path.with_suffix(""): path for path in args.captions}
    page = build_page(
        [read_shown_table(path) for path in args.tables],
        [
            read_shown_figure(
                path, _name_beside(args.page, path), captions.get(path.with_suffix(""))
            )
            for path in args.figures
        ],
        args.scores,
        table_runs=json.loads(args.table_runs),
        dag=read_shown_figure(args.dag, "jobs") if args.dag else None,
    )
    save_text(args.page, page)
    save_manifest("report", args)
    print(
        f"{args.page}: {len(args.tables)} tables, {len(args.figures)} figures,"
        f" {len(args.scores)} runs, {len(page.encode()) / 1e6:.1f} MB."
    )
