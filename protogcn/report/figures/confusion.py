"""Score files of one stream or of an ensemble -> its confusion matrix and the top confusions."""

import argparse

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure

from protogcn.files.contracts import save_text
from protogcn.files.scores import mark_of, select_of
from protogcn.files.spreadsheet import save_result_table
from protogcn.report.figures.outputs import add_outputs, save_figure
from protogcn.report.figures.style import GREY, INK, ORANGE, fitted, in_style
from protogcn.report.provenance.record import save_manifest
from protogcn.scores.class_differences import confusion_counts
from protogcn.scores.fusion import fuse, predicted_classes
from protogcn.scores.members import add_members, members_of

_MOST_NAMED = 30  # with more classes, the axes have numbers, and names are beside the matrix
_MOST_LISTED = 30
_TICKS = [0, 1, 5, 20, 50, 100]


def confusions(counts: np.ndarray, classes: np.ndarray) -> pd.DataFrame:
    """Return a row for each pair of classes that occurs, the most frequent confusions first.

    Columns: ``label`` and ``class`` (the true one), ``predicted_label`` and ``predicted``,
    ``clips``, ``of`` (clips of the true class), ``share`` (per cent). Right answers come last.
    """
    true, predicted = np.nonzero(counts)
    table = pd.DataFrame(
        {
            "label": true,
            "class": classes[true].astype(str),
            "predicted_label": predicted,
            "predicted": classes[predicted].astype(str),
            "clips": counts[true, predicted],
            "of": counts.sum(axis=1)[true],
        }
    )
    table["share"] = (100 * table["clips"] / table["of"]).round(2)
    order = np.lexsort((predicted, true, -table["share"], -table["clips"], true == predicted))
    return table.iloc[order].reset_index(drop=True)


def draw_confusion(counts: np.ndarray, classes: np.ndarray, title: str) -> Figure:
    """Draw the shares of each true class (row), with the top confusions named."""
    few = len(classes) <= _MOST_NAMED
    side = 2.2 + 0.32 * len(classes) if few else 7.0
    figure = Figure(figsize=(side, side) if few else (side + 5.6, side), layout="constrained")
    matrix, listing = (
        (figure.subplots(), None) if few else figure.subplots(1, 2, width_ratios=[5, 4])
    )
    shares = 100 * counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    # The square root lets confusions of one per cent be seen beside right answers of 90.
    image = matrix.imshow(
        shares, cmap="Blues", norm=PowerNorm(0.5, 0, 100), interpolation="nearest"
    )
    bar = figure.colorbar(image, ax=matrix, location="bottom", shrink=0.5, aspect=35, ticks=_TICKS)
    bar.set_label("share of the true class (%)")
    bar.outline.set_visible(False)
    matrix.set_title(title, loc="left")
    matrix.set(xlabel="predicted class", ylabel="true class")
    matrix.spines[:].set_visible(True)
    if few:
        _name_axes(matrix, classes)
        _write_shares(matrix, shares)
    else:
        top = confusions(counts, classes).query("label != predicted_label").head(_MOST_LISTED)
        places = np.arange(9, len(classes), 10)
        matrix.set_xticks(places, places + 1)
        matrix.set_yticks(places, places + 1)
        matrix.plot(top["predicted_label"], top["label"], "o", markersize=5, markerfacecolor="none",
                    markeredgecolor=ORANGE, markeredgewidth=0.9)  # fmt: skip
        _list_confusions(listing, top)
    return figure


def _name_axes(matrix: Axes, classes: np.ndarray) -> None:
    names = [fitted(name, 36) for name in classes.astype(str)]
    matrix.set_xticks(range(len(names)), names, rotation=90, fontsize=7)
    matrix.set_yticks(range(len(names)), names, fontsize=7)
    matrix.tick_params(length=0)


def _write_shares(matrix: Axes, shares: np.ndarray) -> None:
    for row, column in np.argwhere(shares >= 0.5):
        share = shares[row, column]
        colour = "white" if share > 40 else INK
        matrix.text(column, row, f"{share:.0f}", ha="center", va="center", color=colour, fontsize=6)


def _list_confusions(listing: Axes, top: pd.DataFrame) -> None:
    listing.axis("off")
    listing.set(xlim=(0, 1), ylim=(_MOST_LISTED + 0.5, -1.5))
    listing.text(0, -1, "true class  →  predicted (circled in the matrix)", fontsize=7, color=GREY)
    listing.text(1, -1, "clips", ha="right", fontsize=7, color=GREY)
    for place, row in enumerate(top.itertuples(index=False)):
        true, predicted = (
            f"{label + 1} {fitted(name, 30)}"
            for label, name in ((row.label, row[1]), (row.predicted_label, row.predicted))
        )
        listing.text(0, place, f"{true}  →  {predicted}", fontsize=7, va="center")
        part = f"{row.clips} of {row.of}"
        listing.text(1, place, part, fontsize=7, va="center", ha="right")


def main() -> None:
    """Fuse the score files, write the confusions, the figure and its caption."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_members(parser)
    parser.add_argument("--name", required=True, help="what the figure calls these scores")
    add_outputs(parser)
    args = parser.parse_args()

    members, weights = members_of(args)
    fused = fuse(members, weights, args.space)
    first = next(iter(members.values()))
    counts = confusion_counts(first.labels, predicted_classes(fused), len(first.classes))
    table = confusions(counts, first.classes)
    save_result_table(args.table, table.assign(select=select_of(members.values())))
    right = counts.trace()
    mark = mark_of(members.values())
    save_text(
        args.caption,
        f"Confusion matrix of {args.name}: {100 * right / counts.sum():.2f} % of"
        f" {counts.sum()} clips are right. Rows are true classes and sum to 100 %; the"
        f" colour follows the square root of the share.{mark}\n",
    )
    with in_style():
        title = f"{args.name}: {100 * right / counts.sum():.2f} % right{mark}"
        save_figure(draw_confusion(counts, first.classes, title), args.figures)
    save_manifest("draw_confusion", args)
