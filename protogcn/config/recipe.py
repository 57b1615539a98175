"""The settings behind a score file, in words: what two runs share and where they differ."""

from collections.abc import Mapping, Sequence
from typing import Any

NO_RECIPE = ("cpu_threads",)  # the order in which the CPU adds up
# What makes a recipe, in the order of reading.
_RECIPE = (
    "preparation", "epochs", "batch", "learning_rate", "momentum", "weight_decay", "frames",
    "crops", "rotation", "swap", "limb_drop", "select", "seed",
)  # fmt: skip


def recipes(runs: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return a line for each run with its network and own settings, and a last one they share.

    Args:
        runs: what ``provenance["run"]`` of their score files holds.
    """
    every = dict.fromkeys([*_RECIPE, *(key for run in runs for key in run["settings"])])
    settings = [key for key in every if key not in NO_RECIPE]
    values = {key: [run["settings"].get(key) for run in runs] for key in settings}
    same = [key for key in settings if all(value == values[key][0] for value in values[key])]
    own = [key for key in settings if key not in same]
    lines = []
    for run in runs:
        network = dict(sorted(run["network"].items(), key=lambda item: item[0] != "network"))
        parts = {**network, **{key: run["settings"].get(key) for key in own}}
        lines.append(f"{run['model']}: {_listed(parts)}.")
    shared = {key: values[key][0] for key in same if key in _RECIPE}
    return [*lines, f"both: {_listed(shared)}."] if shared else lines


def _listed(settings: Mapping[str, Any]) -> str:
    return ", ".join(
        f"{key.replace('_', ' ')} {_said(value)}"
        for key, value in settings.items()
        if value is not None
    )


def _said(value: Any) -> str:
    if isinstance(value, list | tuple):
        return "/".join(map(_said, value))
    return f"{value:g}" if isinstance(value, float) else str(value)
