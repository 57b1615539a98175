"""What makes two trainings the same one: the settings and the data that shape its weights."""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

from protogcn.batches.clip_store import ClipStore
from protogcn.config.resolved import Run

# A checkpoint is scored with any number of crops and any borders between them. The number of CPU
# threads is part of a training: it decides in which order the CPU adds up.
_SCORING_ALONE = {"crops", "crop_borders"}


def training_facts(run: Run, store: ClipStore, shapes: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """Return everything that makes two trainings the same, flat.

    Args:
        run: settings, network, modality.
        store: its clips; only those on the split's training side matter.
        shapes: name and shape of every tensor of the network.
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
    return run_facts(run, shapes) | {
        "frames of the data": store.digest,
        "training clips": _digest(list(clips)),
    }


def run_facts(run: Run, shapes: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """Return those of a training's facts that can be told without its data."""
    settings = {key: value for key, value in run.settings.items() if key not in _SCORING_ALONE}
    skeleton = run.dataset.skeleton
    return {
        **settings,
        **network_facts(run, shapes),
        "skeleton": _digest((skeleton.pairs, skeleton.limbs, *_graph(run))),
    }


def network_facts(run: Run, shapes: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """Return what is known of weights that were trained elsewhere."""
    return {
        **{f"model.{key}": value for key, value in run.network.items()},
        "modality": run.modality,
        "classes": len(run.dataset.classes),
        "network layout": _digest([(name, tuple(shape)) for name, shape in shapes]),
    }


def differing(first: Mapping[str, Any], second: Mapping[str, Any]) -> list[str]:
    """Return the names of the facts in which two trainings differ."""
    names = sorted(first.keys() | second.keys())
    return [name for name in names if first.get(name) != second.get(name)]


def _graph(run: Run) -> tuple[object, ...]:
    """Return what a network's graph starts from; ProtoGCN's starts from random numbers."""
    skeleton = run.dataset.skeleton
    return () if run.network["network"] == "protogcn" else (skeleton.edges, skeleton.parents)


def _digest(value: object) -> str:
    return hashlib.sha256(repr(value).encode()).hexdigest()
