"""The histories of several trainings -> their losses and accuracies, epoch by epoch."""

import argparse
from collections.abc import Mapping
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from protogcn.errors import ConfigError
from protogcn.files.contracts import save_text
from protogcn.files.history import column_of, load_history, sides_measured
from protogcn.files.scores import mark_of_select
from protogcn.report.figures.outputs import add_outputs, save_figure
from protogcn.report.figures.style import COLOUR_OF, in_style
from protogcn.report.provenance.record import save_manifest

_DASHES = (3, 1.5)
_SIDES = {  # what a history was measured on
    "train": "the training side without augmentation",
    "val": "the side val",
    "test": "the test side",
    "select": "the side that select: best looks at, whose best epoch is the network",
}
_NAMES = {"train": "plain training", "val": "validation"}  # in front of "accuracy"


def draw_learning_curves(histories: Mapping[str, pd.DataFrame], title: str) -> Figure:
    """Draw loss and training accuracy of each stream; a repeat's line is paler.

    Each side of the split that some stream was measured on while it trained has a panel besides.

    Args:
        histories: by stream.
        title: a line above.
    """
    sides = _sides_of(histories)
    figure = Figure(figsize=(7.2 + 2.7 * len(sides), 3.0), layout="constrained")
    loss, accuracy, *others = figure.subplots(1, 2 + len(sides), sharex=bool(sides))
    for stream, history in histories.items():
        modality, _, repeat = stream.partition("-")
        look = {
            "color": COLOUR_OF[modality],
            "alpha": 0.45 if repeat else 1.0,
            "linestyle": (0, _DASHES) if modality.endswith("m") else "-",
            "marker": "o" if len(history) == 1 else "",  # a line needs two points
            "markersize": 3,
        }
        loss.plot(history["epoch"], history["loss"], label=stream, **look)
        accuracy.plot(history["epoch"], history["accuracy"], **look)
        for axes, side in zip(others, sides, strict=True):
            if side in sides_measured(history):
                measured = history[["epoch", column_of(side)]].dropna()
                axes.plot(*measured.to_numpy().T, **{**look, "marker": "o", "markersize": 2.5})
    loss.set(xlabel="epoch", ylabel="training loss", ylim=(0, None))
    accuracy.set(xlabel="epoch", ylabel="training accuracy (%)", ylim=(0, 102))
    for axes, side in zip(others, sides, strict=True):
        axes.set(xlabel="epoch", ylabel=f"{_NAMES.get(side, side)} accuracy (%)", ylim=(0, 102))
    for axes in (loss, accuracy, *others):
        axes.grid()
        axes.xaxis.get_major_locator().set_params(integer=True)
    figure.suptitle(title)
    figure.legend(loc="outside right upper", title="stream", handlelength=3)
    return figure


def _sides_of(histories: Mapping[str, pd.DataFrame]) -> list[str]:
    """Return the sides that some of these trainings were measured on."""
    return list(dict.fromkeys(s for history in histories.values() for s in sides_measured(history)))


def _remark(histories: Mapping[str, pd.DataFrame], side: str) -> str:
    """Return what a caption says of a side's panel."""
    column = column_of(side)
    measured = {s: h[column].dropna() for s, h in histories.items() if column in h}
    ends = ", ".join(f"{stream} {values.iloc[-1]:.2f} %" for stream, values in measured.items())
    mark = mark_of_select("watched") if side == "test" else ""
    return f" Measured on {_SIDES[side]}, one crop of each clip{mark}: in the end {ends}."


def main() -> None:
    """Read the histories, write the figure and its caption."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--histories", type=Path, nargs="+", required=True)
    parser.add_argument("--streams", nargs="+", required=True, help="name of each history")
    parser.add_argument("--name", required=True, help="what the figure calls these trainings")
    add_outputs(parser, with_table=False)
    args = parser.parse_args()

    if not len(args.histories) == len(args.streams) == len(set(args.streams)):
        raise ConfigError(
            f"{len(args.histories)} histories and {len(args.streams)} streams, expected one stream"
            " for each history, no stream twice."
        )
    histories = {
        stream: load_history(path)
        for stream, path in zip(args.streams, args.histories, strict=True)
    }
    ends = ", ".join(
        f"{stream} {history['accuracy'].iloc[-1]:.2f} %" for stream, history in histories.items()
    )
    remarks = "".join(_remark(histories, side) for side in _sides_of(histories))
    save_text(
        args.caption,
        f"Training of {args.name}: loss (all parts, weighted) and accuracy on the augmented"
        f" training clips, epoch by epoch. Dashes are motions, paler lines repeats. Accuracy in the"
        f" last epoch: {ends}.{remarks}\n",
    )
    with in_style():
        save_figure(draw_learning_curves(histories, args.name), args.figures)
    save_manifest("draw_learning_curves", args)
