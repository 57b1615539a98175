"""The histories of several trainings -> their losses and accuracies, epoch by epoch."""

import argparse
from collections.abc import Mapping
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from protogcn.errors import ConfigError
from protogcn.files.contracts import load_table, save_text
from protogcn.report.figures.outputs import add_outputs, save_figure
from protogcn.report.figures.style import COLOUR_OF, in_style

_COLUMNS = {
    "epoch": "int64",
    "learning_rate": "float64",
    "loss": "float64",
    "accuracy": "float64",
}
_DASHES = (3, 1.5)


def draw_learning_curves(histories: Mapping[str, pd.DataFrame], title: str) -> Figure:
    """Draw loss and training accuracy of each stream; a repeat's line is paler.

    Args:
        histories: by stream.
        title: a line above.
    """
    figure = Figure(figsize=(7.2, 3.0), layout="constrained")
    loss, accuracy = figure.subplots(1, 2)
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
    loss.set(xlabel="epoch", ylabel="training loss", ylim=(0, None))
    accuracy.set(xlabel="epoch", ylabel="training accuracy (%)", ylim=(0, 102))
    for axes in (loss, accuracy):
        axes.grid()
        axes.xaxis.get_major_locator().set_params(integer=True)
    figure.suptitle(title)
    figure.legend(loc="outside right upper", title="stream", handlelength=3)
    return figure


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
        stream: load_table(path, _COLUMNS)
        for stream, path in zip(args.streams, args.histories, strict=True)
    }
    ends = ", ".join(
        f"{stream} {history['accuracy'].iloc[-1]:.2f} %" for stream, history in histories.items()
    )
    save_text(
        args.caption,
        f"Training of {args.name}: loss (all parts, weighted) and accuracy on the augmented"
        f" training clips, epoch by epoch. Dashes are motions, paler lines repeats. Accuracy in the"
        f" last epoch: {ends}.\n",
    )
    with in_style():
        save_figure(draw_learning_curves(histories, args.name), args.figures)
