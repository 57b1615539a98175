"""Stage 5: the scores of several streams -> one ensemble and its table."""

import argparse
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from protogcn.files.contracts import save_table, save_text
from protogcn.files.scores import Scores
from protogcn.files.selection import select_of
from protogcn.scores.fusion import fuse, in_space, mean_class_accuracy, top_k_accuracy
from protogcn.scores.members import add_members, members_of


def ensemble_table(
    members: Mapping[str, Scores],
    weights: Mapping[str, float],
    space: str,
    *,
    tuned_on_test: bool = False,
) -> pd.DataFrame:
    """Return the ensemble's table: a row for each member and a last row ``fused``.

    Columns: stream, weight, clips, top1, top5, mean_class (percentages with two decimals), select
    (which epoch was scored: ``best`` marks one that was chosen by its accuracy, ``unknown`` an
    import that does not tell), tuned_on_test (``yes`` marks weights that were chosen on test
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


def ensemble_record(
    scores: Sequence[Path],
    streams: Sequence[str],
    weights: Sequence[float],
    space: str,
    folder: Path,
) -> dict[str, Any]:
    """Return what ``trained.load_ensemble`` finds the ensemble's networks by.

    Runs are named as seen from ``folder``, so that results can be moved as a whole.
    """
    members = [
        {"stream": stream, "weight": weight, "run": os.path.relpath(path.parent, folder)}
        for path, stream, weight in zip(scores, streams, weights, strict=True)
    ]
    return {"format": 1, "space": space, "members": members}


def _row(
    stream: str, weight: str, scores: np.ndarray, labels: np.ndarray, select: str
) -> dict[str, str | int]:
    top5 = top_k_accuracy(scores, labels, 5) if scores.shape[1] >= 5 else None
    return {
        "stream": stream,
        "weight": weight,
        "clips": len(labels),
        "top1": f"{100 * top_k_accuracy(scores, labels, 1):.2f}",
        "top5": "" if top5 is None else f"{100 * top5:.2f}",
        "mean_class": f"{100 * mean_class_accuracy(scores, labels):.2f}",
        "select": select,
    }


def main() -> None:
    """Read the members' score files, write the ensemble's table."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_members(parser)
    parser.add_argument(
        "--tuned-on-test", action="store_true", help="the weights were chosen on test labels"
    )
    parser.add_argument("--table", type=Path, required=True)
    parser.add_argument(
        "--record", type=Path, help="what protogcn.predict.predict finds the runs by"
    )
    args = parser.parse_args()

    members, weights = members_of(args)
    table = ensemble_table(members, weights, args.space, tuned_on_test=args.tuned_on_test)
    save_table(args.table, table)
    if args.record:
        record = ensemble_record(
            args.scores, args.streams, args.weights, args.space, args.record.parent
        )
        save_text(args.record, json.dumps(record, indent=1) + "\n")
