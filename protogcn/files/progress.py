"""``progress.json`` of a run directory: what a training reports of itself, read without torch."""

import json
import types
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from protogcn.errors import ContractError
from protogcn.files.contracts import reading, save_text

FILE_NAME = "progress.json"

_STATES = ("running", "out of time", "failed", "finished")
_LONGEST = 1 << 16  # bytes; ours are far shorter
LARGEST = 1e12  # of any number in it


@dataclass(frozen=True)
class RunProgress:
    """Where a training stands.

    Attributes:
        state: running, out of time, failed or finished.
        epoch: epochs done.
        epochs: epochs wanted.
        share: the share of the next epoch that is done.
        accuracy: of the last epoch's training clips, in per cent.
        loss: of the last epoch.
        learning_rate: at the last epoch's last step.
        measured_on: the side of the split of the newest validation: train, val or test; ``select``
            is that of ``select: best``; empty if there is none.
        measured: its accuracy, in per cent.
        clips_per_second: of the last epoch.
        seconds_left: until the last epoch is done.
        seconds_in_epoch: the most that one job has spent in the next epoch.
        share_then: the share of it that was done then.
        updated: when this was written, in seconds since 1970.
        ends: when the job ends, if that is known.
        host: where it runs.
        process: as what process.
        job: in what Slurm job, or empty.
        message: why it failed, or empty.
    """

    state: str
    epoch: int
    epochs: int
    share: float = 0.0
    accuracy: float | None = None
    loss: float | None = None
    learning_rate: float | None = None
    measured_on: str = ""
    measured: float | None = None
    clips_per_second: float | None = None
    seconds_left: float | None = None
    seconds_in_epoch: float = 0.0
    share_then: float = 0.0
    updated: float = 0.0
    ends: float | None = None
    host: str = ""
    process: int = 0
    job: str = ""
    message: str = ""


def save_progress(folder: Path, progress: RunProgress) -> None:
    """Write where a run stands into its directory."""
    save_text(folder / FILE_NAME, json.dumps(asdict(progress)) + "\n")


def load_progress(folder: Path) -> RunProgress | None:
    """Read where a run stands; None if it never started.

    Raises:
        ContractError: damaged, or not one of ours.
    """
    path = folder / FILE_NAME
    if not path.exists():
        return None
    with reading(path, "the progress of a training"):
        if path.stat().st_size > _LONGEST:
            raise ContractError(f"{path}: is no progress of a training, remove it.")
        entry = json.loads(path.read_text("utf-8"))
        if not isinstance(entry, dict) or not {"state", "epoch", "epochs"} <= entry.keys():
            raise ContractError(f"{path}: is no progress of a training, remove it.")
        kinds = {one.name: one.type for one in fields(RunProgress)}
        found = {name: value for name, value in entry.items() if name in kinds}
        for name, value in found.items():
            if not _fits(value, kinds[name]):
                raise ContractError(
                    f"{path}: {name} is {str(value)[:40]!r}, expected {_words(kinds[name])};"
                    " remove it."
                )
        if found["state"] not in _STATES:
            raise ContractError(
                f"{path}: state is {found['state'][:40]!r}, expected {', '.join(_STATES)};"
                " remove it."
            )
        return RunProgress(**found)


def handed_over(folder: Path) -> bool:
    """Whether the last job of a training ended in time, for the next one to resume it."""
    try:
        progress = load_progress(folder)
    except ContractError:
        return False
    return progress is not None and progress.state == "out of time"


def _fits(value: Any, kind: type | types.UnionType) -> bool:
    if isinstance(value, int | float) and not isinstance(value, bool):
        whole = isinstance(value, int) or kind is not int
        return kind is not str and whole and 0 <= value <= LARGEST  # not for nan either
    return isinstance(value, kind) and not isinstance(value, bool)


def _words(kind: type | types.UnionType) -> str:
    return "text" if kind is str else "a number that is not negative"
