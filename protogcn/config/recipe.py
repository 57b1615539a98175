"""Settings of several runs -> whether the runs are trained alike: what they share, what each has.

A run is given as what ``Run.to_mapping`` returns, which is also what its score file holds.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from protogcn.config.validation import VALIDATION

# What makes a recipe, in the order of reading.
_RECIPE = (
    "preparation", "copy_person", "epochs", "batch", "drop_last", "learning_rate", "schedule",
    "steps", "warmup", "last_rate", "momentum", "weight_decay", "label_smoothing", "sampling",
    "frames", "crops", "rotation", "bone_lengths", "swap", "limb_drop", "select", "seed",
)  # fmt: skip
# Names a run, as its other names do; they are no settings.
_NAMES = ("run.split", "run.model", "run.modality", "run.repeat", "run.dataset.name")
_FIRST = ("settings.", "network.")
# Settings of score files that were written before the config had a section engine.
_OF_ENGINE = (
    "device", "gpus", "compile", "cuda_graphs", "tf32", "fused_optimizer", "fused_passes",
    "topology_kernel",
)  # fmt: skip


def shared_and_own(
    settings: Sequence[Mapping[str, Any]], *, absent: Any = None
) -> tuple[dict[str, Any], dict[str, list[Any]]]:
    """Return the settings that are the same in all runs, and the others with one value a run.

    Args:
        settings: of each run.
        absent: the value of a setting that a run does not have.
    """
    names = dict.fromkeys(name for each in settings for name in each)
    values = {name: [each.get(name, absent) for each in settings] for name in names}
    shared = {
        name: found[0]
        for name, found in values.items()
        if all(value == found[0] for value in found)
    }
    return shared, {name: found for name, found in values.items() if name not in shared}


def settings_digest(run: Mapping[str, Any]) -> str:
    """Return the SHA-256 of what shapes a run's scores: all but its engine and its validation."""
    shaping = {key: value for key, value in run.items() if key != "engine"}
    shaping["settings"] = _without(run["settings"], (*VALIDATION, *_OF_ENGINE))
    return hashlib.sha256(json.dumps(shaping, sort_keys=True).encode()).hexdigest()


def recipe_of(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings that are part of a recipe: CPU threads decide the order of sums only."""
    return _without(settings, ("cpu_threads", *VALIDATION, *_OF_ENGINE))


def recipe_lines(runs: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return a line for each run with its network and own settings, and a last one they share."""
    ordered = dict.fromkeys(_RECIPE)
    shared, own = shared_and_own([ordered | recipe_of(run["settings"]) for run in runs])
    lines = []
    for number, run in enumerate(runs):
        network = dict(sorted(run["network"].items(), key=lambda item: item[0] != "network"))
        parts = network | {name: values[number] for name, values in own.items()}
        lines.append(f"{run['model']}: {_listed(parts)}.")
    common = {name: value for name, value in shared.items() if name in _RECIPE}
    return [*lines, f"both: {_listed(common)}."] if common else lines


def flattened(provenance: Mapping[str, Any]) -> dict[str, str]:
    """Return every entry of a provenance as text, settings first: {"settings.batch": "64", ...}."""
    texts = {
        name.removeprefix("run."): text
        for name, text in _flatten("", provenance)
        if name not in _NAMES
    }
    return dict(sorted(texts.items(), key=lambda entry: not entry[0].startswith(_FIRST)))


def _without(settings: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    return {name: value for name, value in settings.items() if name not in names}


def _flatten(prefix: str, value: Any) -> list[tuple[str, str]]:
    if isinstance(value, Mapping):
        return [
            entry
            for key, inner in value.items()
            for entry in _flatten(f"{prefix}.{key}" if prefix else str(key), inner)
        ]
    if isinstance(value, str):
        return [(prefix, value)]
    if isinstance(value, list | tuple) and all(isinstance(entry, str) for entry in value):
        return [(prefix, ", ".join(value))]
    return [(prefix, json.dumps(value))]


def _listed(settings: Mapping[str, Any]) -> str:
    return ", ".join(
        f"{name.replace('_', ' ')} {_as_text(value)}"
        for name, value in settings.items()
        if value is not None
    )


def _as_text(value: Any) -> str:
    if isinstance(value, list | tuple):
        return "/".join(map(_as_text, value))
    return f"{value:g}" if isinstance(value, float) else str(value)
