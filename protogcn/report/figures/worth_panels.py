"""What every stream brings -> one picture: the streams, their choice and cost, the classes.

Shapes: N clips, K classes, S streams.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.lines import Line2D

from protogcn.report.figures.style import BLUE, COLOUR_OF, COLOURS, GREY, INK, PALE, fitted
from protogcn.report.figures.worth_table import Worth, worth_table

_COST_LABELS = ("training time (h)", "parameters (millions)", "GFLOPs of one crop")
MOST_CLASSES = 60  # of more, those with the largest leads are drawn
_CLASSES_OF_COLUMN = 20
_SHORT_NAME = 5  # letters; columns of the disagreement have room for so many
_LETTERS_OF_LINE = 130
_ROW = 0.19  # inches a stream or a class takes
_WIDTH = 11.0


def draw_worth(worth: Worth, title: str) -> Figure:
    """Draw all of it; panels of what is not known are left out."""
    table = worth_table(worth)
    looks, costs = _looks_of(worth.fused.streams), _known_costs(worth)
    classes = _classes_shown(table)
    heights = [
        1.3 + 0.24 * len(worth.fused.streams),
        2.6 if costs or worth.selection else 0,
        0.8 + _ROW * min(len(classes), _CLASSES_OF_COLUMN) if len(classes) else 0,
    ]
    shown = [height for height in heights if height]
    figure = Figure(figsize=(_WIDTH, sum(shown) + 0.5), layout="constrained")
    figure.suptitle(title)
    parts = iter(figure.subfigures(len(shown), 1, height_ratios=shown, squeeze=False)[:, 0])
    _draw_streams(next(parts), worth, table, looks)
    if costs or worth.selection:
        _draw_ways(next(parts), worth, costs, looks)
    if len(classes):
        _draw_classes(next(parts), worth, classes, looks)
    return figure


def _draw_streams(
    part: SubFigure, worth: Worth, table: pd.DataFrame, looks: Mapping[str, dict[str, Any]]
) -> None:
    """Draw a row for each stream: alone, what is lost without it, its share; and who disagrees."""
    streams = worth.fused.streams
    rows = table[table["kind"] == "stream"]
    *panels, pairs = part.subplots(1, 5, width_ratios=[1.3, 1.1, 1.1, 0.9, 1.5])
    alone, left_out, _, only = panels
    places = np.arange(len(streams))
    values = (
        ("top1", "low", "high"),
        *((name, f"{name}_low", f"{name}_high") for name in ("leave_one_out", "shapley")),
    )
    for axes, names in zip(panels, values, strict=False):
        middle, low, high = (rows[name].astype(float).to_numpy() for name in names)
        axes.hlines(places, low, high, color=INK, linewidth=0.9)
        for place, stream in enumerate(streams):
            axes.plot(middle[place], place, markersize=5, **looks[stream])
    whole = table[table["kind"] == "all"].iloc[0]
    alone.axvline(float(whole["top1"]), color=INK, linewidth=1)
    alone.axvline(float(whole["oracle"]), color=INK, linewidth=1, linestyle=":")
    alone.legend(
        [Line2D([], [], color=INK, linewidth=1, linestyle=style) for style in ("-", ":")],
        ["fused", "oracle"],
        loc="lower center", bbox_to_anchor=(0.5, 1), ncols=2, fontsize=7, handlelength=1.4,
    )  # fmt: skip
    left_out.axvline(0, color=GREY, linewidth=0.6)
    counts = rows["only_right"].astype(int).to_numpy()
    only.barh(
        places,
        counts,
        height=0.6,
        color=[looks[stream]["markerfacecolor"] for stream in streams],
        edgecolor=[looks[stream]["color"] for stream in streams],
    )
    only.bar_label(only.containers[0], padding=2, fontsize=7)
    only.set_xlim(0, 1.3 * max(counts.max(), 1))
    only.xaxis.get_major_locator().set_params(integer=True, nbins=4)
    for axes, label in zip(
        panels,
        ("accuracy alone (%)", "lost without it (points)", "Shapley value (points)",
         "clips only it has right"),
        strict=True,
    ):  # fmt: skip
        axes.set(xlabel=label, ylim=(len(streams) - 0.5, -0.5))
        axes.set_yticks(places, streams if axes is alone else [""] * len(streams))
        axes.tick_params(axis="y", length=0)
        axes.grid(axis="x")
    _draw_disagreement(pairs, worth)


def _draw_disagreement(axes: Axes, worth: Worth) -> None:
    rows, columns = worth.fused.streams[1:], worth.fused.streams[:-1]
    axes.set_axis_off()
    if not rows:
        return
    shares = 100 * worth.fused.disagreement[1:, :-1]
    lower = np.where(np.tri(len(rows), dtype=bool), shares, np.nan)
    axes.set_axis_on()
    most = np.nanmax(lower)
    axes.imshow(lower, cmap="Blues", vmin=0, vmax=1.3 * most, aspect="auto")
    for row, column in np.argwhere(~np.isnan(lower)):
        share = lower[row, column]
        colour = "white" if share > 0.7 * most else INK
        axes.text(column, row, f"{share:.1f}", ha="center", va="center", color=colour, fontsize=6.5)
    if max(map(len, (*rows, *columns))) > _SHORT_NAME:  # columns have the numbers of the names
        rows = [f"{stream}  {number}" for number, stream in enumerate(rows, start=2)]
        columns = range(1, len(rows) + 1)
    axes.set_xticks(range(len(rows)), columns)
    axes.set_yticks(range(len(rows)), rows)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set_xlabel("clips on which two streams disagree (%)")


def _known_costs(worth: Worth) -> dict[str, np.ndarray]:
    """Return (S,) of each stream, by the labels of the axes, of what is known of all."""
    found = np.array([worth.costs[stream] for stream in worth.fused.streams]).T
    in_units = zip(_COST_LABELS, found / np.array([[1], [1e6], [1]]), strict=True)
    return {label: values for label, values in in_units if not np.isnan(values).any()}


def _draw_ways(
    part: SubFigure,
    worth: Worth,
    costs: Mapping[str, np.ndarray],
    looks: Mapping[str, dict[str, Any]],
) -> None:
    """Draw the choice of streams on held-out clips, and accuracy against each cost."""
    is_chosen = worth.selection is not None
    panels = iter(part.subplots(1, is_chosen + len(costs), squeeze=False)[0])
    if is_chosen:
        _draw_selection(next(panels), worth)
    for axes, (label, values) in zip(panels, costs.items(), strict=True):
        _draw_cost(axes, worth, values, looks)
        axes.set_xlabel(label)


def _draw_selection(axes: Axes, worth: Worth) -> None:
    selection, streams = worth.selection, worth.fused.streams
    steps = np.arange(1, len(streams) + 1)
    axes.plot(steps, 100 * selection.val, "o-", color=BLUE, markersize=4, label="held-out clips")
    axes.plot(steps, 100 * selection.test, "s--", color=GREY, markersize=4, label="test clips")
    axes.plot(selection.best, 100 * selection.val[selection.best - 1], "o", color="none",
              markeredgecolor=BLUE, markersize=9)  # fmt: skip
    names = [streams[place].replace("/", "/\n") for place in selection.order]
    axes.set_xticks(steps, [names[0], *(f"+{name}" for name in names[1:])])
    axes.set(xlabel="chosen on held-out clips", ylabel="accuracy (%)")
    axes.legend(loc="lower right", fontsize=7)
    axes.grid(axis="y")


def _draw_cost(
    axes: Axes, worth: Worth, values: np.ndarray, looks: Mapping[str, dict[str, Any]]
) -> None:
    accuracies, streams = 100 * worth.fused.accuracies, worth.fused.streams
    subsets = np.arange(1, len(accuracies))
    totals = (subsets[:, None] >> np.arange(len(streams)) & 1) @ values
    axes.plot(totals, accuracies[1:], "o", color=GREY, markersize=3, alpha=0.45,
              markeredgewidth=0, label="every choice of streams")  # fmt: skip
    for place, stream in enumerate(streams):
        alone = 100 * worth.fused.alone[place].mean()
        axes.plot(values[place], alone, markersize=5, **looks[stream])
    axes.plot(totals[-1], accuracies[-1], "D", color=INK, markersize=5)
    axes.annotate("all", (totals[-1], accuracies[-1]), (-7, 5), textcoords="offset points")
    axes.set(ylabel="accuracy (%)", xlim=(0, 1.08 * totals[-1]))
    axes.legend(loc="lower right", fontsize=7)
    axes.grid()


def _classes_shown(table: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of the classes that are drawn, by label: of a stream, the largest leads."""
    classes = table[table["kind"] == "class"].reset_index(drop=True)
    classes = classes[classes["stream"] != ""]
    leads = classes["lead"].astype(float)
    classes = classes.loc[leads.sort_values(ascending=False, kind="stable").index[:MOST_CLASSES]]
    order = list(dict.fromkeys(table.loc[table["kind"] == "stream", "name"]))
    return classes.sort_values("stream", key=lambda names: names.map(order.index), kind="stable")


def _draw_classes(
    part: SubFigure, worth: Worth, classes: pd.DataFrame, looks: Mapping[str, dict[str, Any]]
) -> None:
    """Draw a row for each class with the share of each stream."""
    num_columns = math.ceil(len(classes) / _CLASSES_OF_COLUMN)
    num_rows = math.ceil(len(classes) / num_columns)
    columns = part.subplots(1, num_columns, sharex=True, squeeze=False)[0]
    for number, axes in enumerate(columns):
        rows = classes.iloc[number * num_rows : (number + 1) * num_rows]
        _draw_column(axes, worth, rows, looks)
        axes.set(ylim=(num_rows - 0.4, -0.6), xlabel="Shapley value in the class (points)")
    part.legend(
        [Line2D([], [], markersize=5, **looks[stream]) for stream in worth.fused.streams],
        worth.fused.streams,
        loc="outside upper center", ncols=_names_in_a_line(worth.fused.streams), handlelength=1,
    )  # fmt: skip


def _names_in_a_line(streams: Sequence[str]) -> int:
    """Return into how many columns a legend goes, in lines as equal as can be."""
    fitting = max(1, _LETTERS_OF_LINE // (max(map(len, streams)) + 6))
    return math.ceil(len(streams) / math.ceil(len(streams) / fitting))


def _draw_column(
    axes: Axes, worth: Worth, rows: pd.DataFrame, looks: Mapping[str, dict[str, Any]]
) -> None:
    fused = worth.fused
    for place, label in enumerate(rows.index):
        clips = fused.clips.labels == label
        shares = 100 * worth.shares[:, clips].mean(axis=1)
        axes.hlines(place, shares.min(), shares.max(), color=PALE, linewidth=1)
        for stream, share in zip(fused.streams, shares, strict=True):
            axes.plot(share, place, markersize=4.5, **looks[stream])
    axes.set_yticks(range(len(rows)), [fitted(name, 30) for name in rows["name"]], fontsize=7)
    certain = rows["lead_low"].astype(float) > 0
    for label, is_certain in zip(axes.get_yticklabels(), certain, strict=True):
        label.set_fontweight("bold" if is_certain else "normal")
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x")


def _looks_of(streams: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return the marker of each stream: a motion has the colour of what moves, and is hollow."""
    plain = all(stream in COLOUR_OF for stream in streams)
    colours: Iterable[str] = (
        (COLOUR_OF[stream] for stream in streams)
        if plain
        else (COLOURS[place % len(COLOURS)] for place in range(len(streams)))
    )
    looks = {}
    for place, (stream, colour) in enumerate(zip(streams, colours, strict=True)):
        hollow = stream.endswith("m") if plain else place >= len(COLOURS)
        looks[stream] = {
            "marker": "o",
            "linestyle": "none",
            "color": colour,
            "markerfacecolor": "white" if hollow else colour,
        }
    return looks
