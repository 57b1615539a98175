"""A training after an epoch -> its accuracies on sides of its split, with no trace in the training.

Neither weights nor random numbers change. Of each clip one crop is scored, of ``crops`` of them in
a table.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from protogcn.batches.parallel import my_part, summed
from protogcn.config.resolved import Run
from protogcn.config.validation import measured_sides, no_such_side
from protogcn.errors import ConfigError
from protogcn.files.clip_table import ClipTable
from protogcn.files.history import column_of
from protogcn.scores.scoring import ScoringCrops, score_clips
from protogcn.training.epoch import Training


def check_sides(run: Run, table: ClipTable) -> None:
    """Refuse a side without clips before the first epoch, not after it.

    Raises:
        ConfigError: with the key that names the side.
    """
    for key, side in measured_sides(run).items():
        if not len(table.on_side(run.split, side)):
            raise ConfigError(no_such_side(run, key, side))


def is_measured(settings: Mapping[str, Any], epoch: int) -> bool:
    """Return whether a training is measured after an epoch, the first one being 1."""
    return settings["select"] == "best" or _is_validated(settings, epoch)


def measure_sides(training: Training) -> dict[str, float]:
    """Measure what its settings ask for after this epoch; keep the weights if they are best.

    Returns:
        Further columns of the epoch's row of the history: accuracies in per cent, and the seconds
        that they took; nothing if nothing is asked for.
    """
    settings, epoch, began = training.run.settings, training.epoch + 1, time.monotonic()
    wanted: dict[str, str] = {}
    if _is_validated(settings, epoch):
        wanted[settings["validate_on"]] = settings["validate_on"]
    if settings["select"] == "best":
        wanted["select"] = settings["select_on"]
    if not wanted:
        return {}
    found = {side: _accuracy(training, side) for side in dict.fromkeys(wanted.values())}
    if settings["select"] == "best":
        _keep_best(training, found[settings["select_on"]])
    row = {column_of(name): found[side] for name, side in wanted.items()}
    return row | {"validation_seconds": time.monotonic() - began}


def _is_validated(settings: Mapping[str, Any], epoch: int) -> bool:
    every = settings.get("validate_every", 0)
    return bool(every) and (epoch % every == 0 or epoch == settings["epochs"])


def _keep_best(training: Training, accuracy: float) -> None:
    if training.best is None or accuracy > training.best["accuracy"]:
        model = {name: value.clone() for name, value in training.model.state_dict().items()}
        training.best = {"epoch": training.epoch + 1, "accuracy": accuracy, "model": model}


def _accuracy(training: Training, side: str) -> float:
    """Score a side's clips, each process its part; return how many are right, in per cent."""
    store = training.store
    rows = store.rows(training.run.split, side)
    part = my_part(len(rows))
    mine, correct = rows[part.first : part.stop], 0
    if len(mine):
        _, probabilities = score_clips(
            training.evaluation(),
            store,
            mine,
            replace(ScoringCrops.of(training.run), crops=1),
            row_multiple=training.engine.row_multiple,
            watch=lambda batches: _reported(training, batches),
        )
        correct = int((probabilities.argmax(axis=1) == store.table.labels[mine]).sum())
    return 100 * int(summed(torch.tensor(correct, device=store.device))) / len(rows)


def _reported(training: Training, batches: Sequence[np.ndarray]) -> Iterator[np.ndarray]:
    """Yield the batches; a training that is measured for long still says that it lives."""
    for batch in batches:
        yield batch
        training.on_step(1, 1)
