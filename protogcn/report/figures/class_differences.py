"""Two score files -> the difference in accuracy of every class: the paper's Figure 1.

Source: Figure 1 of the supplement of ProtoGCN, there for bones on NTU-120 X-Sub.
"""

import argparse
import math
import textwrap
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from protogcn.config.facts import figure1_facts
from protogcn.config.recipe import recipe_lines
from protogcn.files.contracts import save_text
from protogcn.files.scores import Scores, mark_of, select_of
from protogcn.files.spreadsheet import save_result_table
from protogcn.report.figures.outputs import add_outputs, save_figure
from protogcn.report.figures.style import BETTER, GREY, INK, WORSE, fitted, in_style
from protogcn.report.provenance.record import save_manifest
from protogcn.scores.class_differences import RESAMPLES, ClassDifferences, compare_classes
from protogcn.scores.members import load_scores_of
from protogcn.scores.paired import CHANCE

_ROW = 0.17  # inches a class takes
_LONGEST_NAME = 44
_ROWS_OF_A_COLUMN = 40


def draw_class_differences(compared: ClassDifferences, title: str, notes: Sequence[str]) -> Figure:
    """Draw a bar for each class, the largest gain first, in as many columns as it takes.

    Args:
        compared: the classes and their differences.
        title: a line above.
        notes: lines below, wrapped.
    """
    known = compared.classes.dropna(subset="difference")
    known = known.sort_values("difference", ascending=False, kind="stable")
    num_columns = math.ceil(len(known) / _ROWS_OF_A_COLUMN)
    num_rows = math.ceil(len(known) / num_columns)
    width = max(6.0, 3.4 * num_columns)
    figure = Figure(figsize=(width, 1.6 + _ROW * num_rows), layout="constrained")
    columns = figure.subplots(1, num_columns, sharex=True, squeeze=False)[0]
    for number, axes in enumerate(columns):
        _draw_column(axes, known.iloc[number * num_rows : (number + 1) * num_rows], num_rows)
    figure.suptitle(title)
    wrapped = [line for note in notes for line in textwrap.wrap(note, int(21 * width))]
    figure.supxlabel("\n".join(wrapped), x=0.01, ha="left", fontsize=6.5)
    return figure


def _draw_column(axes: Axes, rows: pd.DataFrame, num_rows: int) -> None:
    places = np.arange(len(rows))
    change = rows["difference"].to_numpy()
    axes.barh(places, change, height=0.72, color=np.where(change < 0, WORSE, BETTER))
    axes.hlines(places, rows["low"], rows["high"], color=INK, linewidth=0.8)
    equal = places[change == 0]
    axes.plot(np.zeros(len(equal)), equal, "o", color=GREY, markersize=3)
    axes.axvline(0, color=INK, linewidth=0.6)
    axes.set_ylim(num_rows - 0.4, -0.6)
    axes.set_yticks(places, [fitted(name, _LONGEST_NAME) for name in rows["class"]], fontsize=6.5)
    for label, certain in zip(axes.get_yticklabels(), rows["holm"] < CHANCE, strict=True):
        label.set_fontweight("bold" if certain else "normal")
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel("difference in points, with its 95 % interval", fontsize=7)
    axes.grid(axis="x")


def caption_of(
    compared: ClassDifferences, task: str, stream: str, model: str, baseline: str
) -> str:
    """Return the counts, the overall difference and how the intervals were made."""
    better, equal, worse = compared.counts
    overall, clips = compared.overall, compared.classes["clips"].sum()
    return (
        f"Accuracy of {model} minus that of {baseline}, class by class, on {task}, stream {stream}:"
        f" {better} classes are better, {equal} equal, {worse} worse; {compared.num_certain} of"
        " them (bold) by more than chance, by McNemar's test (mid-p) with Holm's correction for the"
        f" number of classes. Over all {clips} clips: {overall['accuracy']:.2f} % against"
        f" {overall['baseline']:.2f} %, a difference of {overall['difference']:+.2f} points"
        f" [{overall['low']:+.2f}, {overall['high']:+.2f}], p {overall['p']:.2g}. Intervals: 95 %,"
        f" percentiles of {RESAMPLES:,} paired resamples of a class's clips, not corrected. How"
        " much another training of each would differ is in neither."
    )


def papers_counts(model: Scores, baseline: Scores) -> str:
    """Return what the paper counts, where these scores are of the two that it compares."""
    facts = figure1_facts()
    runs = [scores.provenance["run"] for scores in (model, baseline)]
    dataset, split, _, _ = model.run
    found = (
        f"{dataset}_{split}",
        runs[0]["modality"],
        *(run["network"]["network"] for run in runs),
    )
    if found != tuple(facts[key] for key in ("task", "modality", "network", "baseline")):
        return ""
    return (
        f" The paper's Figure 1 counts {facts['better']} better, {facts['equal']} equal,"
        f" {facts['worse']} worse."
    )


def main() -> None:
    """Compare two score files, write the table, the figure and its caption."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scores", type=Path, required=True, help="score file of the model")
    parser.add_argument("--baseline-scores", type=Path, required=True)
    parser.add_argument("--task", required=True)
    parser.add_argument("--stream", required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--baseline", required=True)
    add_outputs(parser)
    args = parser.parse_args()

    model = load_scores_of(args.scores, args.task, args.model, args.stream)
    baseline = load_scores_of(args.baseline_scores, args.task, args.baseline, args.stream)
    compared = compare_classes(model, baseline)
    mark, select = mark_of([model, baseline]), select_of([model, baseline])
    chances = compared.classes[["p", "holm"]]
    exact = {name: chances[name].map("{:.3g}".format, na_action="ignore") for name in chances}
    save_result_table(args.table, compared.classes.round(2).assign(**exact, select=select))
    caption = caption_of(compared, args.task, args.stream, args.model, args.baseline)
    notes = recipe_lines([scores.provenance["run"] for scores in (model, baseline)])
    save_text(
        args.caption, "\n".join([caption + mark + papers_counts(model, baseline), *notes]) + "\n"
    )
    better, equal, worse = compared.counts
    title = (
        f"{args.model} against {args.baseline}: {args.task}, stream {args.stream}\n"
        f"{better} classes better, {equal} equal, {worse} worse{mark}"
    )
    with in_style():
        save_figure(draw_class_differences(compared, title, notes), args.figures)
    save_manifest("draw_class_differences", args)
