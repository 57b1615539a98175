"""A prepared dataset -> a picture of its clips: lengths, classes, mean skeletons.

Shapes: N clips, M persons, V joints, C channels.
"""

import math
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from protogcn.config.resolved import Dataset
from protogcn.config.skeleton import Skeleton
from protogcn.files.clip_table import ClipTable
from protogcn.report.figures.style import BLUE, GREY, ORANGE, fitted, in_style, save_figure

_MOMENTS = (0.2, 0.5, 0.8)  # shares of a clip
_SHADES = ("#c6d4e8", "#7fa0cc", "#1f4e8c")  # early to late
_SIDES = {"train": BLUE, "val": GREY, "test": ORANGE}
_COLUMNS = 10
_MOST_CLASSES = 120  # mean skeletons drawn
_LONGEST_NAME = 22  # characters


def save_data_picture(path: Path, dataset: Dataset, joints: np.ndarray, table: ClipTable) -> None:
    """Draw the lengths of all clips, the clips of each class, and each class's mean skeleton.

    The mean skeleton is that of the first person, at three moments of the clips.

    Args:
        path: the png to write.
        dataset: its classes, splits and layout.
        joints: (F, M, V, C), prepared.
        table: the clips in it.
    """
    num_drawn = min(len(dataset.classes), _MOST_CLASSES)
    num_rows = math.ceil(num_drawn / _COLUMNS)
    with in_style():
        figure = Figure(figsize=(12, 2.6 + 1.5 * num_rows), layout="constrained")
        top, bottom = figure.subfigures(2, 1, height_ratios=(2.6, 1.5 * num_rows))
        lengths, classes = top.subplots(1, 2, width_ratios=(1, 2))
        _draw_lengths(lengths, table)
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
        top.suptitle(f"{dataset.name}: {len(table.ids)} clips")
        save_figure(figure, [path])


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


def _draw_lengths(axes: Axes, table: ClipTable) -> None:
    axes.hist(table.num_frames, bins=40, color=_SHADES[1])
    axes.set_xlabel("frames of a clip")
    axes.set_ylabel("clips")


def _draw_classes(axes: Axes, dataset: Dataset, table: ClipTable) -> None:
    """Stack the clips of each side of the first split."""
    split, num_classes = dataset.splits[0], len(dataset.classes)
    below = np.zeros(num_classes)
    for side, colour in _SIDES.items():
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
