"""Stage 5: the scores of several streams -> one ensemble's table, every two of its rows tested."""

import argparse
from pathlib import Path
from typing import Any

from protogcn.files.contracts import save_text
from protogcn.files.ensemble import EnsembleRecord, FusedRun, save_ensemble_record
from protogcn.files.scores import Scores
from protogcn.files.spreadsheet import save_result_table
from protogcn.files.weights import LearnedWeights
from protogcn.report.provenance.record import add_manifest, save_manifest
from protogcn.report.tables.ensemble_rows import ensemble_rivals, ensemble_table
from protogcn.report.tables.latex import latex
from protogcn.report.tables.layout import ensemble_sheet
from protogcn.report.tables.markdown import markdown
from protogcn.report.tables.pairs import compare_rows
from protogcn.scores.members import add_members, learned_weights_of, members_of, mixed_spaces

# Entries of a provenance that the record of a table repeats.
_FACTS = ("start", "space", "imported", "copies")
_WEIGHTS_CHOSEN_ON = {  # the side, and whether they were learned -> the code of it
    ("none", False): (),
    ("test", False): ("tuned_on_test",),
    ("val", True): ("learned",),
    ("test", True): ("oracle",),
}


def _facts_of(scores: Scores) -> dict[str, Any]:
    """Return what the record of the table says of a member."""
    return {key: scores.provenance[key] for key in _FACTS if key in scores.provenance}


def _source_of(learned: LearnedWeights) -> str:
    """Return where learned weights are from, for the caption."""
    return (
        f"least log-loss on {learned.clips} {learned.side} clips of {learned.task}, temperature"
        f" {learned.temperature:.3g}"
    )


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
    parser.add_argument("--pairs", type=Path, required=True, help="csv of every two rows compared")
    parser.add_argument("--record", type=Path, required=True, help="json that names the runs")
    add_manifest(parser)
    args = parser.parse_args()

    members, weights = members_of(args)
    learned = learned_weights_of(args)
    side = learned.side if learned else "test" if args.tuned_on_test else "none"
    rivals = ensemble_rivals(members, weights, args.space, weights_chosen_on=side, task=args.task)
    table = ensemble_table(rivals, members, weights, weights_chosen_on=side)
    counts = [
        scores.provenance.get("copies", {}).get("test clips", 0) for scores in members.values()
    ]
    sheet = ensemble_sheet(
        args.task,
        args.ensemble,
        args.source or (_source_of(learned) if learned else ""),
        table,
        num_copies=max(counts, default=0),
        of_weights=_WEIGHTS_CHOSEN_ON[side, learned is not None],
    )
    folders = [path.parent for path in args.scores]
    facts = [_facts_of(members[stream]) for stream in args.streams]
    each = zip(args.streams, weights.values(), folders, facts, strict=True)
    runs = [FusedRun(*fields) for fields in each]
    record = EnsembleRecord(args.space, runs)
    if learned:
        heats = learned.temperatures
        record = EnsembleRecord(
            args.space,
            [run._replace(temperature=heats[run.stream]) for run in runs],
            temperature=learned.temperature,
            learned_on=f"{learned.clips} {learned.side} clips of {learned.task}",
        )
    save_result_table(args.csv, table)
    save_text(args.markdown, markdown(sheet))
    save_text(args.latex, latex(sheet))
    save_result_table(args.pairs, compare_rows(rivals))
    remark = mixed_spaces(members)
    save_ensemble_record(args.record, record._replace(remarks=(remark,) if remark else ()))
    save_manifest("fuse", args)
    if remark:
        print(f"Warning: {args.task} {args.ensemble}: {remark}; they are summed as {args.space}.")
