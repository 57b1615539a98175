"""The sides of a split that a training is measured on, or why there is no such clip.

``select: best`` measures every epoch on ``select_on``; a validation curve measures every
``validate_every``-th one on ``validate_on``.
"""

import csv
import mmap
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from protogcn.config.datasets import ANNOTATIONS
from protogcn.config.imports import IMPORTS
from protogcn.config.resolved import Dataset, Run
from protogcn.errors import ConfigError
from protogcn.files import paths

VALIDATION = ("validate_every", "validate_on")  # settings that change no weight and no score


def with_validation(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return a run's settings with both keys of its validation curve, or with none if it has none.

    What is not validated is the run that it was before there were such curves, and so is its file.
    """
    found = {key: value for key, value in settings.items() if key not in VALIDATION}
    every = settings.get("validate_every", 0)
    if not every or {*IMPORTS} & {*settings}:
        return found
    return found | {"validate_every": every, "validate_on": settings.get("validate_on", "val")}


def measured_sides(run: Run) -> dict[str, str]:
    """Return the sides that a training is measured on, each by the key that names it."""
    settings = run.settings
    sides = {"select_on": settings["select_on"]} if settings["select"] == "best" else {}
    if settings.get("validate_every"):
        sides["validate_on"] = settings["validate_on"]
    return sides


def check_measured_sides(run: Run) -> None:
    """Refuse a run that is measured on a side without clips, as far as its raw files tell quickly.

    A whole pickle is not read for that: only whether it has the words of three lists. What is not
    found out here, the training refuses before its first epoch.

    Raises:
        ConfigError: with the key, and what the split has instead.
    """
    for key, side in measured_sides(run).items():
        if side == "val" and has_val(run) is False:
            raise ConfigError(no_such_side(run, key, side))


def no_such_side(run: Run, key: str, side: str) -> str:
    """Return the sentence on a setting that names a side without clips."""
    return (
        f"run {run.name}: {key} is {side}, but split {run.split} has no {side} clip;"
        f" {_why(run.dataset, run.split)} Say {key}: train, or {key}: test, with which every table"
        " marks its numbers."
    )


def no_val_to_learn_on(run: Run) -> str:
    """Return the sentence on weights that are to be learned where no clip is on the side val."""
    return (
        f"run {run.name}: weights: learned needs clips that no training saw, but split {run.split}"
        f" has no val clip; {_why(run.dataset, run.split)} Add hold_out to"
        f" datasets.{run.dataset.name}, or leave {run.task} out of the ensemble's tasks."
    )


def has_val(run: Run) -> bool | None:
    """Return whether some clip of a run's split is on the side val; None if that is not known."""
    dataset, split = run.dataset, run.split
    if split in dataset.twins:
        return True
    prepared = Path(paths.prepared(dataset.name, run.settings["preparation"]), "clips.csv")
    raw = Path(dataset.raw)
    with suppress(OSError, UnicodeDecodeError, csv.Error):  # whose reader says what is wrong
        if prepared.is_file():
            return _column_has_val(prepared, split)
        if dataset.is_pickle:
            return _lists_have_val(raw, split) if raw.is_file() else None
        if dataset.protocol is not None:
            return False  # the protocol's two sides
        return _column_has_val(raw / ANNOTATIONS, split)
    return None


def _column_has_val(table: Path, split: str) -> bool | None:
    with table.open(encoding="utf-8-sig", newline="") as file:
        rows = csv.reader(file)
        header = [name.strip() for name in next(rows, [])]
        if split not in header:
            return None
        column = header.index(split)
        sides = {row[column].strip() for row in rows if len(row) > column}
    if "val" in sides:
        return True
    return False if sides <= {"train", "test", "-", ""} else None  # the reader knows the others


@cache
def _lists_have_val(pickle: Path, split: str) -> bool | None:
    """Return False if a pickle cannot have three lists of a split: train, val and test."""
    with pickle.open("rb") as file, suppress(ValueError):  # an empty file cannot be mapped
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            has_train, *others = (
                any(content.find(word.encode()) >= 0 for word in _list_names(split, part))
                for part in ("train", "val", "test")
            )
            return False if has_train and not all(others) else None
    return None


def _list_names(split: str, part: str) -> list[str]:
    """Return what a list of a pickle may be called; those of split val have no name before."""
    return [f"{split}_{part}", *([part] if split == "val" else [])]


def _why(dataset: Dataset, split: str) -> str:
    if dataset.is_pickle:
        train, val, test = (_list_names(split, part)[-1] for part in ("train", "val", "test"))
        return (
            f"of a pickle's lists {train} and {val} the second is the side test; it is the side val"
            f" only beside a list {test}."
        )
    if dataset.protocol is not None:
        return f"protocol {dataset.protocol} has the sides train and test."
    return f"its clips are those with val in the column {split} of {ANNOTATIONS}."
