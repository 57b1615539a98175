"""A run and its checkpoint -> its trained network; a checkpoint of another training is refused.

Two trainings are the same one if their fingerprints are equal: the settings and the data that shape
the weights. A checkpoint keeps its training's fingerprint in the entry ``facts``.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from protogcn.batches.clip_store import ClipStore
from protogcn.config.resolved import Run
from protogcn.config.validation import VALIDATION
from protogcn.errors import ContractError, some_of
from protogcn.files.contracts import reading
from protogcn.models import build_model
from protogcn.models.checkpoint import load_checkpoint
from protogcn.models.topology import MotionTopology

_ENTRIES = {"model": dict, "epoch": int, "facts": dict, "commit": str, "versions": dict}
# Settings that do not affect the weights: a checkpoint is scored with any number of crops and any
# borders between them, and is looked at while it trains or not. The number of CPU threads does:
# it decides the order of sums.
_OF_SCORING = {"crops", "crop_borders", *VALIDATION}
_START = "weights to start from"  # known only while the file that had them is there


def build_network(run: Run, spatial: type[MotionTopology] = MotionTopology) -> nn.Module:
    """Build the network of a run; initial weights come from torch's global generator.

    Args:
        run: its network and dataset.
        spatial: the spatial part of ProtoGCN's blocks, see ``Engine.spatial``.
    """
    return build_model(
        run.network,
        run.dataset.skeleton,
        num_classes=len(run.dataset.classes),
        num_persons=run.dataset.persons,
        spatial=spatial,
    )


def load_trained(
    path: Path,
    run: Run,
    store: ClipStore | None = None,
    spatial: type[MotionTopology] = MotionTopology,
) -> tuple[nn.Module, dict[str, Any]]:
    """Read a checkpoint that the train stage wrote for a run, or an import.

    Args:
        path: the checkpoint.
        run: what it has to be a training of.
        store: the clips of its modality; None if only the settings can be compared.
        spatial: see ``build_network``.

    Returns:
        The trained network in evaluation mode, on the CPU, and the content of the checkpoint.

    Raises:
        ContractError: it is missing, damaged, or of another training.
    """
    checkpoint = load_checkpoint(path, _ENTRIES)
    found, imported = checkpoint["facts"], "imported" in checkpoint
    again = "import" if imported else "train"
    named = _network_settings(run)  # compared before a network of them asks for its memory
    _refuse_differing(path, run, {name: found.get(name) for name in named}, named, again)
    model = build_network(run, spatial)
    if store is None:
        expected = {
            name: value for name, value in run_fingerprint(run, model).items() if name in found
        }
        found = {name: found[name] for name in expected}
    elif imported:
        expected = network_fingerprint(run, model)
    else:
        expected = training_fingerprint(run, store, model, found.get(_START))
    _refuse_differing(path, run, found, expected, again)
    with reading(path, f"the weights of {run.name}"):
        load_weights(model, checkpoint["model"])
    return model.eval(), checkpoint


def load_weights(model: nn.Module, weights: Mapping[str, Any]) -> None:
    """Give a network the weights of a file, which have to be finite numbers of its own kind.

    Raises:
        ValueError: they are not.
        RuntimeError: shapes are others.
    """
    wanted = model.state_dict()
    if others := sorted(map(str, wanted.keys() ^ weights.keys())):
        raise ValueError(f"its tensors and the network's differ: {some_of(others, 3)}")
    for name, value in wanted.items():
        found = weights[name]
        if isinstance(found, torch.Tensor) and found.dtype != value.dtype:
            raise ValueError(f"{name} is of {found.dtype}, expected {value.dtype}")
    model.load_state_dict(weights)
    for name, value in model.state_dict().items():
        if not value.isfinite().all():
            raise ValueError(f"{name} is not finite")


def training_fingerprint(
    run: Run, store: ClipStore, model: nn.Module, start: str | None = None
) -> dict[str, Any]:
    """Return everything that makes two trainings the same, flat.

    Args:
        run: settings, network, modality.
        store: its clips; only those on the split's training side matter.
        model: its network, of which names and shapes of the tensors are taken.
        start: the digest of the weights that it starts from, None if they are drawn.
    """
    table = store.table
    rows = store.rows(run.split, "train")
    clips = zip(
        table.ids[rows],
        table.labels[rows].tolist(),
        table.first_frames[rows].tolist(),
        table.num_frames[rows].tolist(),
        strict=True,
    )
    return run_fingerprint(run, model) | {
        "frames of the data": store.digest,
        "training clips": _digest(list(clips)),
        **({} if start is None else {_START: start}),
    }


def run_fingerprint(run: Run, model: nn.Module) -> dict[str, Any]:
    """Return the part of a training's fingerprint that is known without its data."""
    settings = {key: value for key, value in run.settings.items() if key not in _OF_SCORING}
    if "start_from" in settings:  # where its file lies does not matter
        settings["start_from"] = True
    skeleton = run.dataset.skeleton
    return {
        **settings,
        **network_fingerprint(run, model),
        "skeleton": _digest((skeleton.pairs, skeleton.limbs, *_graph(run))),
    }


def network_fingerprint(run: Run, model: nn.Module) -> dict[str, Any]:
    """Return the part that is known of weights that were trained elsewhere."""
    shapes = [(name, tuple(value.shape)) for name, value in model.state_dict().items()]
    return {**_network_settings(run), "network layout": _digest(shapes)}


def differing(first: Mapping[str, Any], second: Mapping[str, Any]) -> list[str]:
    """Return the names of the entries in which two fingerprints differ."""
    names = sorted(first.keys() | second.keys())
    return [name for name in names if not _equal(first.get(name), second.get(name))]


def _equal(first: object, second: object) -> bool:
    """Whether two facts are; a file of any origin may have tensors, which compare by element."""
    try:
        return (first == second) is True
    except RuntimeError:
        return False


def _network_settings(run: Run) -> dict[str, Any]:
    return {
        **{f"model.{key}": value for key, value in run.network.items()},
        "modality": run.modality,
        "classes": len(run.dataset.classes),
    }


def _refuse_differing(
    path: Path, run: Run, found: Mapping[str, Any], expected: Mapping[str, Any], again: str
) -> None:
    if others := differing(found, expected):
        raise ContractError(
            f"{path}: is of a training with other {', '.join(others)} than {run.name};"
            f" {again} again."
        )


def _graph(run: Run) -> tuple[object, ...]:
    """Return what a network's graph starts from; ProtoGCN's starts from random numbers."""
    skeleton = run.dataset.skeleton
    return () if run.network["network"] == "protogcn" else (skeleton.edges, skeleton.parents)


def _digest(value: object) -> str:
    return hashlib.sha256(repr(value).encode()).hexdigest()
