"""Stage 5: the scores of several streams -> one ensemble's table, every two of its rows tested."""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from protogcn.files.contracts import save_table, save_text
from protogcn.files.ensemble import EnsembleRecord, FusedRun, save_ensemble_record
from protogcn.files.scores import Scores, chosen_on, chosen_on_of, select_of
from protogcn.files.weights import LearnedWeights
from protogcn.report.provenance.record import add_manifest, save_manifest
from protogcn.report.tables.latex import latex
from protogcn.report.tables.layout import METRICS, ensemble_sheet, prefix_of
from protogcn.report.tables.markdown import markdown
from protogcn.report.tables.pairs import Rival, compare_rows, interval_columns, within_noise
from protogcn.scores.fusion import accuracies, in_space, rows_in_order
from protogcn.scores.intervals import ScoredClips, credits_of
from protogcn.scores.members import add_members, learned_weights_of, members_of, mixed_spaces

# Entries of a provenance that the record of a table repeats.
_FACTS = ("start", "space", "imported", "copies")
_WEIGHTS_CHOSEN_ON = {  # the side, and whether they were learned -> the code of it
    ("none", False): (),
    ("test", False): ("tuned_on_test",),
    ("val", True): ("learned",),
    ("test", True): ("oracle",),
}


def ensemble_table(
    rivals: Sequence[Rival],
    members: Mapping[str, Scores],
    weights: Mapping[str, float],
    *,
    weights_chosen_on: str = "none",
) -> pd.DataFrame:
    """Return the ensemble's table as text: a row for each member and a last row ``fused``.

    Columns: stream, weight, clips, top1, top5, mean_class (percentages with two decimals), select
    (which epoch was scored: ``best`` marks one that was chosen by its accuracy, ``unknown`` an
    import that does not report it), chosen_on (the side whose labels chose epoch or weights: none,
    val, test or unknown); then for each accuracy the ends of its intervals and its ``notes``, see
    ``within_noise``, with its name before those of top5 and mean_class.

    Args:
        rivals: the numbers, as ``ensemble_rivals`` returns them.
        members: score files by stream.
        weights: for each stream its weight.
        weights_chosen_on: the side whose labels chose these: none, val or test.
    """
    names = [*members, "fused"]
    selects = [scores.provenance["select"] for scores in members.values()]
    table = pd.DataFrame(
        {
            "stream": names,
            "weight": [*(f"{weights[stream]:g}" for stream in members), ""],
            "clips": str(len(next(iter(members.values())).labels)),
            **{metric: _percentages(rivals, metric, names) for metric in METRICS},
            "select": [*selects, select_of(members.values())],
            "chosen_on": list(_chosen_on(members, weights_chosen_on).values()),
        }
    )
    columns = [_uncertainty(rivals, metric, names) for metric in METRICS]
    return pd.concat([table, *columns], axis=1)


def ensemble_rivals(
    members: Mapping[str, Scores],
    weights: Mapping[str, float],
    space: str,
    *,
    weights_chosen_on: str = "none",
    task: str = "",
) -> list[Rival]:
    """Return the numbers of the table, row by row, as ``compare_rows`` takes them.

    Raises:
        ContractError: as ``fuse``.
    """
    first_stream, first = next(iter(members.items()))
    sides = _chosen_on(members, weights_chosen_on)
    rivals, total = [], np.zeros((len(first.labels), len(first.classes)))
    clips = ScoredClips.of(first)

    def add(name: str, values: np.ndarray) -> None:
        """Add the accuracies of a row; clips are in the order of the first member."""
        for metric, share in accuracies(values, first.labels).items():
            if share is not None:
                credits = credits_of(values, clips, metric)
                rivals.append(
                    Rival(name, task, metric, (100 * share,), credits, sides[name] != "test")
                )

    for stream, scores in members.items():
        where = f"stream {stream} against stream {first_stream}"
        values = in_space(scores, space)[rows_in_order(first, scores, where)]
        total += weights[stream] * values
        add(stream, values)
    add("fused", total)
    return rivals


def _chosen_on(members: Mapping[str, Scores], weights_chosen_on: str) -> dict[str, str]:
    """Return for each row of the table the side whose labels chose its epoch or weights."""
    sides = {stream: chosen_on(scores) for stream, scores in members.items()}
    return sides | {"fused": chosen_on_of([*sides.values(), weights_chosen_on])}


def _percentages(rivals: Sequence[Rival], metric: str, names: Sequence[str]) -> list[str]:
    """Return one accuracy of each row; empty where it is not measured."""
    found = {rival.name: f"{rival.values[0]:.2f}" for rival in rivals if rival.metric == metric}
    return [found.get(name, "") for name in names]


def _uncertainty(rivals: Sequence[Rival], metric: str, names: Sequence[str]) -> pd.DataFrame:
    """Return the columns of one accuracy's intervals and notes, in the same way."""
    column = [rival for rival in rivals if rival.metric == metric]
    prefix, noise = prefix_of(metric), within_noise(column)
    found = []
    for place, _ in enumerate(names):
        credits = column[place].credits if column else None
        ends = interval_columns(credits, decimals=2, prefix=prefix)
        found.append({**ends, f"{prefix}notes": " ".join(noise.get(place, ()))})
    return pd.DataFrame(found)


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
    save_table(args.csv, table)
    save_text(args.markdown, markdown(sheet))
    save_text(args.latex, latex(sheet))
    save_table(args.pairs, compare_rows(rivals))
    remark = mixed_spaces(members)
    save_ensemble_record(args.record, record._replace(remarks=(remark,) if remark else ()))
    save_manifest("fuse", args)
    if remark:
        print(f"Warning: {args.task} {args.ensemble}: {remark}; they are summed as {args.space}.")
