"""Stage 6: the score files of many runs -> one table, every two of its rows tested."""

import argparse
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from protogcn.config.cells import Table, table_from_mapping
from protogcn.config.written import read_written
from protogcn.errors import ConfigError
from protogcn.files.contracts import save_text
from protogcn.files.paths import VAL_SCORES
from protogcn.files.spreadsheet import save_result_table
from protogcn.report.provenance.record import add_manifest, save_manifest
from protogcn.report.tables.beside_paper import beside_paper, rivals_of
from protogcn.report.tables.latex import latex
from protogcn.report.tables.layout import comparison_sheet
from protogcn.report.tables.markdown import markdown
from protogcn.report.tables.measure import measure
from protogcn.report.tables.pairs import compare_rows


def by_run(paths: Iterable[Path]) -> dict[tuple[str, str, str], Path]:
    """Return score files by the run whose folder they lie in: task, model, stream."""
    files = {}
    for path in paths:
        dataset, split, model, stream = path.parts[-5:-1]
        files[f"{dataset}_{split}", model, stream] = path
    return files


def _by_side(paths: Iterable[Path]) -> tuple[list[Path], list[Path]]:
    """Return the score files of test sides, and those of val sides."""
    val = [path for path in paths if path.name == VAL_SCORES]
    return [path for path in paths if path.name != VAL_SCORES], val


def _requested(entry: Mapping[str, Any]) -> tuple[Table, Mapping[str, Any], Mapping[str, str]]:
    """Return a table, its recipe, and the digest of the settings of each run."""
    known = {key: value for key, value in entry.items() if key not in ("recipe", "digests")}
    table, digests = table_from_mapping(known), entry["digests"]
    for run in table.runs:
        if (name := "/".join(run)) not in digests:
            raise ConfigError(f"digests: lacks {name}, which is measured.")
    return table, entry["recipe"], digests


def main() -> None:
    """Read score files, write one table in three forms."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--table", type=Path, required=True, help="the resolved table, YAML")
    parser.add_argument(
        "--scores", type=Path, nargs="*", default=[], help="DATASET/SPLIT/MODEL/STREAM/scores.npz"
    )
    parser.add_argument(
        "--partial", action="store_true", help="leave cells without a score file empty"
    )
    parser.add_argument("--csv", type=Path, required=True)
    parser.add_argument("--markdown", type=Path, required=True)
    parser.add_argument("--latex", type=Path, required=True)
    parser.add_argument("--pairs", type=Path, required=True, help="csv of every two rows compared")
    add_manifest(parser)
    args = parser.parse_args()

    table, recipe, digests = read_written(args.table, "table", _requested)
    test, val = _by_side(args.scores)
    measured = measure(
        table.cells, by_run(test), digests, partial=args.partial, val_files=by_run(val)
    )
    cells = beside_paper(table, measured)
    sheet = comparison_sheet(table, cells, recipe)
    save_result_table(args.csv, cells)
    save_text(args.markdown, markdown(sheet))
    save_text(args.latex, latex(sheet))
    save_result_table(args.pairs, compare_rows(rivals_of(measured).values()))
    save_manifest("tabulate", args)
