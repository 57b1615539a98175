"""A trained network and one clip -> the topology it learned; ProtoGCN's prototypes rebuild it.

Source: the matrices of ProtoGCN's Figures 1 and 4, averaged over channels (supplement, section A).
Shapes: V joints.
"""

import argparse
from itertools import product

import numpy as np
import pandas as pd
import torch
from matplotlib.figure import Figure
from torch import Tensor, nn

from protogcn.batches.clip_store import ClipStore
from protogcn.config.resolved import Run, add_run_files, load_run
from protogcn.files.contracts import save_text
from protogcn.files.spreadsheet import save_result_table
from protogcn.models.inspection import Topologies, topologies
from protogcn.models.trained import load_trained
from protogcn.report.figures.outputs import add_outputs, save_figure
from protogcn.report.figures.style import in_style
from protogcn.report.provenance.record import save_manifest
from protogcn.scores.scoring import ScoringCrops

_TITLES = {
    "learned": "learned topology",
    "relations": "its part that follows the motion",
    "rebuilt": "rebuilt from prototypes",
}


_OF_PROTOGCN = (
    "Left, the topology along which joints are mixed (static part plus the part that follows the"
    " motion); middle, the part that follows the motion, which the prototypes are given; right,"
    " that part rebuilt as mixtures of prototypes (Z in the paper), before the map and the norm"
    " that the contrastive loss reads. Each has its own scale."
)
_OF_INFOGCN = (
    "Left, the topology along which joints are mixed: attention times a learned graph, the mean"
    " over frames and heads; right, the attention alone, which follows the motion. Each has its own"
    " scale."
)
_OF_TWO = (
    "Left, the topology along which joints are mixed, the mean over its graphs; right, its part"
    " that follows the motion. Each has its own scale."
)
_OF_ONE = (
    "The topology along which joints are mixed, the mean over its graphs; alike for all clips."
)


def topologies_of_clip(model: nn.Module, store: ClipStore, row: int, run: Run) -> Topologies:
    """Return the matrices (V, V) of one clip, the mean over its test crops."""
    bodies = ScoringCrops.of(run).cut(store, np.array([row]))
    found = topologies(model, bodies)
    return Topologies(*(each.mean(0) for each in found if each is not None))


def draw_topologies(found: Topologies, joints: tuple[str, ...], title: str) -> Figure:
    """Draw the matrices that there are, each with its own scale."""
    panels = _panels(found)
    names = [joint.replace("_", " ") for joint in joints]
    side = 1.0 + 0.115 * len(names)
    figure = Figure(figsize=(len(panels) * side + 1.2, side + 1.6), layout="constrained")
    places = figure.subplots(1, len(panels), squeeze=False)[0]
    for axes, (field, matrix) in zip(places, panels.items(), strict=True):
        image = axes.imshow(matrix.numpy(), cmap="viridis", interpolation="nearest")
        axes.set_title(_TITLES[field], loc="left")
        axes.set_xticks(range(len(names)), names, rotation=90, fontsize=6)
        axes.set_yticks(range(len(names)), names if field == "learned" else [], fontsize=6)
        axes.tick_params(length=0)
        axes.set_xlabel("takes")
        axes.spines[:].set_visible(False)
        bar = figure.colorbar(image, ax=axes, location="bottom", shrink=0.8, aspect=30)
        bar.outline.set_visible(False)
        bar.ax.tick_params(labelsize=6)
        bar.locator.set_params(nbins=4)
    figure.axes[0].set_ylabel("gives")
    figure.suptitle(title, y=1.02, va="bottom")
    return figure


def _panels(found: Topologies) -> dict[str, Tensor]:
    return {field: matrix for field, matrix in found._asdict().items() if matrix is not None}


def _legend(found: Topologies, run: Run) -> str:
    if run.network["network"] == "infogcn":
        return _OF_INFOGCN
    return {1: _OF_ONE, 2: _OF_TWO, 3: _OF_PROTOGCN}[len(_panels(found))]


def main() -> None:
    """Look at one clip through a trained network, write the matrices, the figure, its caption."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_run_files(parser)
    parser.add_argument("--clip", required=True, help="id of the clip")
    add_outputs(parser)
    args = parser.parse_args()

    run = load_run(args.config)
    store = ClipStore.load(args.values, args.clips, run, torch.device("cpu"))
    model, _ = load_trained(args.checkpoint, run, store)
    row = store.table.row_of(args.clip)
    found = topologies_of_clip(model, store, row, run)
    joints = run.dataset.skeleton.joints
    pairs = pd.DataFrame(list(product(joints, joints)), columns=["gives", "takes"])
    values = {field: matrix.flatten().numpy() for field, matrix in _panels(found).items()}
    save_result_table(args.table, pairs.assign(**values))
    label = run.dataset.classes[store.table.labels[row]]
    side, crops = store.table.sides[run.split][row], run.settings["crops"]
    crops = "one crop" if crops == 1 else f"{crops} crops"
    save_text(
        args.caption,
        f"What {run.name} makes of clip {args.clip} ({label}; {side} side): matrices of the last"
        f" block, averaged over channels, persons and {crops}."
        f" {_legend(found, run)}\n",
    )
    with in_style():
        title = f"{args.clip} ({label}), {run.name}"
        save_figure(draw_topologies(found, joints, title), args.figures)
    save_manifest("draw_topology", args)
