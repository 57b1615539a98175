"""The scores of an ensemble's streams -> the rows of its table, with their intervals.

Shapes: N clips, K classes.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from protogcn.files.scores import Scores, chosen_on, chosen_on_of, select_of
from protogcn.report.tables.layout import METRICS, prefix_of
from protogcn.report.tables.pairs import Rival, interval_columns, within_noise
from protogcn.scores.fusion import accuracies, in_space, rows_in_order
from protogcn.scores.intervals import ScoredClips, credits_of


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
