"""The val scores of each fold -> one table of the folds, and of all their clips together."""

from collections.abc import Mapping, Sequence
from statistics import fmean, stdev

import numpy as np
import pandas as pd

from protogcn.errors import ContractError, some_of
from protogcn.files.scores import Scores
from protogcn.report.tables.ensemble_rows import ensemble_rivals
from protogcn.report.tables.layout import task_title
from protogcn.report.tables.pairs import interval_columns
from protogcn.report.tables.sheet import Column, Entry, Line, Sheet


def fold_table(
    folds: Sequence[Mapping[str, Scores]], weights: Mapping[str, float], space: str
) -> pd.DataFrame:
    """Return top-1 accuracies as text: a row for each stream and a last row ``fused``.

    Columns: stream, weight, clips (of all folds), fold1, fold2, ..., their ``mean`` and ``spread``
    (sample standard deviation), ``top1`` of all clips together, and the ends of its intervals.

    Args:
        folds: for each fold the scores of the clips that it left out, by stream.
        weights: for each stream its weight.
        space: what is summed.

    Raises:
        ContractError: two folds have a clip in common, or as ``fuse``.
    """
    of_folds = [
        {
            rival.name: rival.values[0]
            for rival in ensemble_rivals(members, weights, space)
            if rival.metric == "top1"
        }
        for members in folds
    ]
    together = {stream: _together([members[stream] for members in folds]) for stream in weights}
    rows = []
    for rival in ensemble_rivals(together, weights, space):
        if rival.metric == "top1":
            values = [found[rival.name] for found in of_folds]
            rows.append(
                {
                    "stream": rival.name,
                    "weight": f"{weights[rival.name]:g}" if rival.name in weights else "",
                    "clips": str(len(rival.credits.values)),
                    **{f"fold{number}": f"{value:.2f}" for number, value in enumerate(values, 1)},
                    "mean": f"{fmean(values):.2f}",
                    "spread": f"{stdev(values):.2f}",
                    "top1": f"{rival.values[0]:.2f}",
                    **interval_columns(rival.credits, decimals=2),
                }
            )
    return pd.DataFrame(rows)


def fold_sheet(task: str, ensemble: str, by: str, table: pd.DataFrame) -> Sheet:
    """Lay out what ``fold_table`` returns.

    Args:
        task: whose training clips the folds divide.
        ensemble: its name.
        by: what is in one fold as a whole: subject, camera ...
        table: the numbers.
    """
    names = [name for name in table.columns if name.startswith("fold")]
    lines = []
    for row in table.to_dict("records"):
        entries = [Entry(row[name], (), float(row[name])) for name in names]
        entries.append(Entry(f"{row['mean']} ± {row['spread']}", (), float(row["mean"])))
        interval = f"[{row['low']}, {row['high']}]"
        entries.append(Entry(f"{row['top1']} {interval}", (), float(row["top1"])))
        lines.append(Line([row["stream"], row["weight"], row["clips"]], entries))
    sheet = Sheet(
        name=f"{task}_{ensemble}_folds",
        title=f"{task_title(task)}: {ensemble} in {len(names)} folds by {by}, top-1 accuracy in %",
        heads=["Stream", "weight", "clips"],
        columns=[
            *(Column("", name.replace("fold", "fold ")) for name in names),
            Column("", "mean ± spread"),
            Column("", "all clips"),
        ],
        blocks=[lines[:-1], lines[-1:]],
        remarks=[
            "Each fold is measured on the training clips that its networks never saw, all clips"
            " together with the 95 % interval over clips in brackets."
        ],
    )
    sheet.emphasise()
    return sheet


def _together(folds: Sequence[Scores]) -> Scores:
    """Return the scores of all folds of a stream as those of one file."""
    clips = np.concatenate([scores.clips for scores in folds])
    names, counts = np.unique(clips, return_counts=True)
    if (twice := names[counts > 1]).size:
        raise ContractError(
            f"{len(twice)} clips are left out by several folds ({some_of(twice)}), expected each by"
            " one; score the folds again."
        )
    known = all(scores.subjects is not None for scores in folds)
    return Scores(
        clips=clips,
        labels=np.concatenate([scores.labels for scores in folds]),
        classes=folds[0].classes,
        logits=np.concatenate([scores.logits for scores in folds]),
        probabilities=np.concatenate([scores.probabilities for scores in folds]),
        provenance=folds[0].provenance,
        subjects=np.concatenate([scores.subjects for scores in folds]) if known else None,
    )
