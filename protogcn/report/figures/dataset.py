"""A prepared dataset -> what is in it and what was left out, as a table and a picture.

Shapes: N clips, M persons, V joints, C channels.
"""

import argparse
import math
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from protogcn.config.datasets import expected_clips
from protogcn.config.resolved import Dataset, load_dataset
from protogcn.config.skeleton import Skeleton
from protogcn.data.subjects import subject_of
from protogcn.files.clip_table import SIDES, ClipTable
from protogcn.files.csv_table import load_table
from protogcn.files.spreadsheet import save_result_table
from protogcn.report.figures.outputs import save_figure
from protogcn.report.figures.style import BLUE, GREY, ORANGE, fitted, in_style
from protogcn.report.provenance.record import add_manifest, save_manifest

_MOMENTS = (0.2, 0.5, 0.8)  # shares of a clip
_SHADES = ("#c6d4e8", "#7fa0cc", "#1f4e8c")  # early to late
_COLOUR_OF_SIDE = {"train": BLUE, "val": GREY, "test": ORANGE}
_COLUMNS = 10
_MOST_CLASSES = 120  # mean skeletons drawn
_LONGEST_NAME = 22  # characters


def count_clips(
    dataset: Dataset,
    table: ClipTable,
    dropped: pd.DataFrame,
    inputs: Mapping[str, Any] = MappingProxyType({}),
) -> pd.DataFrame:
    """Return one row for all clips, for each rule, split side, group of copies, class and subject.

    Columns: ``group`` (all, dropped, side, copies, class, subject), ``name``, ``clips``,
    ``shortest``, ``median``, ``longest`` (frames), ``two_persons`` (clips), ``expected``: how
    many clips the authors of NTU RGB+D count on that side, where that is known.

    Args:
        dataset: its classes and splits.
        table: its clips.
        dropped: what was left out.
        inputs: of the trailer of its joints, with the copies that the joints stage found.
    """
    everything = np.ones(len(table.ids), bool)
    rows = [_row(table, "all", dataset.name, everything)]
    rows += [
        {"group": "dropped", "name": rule, "clips": count}
        for rule, count in sorted(dropped["rule"].value_counts().items())
    ]
    for split, sides in table.sides.items():
        for side in SIDES:
            if (chosen := sides == side).any() or side in ("train", "test"):
                expected = expected_clips(dataset, split, side)
                rows.append(_row(table, "side", f"{split} {side}", chosen, expected))
    for split, counts in inputs.get("copies", {}).items():
        name = f"{split}: test clips that are training clips too"
        rows.append({"group": "copies", "name": name, "clips": counts["test clips"]})
        for names in inputs["clips of copies"][split]:
            chosen = np.isin(table.ids, names)
            sides = zip(table.ids[chosen], table.sides[split][chosen], strict=True)
            line = " = ".join(f"{clip} ({side})" for clip, side in sides)
            rows.append(_row(table, "copies", f"{split}: {line}", chosen))
    for label, name in enumerate(dataset.classes):
        rows.append(_row(table, "class", f"{label} {name}", table.labels == label))
    subjects = table.groups.get("subject", np.array([subject_of(clip) for clip in table.ids]))
    for subject in sorted(set(subjects) - {""}, key=lambda name: (len(name), name)):
        rows.append(_row(table, "subject", subject, subjects == subject))
    return pd.DataFrame(rows, columns=list(rows[0]))


def draw_dataset(
    dataset: Dataset,
    joints: np.ndarray,
    table: ClipTable,
    inputs: Mapping[str, Any] = MappingProxyType({}),
) -> Figure:
    """Draw the lengths of all clips, the clips of each class, and each class's mean skeleton.

    The mean skeleton is that of the first person, at three moments of the clips.

    Args:
        dataset: its classes, splits and layout.
        joints: (F, M, V, C), prepared.
        table: the clips in it.
        inputs: of its trailer, with the copies across each split.
    """
    num_drawn = min(len(dataset.classes), _MOST_CLASSES)
    num_rows = math.ceil(num_drawn / _COLUMNS)
    figure = Figure(figsize=(12, 2.6 + 1.5 * num_rows), layout="constrained")
    top, bottom = figure.subfigures(2, 1, height_ratios=(2.6, 1.5 * num_rows))
    lengths, classes = top.subplots(1, 2, width_ratios=(1, 2))
    lengths.hist(table.num_frames, bins=40, color=_SHADES[1])
    lengths.set(xlabel="frames of a clip", ylabel="clips")
    _draw_classes(classes, dataset, table)
    means = mean_skeletons(joints, table, len(dataset.classes))  # (K, moments, V, C)
    limits = _limits(means[:num_drawn])
    cells = bottom.subplots(num_rows, min(_COLUMNS, num_drawn), squeeze=False).ravel()
    for label, axes in enumerate(cells):
        axes.set_axis_off()
        if label < num_drawn:
            _draw_skeletons(axes, means[label], dataset.skeleton, limits)
            name = fitted(dataset.classes[label], _LONGEST_NAME)
            axes.set_title(name, fontsize=6.5, fontweight="normal")
    some = "" if num_drawn == len(dataset.classes) else f" (the first {num_drawn} classes)"
    bottom.suptitle(f"Mean skeletons, light to dark: early to late in the clip{some}")
    copies = "".join(
        f"; {split}: {counts['test clips']} test clips are training clips too"
        for split, counts in inputs.get("copies", {}).items()
        if counts["test clips"]
    )
    top.suptitle(f"{dataset.name}: {len(table.ids)} clips{copies}")
    return figure


def mean_skeletons(joints: np.ndarray, table: ClipTable, num_classes: int) -> np.ndarray:
    """Return (K, moments, V, C): the mean of each class's first persons; NaN without any.

    A joint that is zero is missing and does not count.
    """
    means = np.full((num_classes, len(_MOMENTS), *joints.shape[2:]), np.nan)
    for moment, share in enumerate(_MOMENTS):
        rows = table.first_frames + (share * (table.num_frames - 1)).astype(np.int64)
        poses = np.asarray(joints[rows, 0], np.float64)  # (N, V, C)
        there = poses.any(axis=2)  # (N, V)
        for label in range(num_classes):
            mine = table.labels == label
            counts = there[mine].sum(axis=0)[:, None]  # (V, 1)
            total = poses[mine].sum(axis=0)
            np.divide(total, counts, out=means[label, moment], where=counts > 0)
    return means


def _row(
    table: ClipTable, group: str, name: str, chosen: np.ndarray, expected: int | None = None
) -> dict[str, str | int | None]:
    lengths = table.num_frames[chosen]
    shortest, median, longest = (
        (int(lengths.min()), int(np.median(lengths)), int(lengths.max()))
        if len(lengths)
        else (None, None, None)
    )
    return {
        "group": group,
        "name": name,
        "clips": int(chosen.sum()),
        "shortest": shortest,
        "median": median,
        "longest": longest,
        "two_persons": int((table.persons[chosen] > 1).sum()),
        "expected": expected,
    }


def _draw_classes(axes: Axes, dataset: Dataset, table: ClipTable) -> None:
    """Stack the clips of each side of the first split."""
    split, num_classes = dataset.splits[0], len(dataset.classes)
    below = np.zeros(num_classes)
    for side, colour in _COLOUR_OF_SIDE.items():
        chosen = table.labels[table.sides[split] == side]
        if len(chosen):
            counts = np.bincount(chosen, minlength=num_classes)
            axes.bar(range(num_classes), counts, 0.8, below, color=colour, label=side)
            below += counts
    axes.set_xlabel(f"class number; split {split}")
    axes.set_ylabel("clips")
    axes.set_xlim(-0.7, num_classes - 0.3)
    axes.legend(frameon=False, ncols=3, loc="lower right", bbox_to_anchor=(1, 1))


def _draw_skeletons(
    axes: Axes, moments: np.ndarray, skeleton: Skeleton, limits: tuple[float, float, float, float]
) -> None:
    """Draw (moments, V, C) seen from the front."""
    left, right, low, high = limits
    for pose, colour in zip(moments, _SHADES, strict=True):
        for joint, parent in enumerate(skeleton.parents):
            axes.plot(*pose[[joint, parent], :2].T, color=colour, linewidth=1.2)
    axes.set_aspect("equal")
    axes.set_xlim(left, right)
    axes.set_ylim(*((high, low) if skeleton.in_image else (low, high)))  # pixels count downwards


def _limits(means: np.ndarray) -> tuple[float, float, float, float]:
    x, y = means[..., 0], means[..., 1]
    if np.isnan(x).all():
        return 0.0, 1.0, 0.0, 1.0
    left, right, low, high = np.nanmin(x), np.nanmax(x), np.nanmin(y), np.nanmax(y)
    margin = 0.05 * max(right - left, high - low, 1e-6)
    return left - margin, right + margin, low - margin, high + margin


def main() -> None:
    """Write the table and the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dataset", type=Path, required=True, help="resolved dataset.yaml")
    parser.add_argument("--joints", type=Path, required=True)
    parser.add_argument("--clips", type=Path, required=True)
    parser.add_argument("--dropped", type=Path, required=True)
    parser.add_argument("--table", type=Path, required=True, help=".csv to write")
    parser.add_argument("--picture", type=Path, required=True, help=".png to write")
    add_manifest(parser)
    args = parser.parse_args()

    dataset = load_dataset(args.dataset)
    table = ClipTable.load(args.clips)
    joints, trailer = table.open_array(args.joints)
    dropped = load_table(args.dropped, {"clip": "str", "rule": "str"})
    rows = count_clips(dataset, table, dropped, trailer["inputs"])
    whole = dict.fromkeys(("shortest", "median", "longest", "two_persons", "expected"), "Int64")
    save_result_table(args.table, rows.astype(whole))
    with in_style():
        save_figure(draw_dataset(dataset, joints, table, trailer["inputs"]), [args.picture])
    save_manifest("draw_dataset", args)
