"""The score files of an ensemble's streams -> accuracy against the number of streams fused."""

import argparse
import itertools
from collections.abc import Mapping

import pandas as pd
from matplotlib.figure import Figure

from protogcn.config.members import MOST_STREAMS
from protogcn.files.contracts import save_text
from protogcn.files.scores import Scores, mark_of, select_of
from protogcn.files.spreadsheet import save_result_table
from protogcn.report.figures.outputs import add_outputs, save_figure
from protogcn.report.figures.style import BLUE, GREY, INK, in_style
from protogcn.report.provenance.record import save_manifest
from protogcn.scores.complementarity import fuse_subsets
from protogcn.scores.fusion import top_k_accuracy, weighted_members
from protogcn.scores.members import add_members, members_of


def accuracy_of_subsets(
    members: Mapping[str, Scores], weights: Mapping[str, float], space: str
) -> pd.DataFrame:
    """Fuse every subset of the streams, each stream with its own weight.

    Of more than ten these are too many: then each stream alone, and the first ones of the ensemble.

    Returns:
        A row for each subset, smallest first: ``streams`` (names joined by +), ``count``, ``top1``
        (per cent), ``in_order``: whether it is the first ones of the ensemble.

    Raises:
        ContractError: the streams were not scored on the same clips, labels and classes.
    """
    names = list(members)
    if len(names) <= MOST_STREAMS:
        fused = fuse_subsets(members, weights, space)
        accuracies = fused.accuracies
        accuracies[[1 << number for number in range(len(names))]] = fused.alone.mean(axis=1)
        found = [
            (tuple(n for n in range(len(names)) if subset >> n & 1), 100 * accuracies[subset])
            for subset in range(1, len(accuracies))
        ]
    else:
        labels = members[names[0]].labels
        weighted = list(weighted_members(members, weights, space))
        chosen = [((number,), weighted[number]) for number in range(len(names))]
        sums = enumerate(itertools.accumulate(weighted))
        chosen += [(tuple(range(last + 1)), total) for last, total in sums if last]
        found = [(few, 100 * top_k_accuracy(total, labels, 1)) for few, total in chosen]
    found.sort(key=lambda item: (len(item[0]), item[0]))
    return pd.DataFrame(
        {
            "streams": ["+".join(names[number] for number in chosen) for chosen, _ in found],
            "count": [len(chosen) for chosen, _ in found],
            "top1": [round(accuracy, 2) for _, accuracy in found],
            "in_order": [chosen == tuple(range(len(chosen))) for chosen, _ in found],
        }
    )


def draw_streams(subsets: pd.DataFrame, title: str) -> Figure:
    """Draw every subset as a dot, and a line through the ensemble's own order of streams."""
    most = int(subsets["count"].max())
    width = 1.1 if subsets["streams"].str.contains("/").any() else 0.8  # of a member's name
    figure = Figure(figsize=(max(3.6, 1.6 + width * most), 3.4), layout="constrained")
    axes = figure.subplots()
    axes.plot(subsets["count"], subsets["top1"], "o", color=GREY, markersize=4, alpha=0.55,
              markeredgewidth=0, label=_grey_of(subsets))  # fmt: skip
    line = subsets[subsets["in_order"]]
    axes.plot(
        line["count"], line["top1"], "o-", color=BLUE, markersize=5, label="the ensemble's order"
    )
    added = [streams.split("+")[-1].replace("/", "/\n") for streams in line["streams"]]
    for place, (count, top1) in enumerate(zip(line["count"], line["top1"], strict=True)):
        text = added[place] if place == 0 else f"+ {added[place]}"
        side = "top" if "/" in text else "baseline"  # a name of two lines hangs below its point
        axes.annotate(
            text, (count, top1), (5, -10), textcoords="offset points", color=BLUE, va=side
        )
    axes.set_xticks(range(1, most + 1))
    axes.set_xlim(0.6, most + 0.6)
    axes.set(xlabel="streams fused", ylabel="top-1 accuracy (%)")
    axes.set_title(title, loc="left", color=INK)
    axes.grid(axis="y")
    figure.legend(loc="outside lower center", ncols=2)
    return figure


def _grey_of(subsets: pd.DataFrame) -> str:
    every = len(subsets) == 2 ** int(subsets["count"].max()) - 1
    return "every choice of streams" if every else "each stream alone"


def main() -> None:
    """Fuse every subset of the streams, write the accuracies, the figure and its caption."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_members(parser)
    parser.add_argument("--name", required=True, help="what the figure calls these scores")
    add_outputs(parser)
    args = parser.parse_args()

    members, weights = members_of(args)
    subsets = accuracy_of_subsets(members, weights, args.space)
    save_result_table(args.table, subsets.assign(select=select_of(members.values())))
    mark = mark_of(members.values())
    listed = ", ".join(f"{name} {weight:g}" for name, weight in weights.items())
    grey = _grey_of(subsets).replace("every choice", f"each of the {len(subsets)} choices")
    save_text(
        args.caption,
        f"Top-1 accuracy of {args.name} against the number of streams fused. Grey: {grey},"
        f" with the weights {listed}; the line adds streams in"
        f" the ensemble's order. A choice made by this figure is made on the test clips.{mark}\n",
    )
    with in_style():
        save_figure(draw_streams(subsets, f"{args.name}{mark}"), args.figures)
    save_manifest("draw_streams", args)
