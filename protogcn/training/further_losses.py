"""A run whose method adds a loss to CTR-GCN's -> that loss, for its network and training clips."""

from collections import Counter
from pathlib import Path

import torch
from torch import nn

from protogcn.batches.clip_store import ClipStore
from protogcn.config.inputs import texts_of
from protogcn.config.resolved import Run
from protogcn.errors import ConfigError
from protogcn.files.texts import load_texts
from protogcn.models.add_ons.graph_contrast import GraphContrast
from protogcn.models.add_ons.refinement_heads import RefinementHeads
from protogcn.models.add_ons.text_alignment import TextAlignment, TextEmbeddings


def further_losses(run: Run, store: ClipStore, model: nn.Module) -> nn.ModuleList:
    """Return the add-ons of a run's method, on its device; initial weights from torch's generator.

    Raises:
        ConfigError: settings that its training clips or joints do not allow, or no texts.
    """
    network, joints = run.network, run.dataset.skeleton.num_joints
    num_classes = len(run.dataset.classes)
    match network["network"]:
        case "skeletongcl":
            labels = torch.from_numpy(store.table.labels[store.rows(run.split, "train")])
            _check_counts(run, Counter(labels.tolist()))
            add_on = GraphContrast(
                len(model.blocks[-1].spatial.graph) * joints**2,
                labels,
                num_classes,
                positives=network["positives"],
                negatives=network["negatives"],
                temperature=network["temperature"],
                trained=network["projection"] == "trained",
            )
        case "frhead":
            add_on = RefinementHeads(
                _depths(model, run.settings["frames"]),
                joints,
                num_classes,
                only_right=network["penalties"] == "right",
            )
        case "gap":
            [file] = texts_of(run)
            *texts, _ = load_texts(Path(file), run.dataset.classes)
            add_on = TextAlignment(
                model.classify.in_features,
                len(model.blocks),
                network["parts"],
                joints,
                TextEmbeddings(*map(torch.from_numpy, texts)),
                weight=network["text_weight"],
            )
        case _:
            return nn.ModuleList()
    return nn.ModuleList([add_on]).to(store.device)


def _depths(model: nn.Module, frames: int) -> dict[int, tuple[int, int]]:
    """Return channels and frames of the first block, each down-sampling one, and the last."""
    sizes = {}
    for number, block in enumerate(model.blocks, 1):
        frames = -(-frames // block.stride)
        if number in (1, len(model.blocks)) or block.stride > 1:
            sizes[number] = (block.spatial.norm.num_features, frames)
    return sizes


def _check_counts(run: Run, clips: Counter) -> None:
    """Refuse numbers of graphs that no class can ever have stored."""
    positives, negatives = run.network["positives"], run.network["negatives"]
    total = sum(clips.values())
    if not any(own >= positives and total - own >= negatives for own in clips.values()):
        raise ConfigError(
            f"run {run.name}: model.positives is {positives} and model.negatives {negatives}, but"
            f" its classes have at most {max(clips.values())} training clips and"
            f" {total - min(clips.values())} of other classes: no clip would ever take part."
            " Choose at most a fifth of a class, and a few per cent of the others."
        )
