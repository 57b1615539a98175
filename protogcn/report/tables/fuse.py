"""Stage 5: the scores of several streams -> one ensemble's table, as csv, Markdown and LaTeX."""

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from protogcn.files.contracts import save_table, save_text
from protogcn.files.ensemble import EnsembleRecord, FusedRun, save_ensemble_record
from protogcn.files.scores import Scores, select_of
from protogcn.report.provenance.record import add_manifest, save_manifest
from protogcn.report.tables.latex import latex
from protogcn.report.tables.layout import ensemble_sheet
from protogcn.report.tables.markdown import markdown
from protogcn.scores.fusion import accuracies, fuse, in_space
from protogcn.scores.members import add_members, members_of, mixed_spaces

# Entries of a provenance that the record of a table repeats.
_FACTS = ("start", "space", "imported", "copies")


def ensemble_table(
    members: Mapping[str, Scores],
    weights: Mapping[str, float],
    space: str,
    *,
    tuned_on_test: bool = False,
) -> pd.DataFrame:
    """Return the ensemble's table as text: a row for each member and a last row ``fused``.

    Columns: stream, weight, clips, top1, top5, mean_class (percentages with two decimals), select
    (which epoch was scored: ``best`` marks one that was chosen by its accuracy, ``unknown`` an
    import that does not report it), tuned_on_test (``yes`` marks weights that were chosen on test
    labels).
    """
    fused = fuse(members, weights, space)
    rows = []
    for stream, scores in members.items():
        values = in_space(scores, space)
        select = scores.provenance["select"]
        rows.append(_row(stream, f"{weights[stream]:g}", values, scores.labels, select))
    select = select_of(members.values())
    labels = next(iter(members.values())).labels
    table = pd.DataFrame([*rows, _row("fused", "", fused, labels, select)])
    table["tuned_on_test"] = ["no"] * len(rows) + ["yes" if tuned_on_test else "no"]
    return table


def _row(
    stream: str, weight: str, scores: np.ndarray, labels: np.ndarray, select: str
) -> dict[str, str]:
    percentages = {
        metric: "" if share is None else f"{100 * share:.2f}"
        for metric, share in accuracies(scores, labels).items()
    }
    return {
        "stream": stream,
        "weight": weight,
        "clips": str(len(labels)),
        **percentages,
        "select": select,
    }


def _facts_of(scores: Scores) -> dict[str, Any]:
    """Return what the record of the table says of a member."""
    return {key: scores.provenance[key] for key in _FACTS if key in scores.provenance}


def main() -> None:
    """Read the members' score files, write the ensemble's table in three forms."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_members(parser)
    parser.add_argument("--ensemble", required=True, help="its name, for the caption")
    parser.add_argument(
        "--tuned-on-test", action="store_true", help="the weights were chosen on test labels"
    )
    parser.add_argument("--source", default="", help="where its weights are from")
    parser.add_argument("--csv", type=Path, required=True)
    parser.add_argument("--markdown", type=Path, required=True)
    parser.add_argument("--latex", type=Path, required=True)
    parser.add_argument("--record", type=Path, required=True, help="json that names the runs")
    add_manifest(parser)
    args = parser.parse_args()

    members, weights = members_of(args)
    table = ensemble_table(members, weights, args.space, tuned_on_test=args.tuned_on_test)
    counts = [
        scores.provenance.get("copies", {}).get("test clips", 0) for scores in members.values()
    ]
    sheet = ensemble_sheet(
        args.task, args.ensemble, args.source, table, num_copies=max(counts, default=0)
    )
    folders = [path.parent for path in args.scores]
    facts = [_facts_of(members[stream]) for stream in args.streams]
    each = zip(args.streams, args.weights, folders, facts, strict=True)
    runs = [FusedRun(*fields) for fields in each]
    save_table(args.csv, table)
    save_text(args.markdown, markdown(sheet))
    save_text(args.latex, latex(sheet))
    remark = mixed_spaces(members)
    save_ensemble_record(args.record, EnsembleRecord(args.space, runs, (remark,) if remark else ()))
    save_manifest("fuse", args)
    if remark:
        print(f"Warning: {args.task} {args.ensemble}: {remark}; they are summed as {args.space}.")
