"""One clip in some modalities -> an animation for talks, and a strip of its frames for papers.

Shapes: T frames of the clip, M persons, V joints.
"""

import argparse
import io
import math
import textwrap
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from PIL import Image

from protogcn.config.resolved import MODALITIES, load_dataset
from protogcn.errors import ConfigError, ContractError
from protogcn.files.clip_table import ClipTable
from protogcn.files.contracts import save_text, writing
from protogcn.jobs.bar import show_progress
from protogcn.report.figures.outputs import add_outputs, save_figure
from protogcn.report.figures.pose_lines import PoseLines, View, pose_lines
from protogcn.report.figures.style import COLOUR_OF, GREY, in_style
from protogcn.report.provenance.record import save_manifest

_TITLES = {
    "j": "joints",
    "b": "bones",
    "k": "two-step bones",
    "jm": "motion of joints",
    "bm": "motion of bones",
    "km": "motion of two-step bones",
}
_MILLISECONDS = 30  # of a frame: a sensor of 30 Hz, in the hundredths that GIF counts in
_MOST_FRAMES = 300
_DOTS = 110  # per inch of an animation
_COLOURS = 64
_COLUMNS = 6  # frames of a strip


class _Drawing:
    """The lines of one modality in one set of axes."""

    def __init__(self, axes: Axes, lines: PoseLines):
        self._lines = lines
        colour = COLOUR_OF[lines.modality]
        self._bones = axes.add_collection(LineCollection([], colors=GREY, linewidths=0.9))
        self._values = axes.add_collection(LineCollection([], colors=colour, linewidths=1.3))
        self._ends = axes.add_line(Line2D([], [], color=colour, ls="", marker="o", markersize=1.8))
        every = np.concatenate([lines.bones, lines.values]).reshape(-1, 2)
        low, high = np.nanmin(every, axis=0), np.nanmax(every, axis=0)
        room = 0.04 * max(high - low)
        axes.set(
            aspect="equal",
            xlim=(low[0] - room, high[0] + room),
            ylim=(low[1] - room, high[1] + room),
        )
        axes.axis("off")

    def show(self, frame: int) -> None:
        """Show one frame."""
        values = self._lines.values[frame].reshape(-1, 2, 2)
        self._bones.set_segments(self._lines.bones[frame].reshape(-1, 2, 2))
        self._values.set_segments(values)
        self._ends.set_data(values[:, 1].T)


def animate(clip: Sequence[PoseLines], title: str) -> list[Image.Image]:
    """Draw every frame of a clip, its modalities beside each other, three in a row."""
    num_frames = len(clip[0].bones)
    columns = min(3, len(clip))
    rows = math.ceil(len(clip) / columns)
    figure = Figure(figsize=(2.6 * columns, 0.4 + 2.9 * rows), dpi=_DOTS, layout="constrained")
    drawings = []
    for axes, lines in zip(figure.subplots(rows, columns, squeeze=False).flat, clip, strict=False):
        axes.set_title(
            f"{lines.modality}: {_TITLES[lines.modality]}", color=COLOUR_OF[lines.modality]
        )
        drawings.append(_Drawing(axes, lines))
    for axes in figure.axes[len(clip) :]:
        axes.axis("off")
    figure.suptitle(textwrap.fill(title, 28 * columns))
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    figure.set_layout_engine("none")  # laid out once
    images: list[Image.Image] = []
    for frame in show_progress(range(num_frames), total=num_frames, what="frames"):
        for drawing in drawings:
            drawing.show(frame)
        canvas.draw()
        whole = Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")
        palette = images[0] if images else whole.quantize(_COLOURS)
        images.append(whole.quantize(palette=palette, dither=Image.Dither.NONE))
    return images


def save_animation(path: Path, images: Sequence[Image.Image], milliseconds: int) -> None:
    """Write a GIF that runs in a circle, whole or not at all.

    Raises:
        ContractError: the file cannot be written.
    """
    buffer = io.BytesIO()
    images[0].save(
        buffer,
        format="GIF",
        save_all=True,
        append_images=images[1:],
        duration=milliseconds,
        loop=0,
    )
    with writing(path, needed=buffer.tell()) as file:
        file.write(buffer.getbuffer())


def draw_strip(clip: Sequence[PoseLines], title: str) -> Figure:
    """Draw frames from the first to the last, a row for each modality."""
    num_frames = len(clip[0].bones)
    chosen = np.unique(np.linspace(0, num_frames - 1, _COLUMNS).round().astype(int))
    size = (1.3 * len(chosen) + 0.5, 0.4 + 1.6 * len(clip))
    figure = Figure(figsize=size, layout="constrained")
    grid = figure.subplots(len(clip), len(chosen), squeeze=False)
    for lines, row in zip(clip, grid, strict=True):
        for axes, frame in zip(row, chosen, strict=True):
            _Drawing(axes, lines).show(frame)
            if axes in grid[0]:
                axes.set_title(f"frame {frame + 1}", fontsize=7, fontweight="normal")
        row[0].text(-0.02, 0.5, lines.modality, transform=row[0].transAxes, ha="right",
                    va="center", fontweight="bold", color=COLOUR_OF[lines.modality])  # fmt: skip
    figure.suptitle(title)
    return figure


def read_clip(
    joints_path: Path, values_paths: Sequence[Path], table: ClipTable, clip: str
) -> tuple[np.ndarray, list[np.ndarray]]:
    """Return the joints of one clip and its values in each file, (T, M, V, 3), real bodies only.

    Raises:
        ConfigError: there is no such clip.
        ContractError: a file is damaged, or not one the clip table belongs to.
    """
    row = table.row_of(clip)
    first, persons = table.first_frames[row], max(1, table.persons[row])
    frames = slice(first, first + table.num_frames[row])
    paths = (joints_path, *values_paths)
    joints, *values = (np.array(table.open_array(path)[0][frames, :persons]) for path in paths)
    return joints, values


def main() -> None:
    """Read one clip, write its animation, its strip and their caption."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dataset", type=Path, required=True, help="resolved dataset.yaml")
    parser.add_argument("--preparation", required=True)
    parser.add_argument("--joints", type=Path, required=True, help="j.npy")
    parser.add_argument(
        "--values", type=Path, nargs="+", required=True, help=".npy of each modality"
    )
    parser.add_argument("--modalities", choices=MODALITIES, nargs="+", required=True)
    parser.add_argument("--clips", type=Path, required=True)
    parser.add_argument("--clip", required=True, help="id of the clip")
    parser.add_argument("--animation", type=Path, required=True, help="gif")
    add_outputs(parser, with_table=False)
    args = parser.parse_args()

    if len(args.values) != len(args.modalities):
        raise ConfigError(
            f"{len(args.values)} files and {len(args.modalities)} modalities, expected one each."
        )
    if args.animation.suffix != ".gif":
        raise ConfigError(f"{args.animation}: an animation ends in .gif.")
    dataset, table = load_dataset(args.dataset), ClipTable.load(args.clips)
    joints, values = read_clip(args.joints, args.values, table, args.clip)
    if not joints.any():
        raise ContractError(f"clip {args.clip}: every joint is zero, there is nothing to draw.")
    step, view = math.ceil(len(joints) / _MOST_FRAMES), View.of(args.preparation)
    lines = [
        pose_lines(joints[::step], value[::step], modality, dataset.skeleton, view)
        for modality, value in zip(args.modalities, values, strict=True)
    ]
    label = dataset.classes[table.labels[table.row_of(args.clip)]]
    title = f"{args.clip} ({label})"
    save_text(
        args.caption,
        f"Clip {title} of {dataset.name}, preparation {args.preparation}: {len(joints)} frames,"
        f" one of {step} drawn; seen 25 degrees from the side unless it is an image. In colour each"
        " joint's value: bones end at their joint, motions start there and are lengthened alike; in"
        " grey the skeleton.\n",
    )
    with in_style():
        save_figure(draw_strip(lines, title), args.figures)
        save_animation(args.animation, animate(lines, title), step * _MILLISECONDS)
    save_manifest("draw_animation", args)
