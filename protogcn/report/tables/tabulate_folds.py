"""The val scores of an ensemble's streams in every fold -> one table over all folds."""

import argparse
from pathlib import Path

from protogcn.config.hold_out import FOLD
from protogcn.config.members import split_member
from protogcn.errors import ConfigError
from protogcn.files.contracts import save_text
from protogcn.files.spreadsheet import save_result_table
from protogcn.report.provenance.record import add_manifest, save_manifest
from protogcn.report.tables.fold_rows import fold_sheet, fold_table
from protogcn.report.tables.latex import latex
from protogcn.report.tables.markdown import markdown
from protogcn.scores.fusion import SPACES, check_weights
from protogcn.scores.members import load_scores_of


def main() -> None:
    """Read the folds' score files, write their table in three forms."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--scores", type=Path, nargs="+", required=True, help="of each fold's streams, in order"
    )
    parser.add_argument("--streams", nargs="+", required=True)
    parser.add_argument("--weights", type=float, nargs="+", required=True)
    parser.add_argument("--space", choices=SPACES, default="probability")
    parser.add_argument("--task", required=True, help="whose training clips the folds divide")
    parser.add_argument("--model", required=True, help="of streams that name none")
    parser.add_argument("--ensemble", required=True, help="its name, for the caption")
    parser.add_argument("--by", required=True, help="what is in one fold as a whole")
    parser.add_argument("--csv", type=Path, required=True)
    parser.add_argument("--markdown", type=Path, required=True)
    parser.add_argument("--latex", type=Path, required=True)
    add_manifest(parser)
    args = parser.parse_args()

    check_weights(args.weights)
    size = len(args.streams)
    if len(args.weights) != size or len(args.scores) % size or len(args.scores) < 2 * size:
        raise ConfigError(
            f"{len(args.scores)} score files, {size} streams and {len(args.weights)} weights,"
            " expected a weight for each stream, and for each of two folds or more a file of each."
        )
    folds = [
        {
            stream: load_scores_of(
                path, f"{args.task}{FOLD}{number}", *split_member(stream, args.model)
            )
            for stream, path in zip(args.streams, args.scores[first : first + size], strict=True)
        }
        for number, first in enumerate(range(0, len(args.scores), size), 1)
    ]
    weights = dict(zip(args.streams, args.weights, strict=True))
    table = fold_table(folds, weights, args.space)
    sheet = fold_sheet(args.task, args.ensemble, args.by, table)
    save_result_table(args.csv, table)
    save_text(args.markdown, markdown(sheet))
    save_text(args.latex, latex(sheet))
    save_manifest("tabulate_folds", args)
