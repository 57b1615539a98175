"""Settings that a run has only where they differ from what every run did before there were any.

So a new one of them makes no older result anew. Other settings are in every run.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from protogcn.errors import ConfigError

if TYPE_CHECKING:
    from protogcn.config.resolved import Run

OPTIONS: Mapping[str, Any] = {
    "sampling": "uniform",
    "bone_lengths": 0.0,
    "copy_person": False,
    "schedule": "cosine",
    "steps": [],
    "warmup": 0,
    "last_rate": 0.0,
    "drop_last": False,
    "label_smoothing": 0.0,
}


def without_defaults(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings without the options that are as by default."""
    return {
        key: value for key, value in settings.items() if key not in OPTIONS or value != OPTIONS[key]
    }


def check_options(run: "Run") -> None:
    """Refuse options that do not go together.

    Raises:
        ConfigError: with the run and what to change.
    """
    settings, option = run.settings, run.option
    epochs, steps, warmup = settings["epochs"], option("steps"), option("warmup")
    by_steps = option("schedule") == "steps"
    rate, last_rate = settings["learning_rate"], option("last_rate")
    problems = [
        (
            option("sampling") == "resized" and settings["crops"] > 1,
            f"crops is {settings['crops']}, but with sampling resized a clip has one test crop, its"
            " middle; set crops to 1",
        ),
        (
            option("copy_person") and run.dataset.persons == 1,
            f"copy_person is true, but datasets.{run.dataset.name}.persons is 1, so there is no"
            " second slot; set copy_person to false",
        ),
        (
            by_steps and not steps,
            "schedule is steps, but steps names no epochs; write them, as in [35, 55]",
        ),
        (
            steps and not by_steps,
            f"steps is {steps}, but schedule is cosine; set schedule to steps, or steps to []",
        ),
        (
            steps != sorted({*steps}) or (steps and steps[0] < warmup),
            f"steps is {steps}, expected growing numbers of epochs, from the warmup {warmup} on",
        ),
        (
            steps and steps[-1] >= epochs,
            f"steps is {steps}, but there are {epochs} epochs, so that the rate would not fall as"
            " asked; give the run steps of its own, or schedule cosine and steps []",
        ),
        (warmup >= epochs, f"warmup is {warmup}, expected fewer than the {epochs} epochs"),
        (
            last_rate and by_steps,
            f"last_rate is {last_rate}, but schedule is steps; it is the end of a cosine",
        ),
        (
            last_rate >= rate,
            f"last_rate is {last_rate}, expected less than the learning_rate {rate}",
        ),
        *_of_ancestors(run),
    ]
    for is_wrong, what in problems:
        if is_wrong:
            raise ConfigError(f"run {run.name}: {what}.")


def _of_ancestors(run: "Run") -> list[tuple[bool, str]]:
    """Return what cannot be of InfoGCN, which reads joints: its k is what makes bones of them."""
    k = {"b": 1, "k": 2}.get(run.modality[0])
    if k is None or run.network["network"] != "infogcn":
        return []
    return [
        (
            run.network["k"] != k,
            f"model.k is {run.network['k']}, but in stream {run.stream} InfoGCN reads joints"
            f" relative to their ancestor {k} up; set model.k to {k} for it",
        )
    ]
