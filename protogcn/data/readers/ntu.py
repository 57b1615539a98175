"""A folder of raw NTU ``.skeleton`` files -> clips, in the order of their names.

Source: the protocols of NTU RGB+D 60 and 120, ``facts/ntu.yaml``.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from protogcn.config.datasets import ANNOTATIONS
from protogcn.config.facts import ntu_facts, ntu_missing_samples
from protogcn.data.readers import DroppedClip, RawClip
from protogcn.data.readers.faults import report_malformed
from protogcn.data.readers.malformed import MalformedError, show
from protogcn.data.readers.notes import Notes
from protogcn.data.readers.ntu_bodies import arrange_bodies
from protogcn.data.readers.skeleton_file import read_skeleton_file
from protogcn.errors import ConfigError
from protogcn.jobs.bar import show_progress
from protogcn.jobs.workers import in_processes

_SUFFIX = ".skeleton"
_NAME = re.compile(r"S([0-9]{3})C([0-9]{3})P([0-9]{3})R([0-9]{3})A([0-9]{3})")
_CHUNK = 32  # files handed to a worker at once
_Outcome = np.ndarray | str | MalformedError  # keypoints, the rule that drops it, or its fault


@dataclass(frozen=True)
class _Name:
    """What a file name encodes; numbers are 1-based."""

    text: str
    file: str
    setup: int
    camera: int
    subject: int
    action: int


def read_ntu(
    folder: Path,
    *,
    protocol: str,
    leave_out_missing: bool,
    workers: int,
    progress: bool,
    num_classes: int | None = None,
    notes: Notes | None = None,
    thorough: bool = False,
) -> Iterator[RawClip | DroppedClip]:
    """Read every file of a folder that belongs to a protocol; sub-folders are not searched.

    Args:
        folder: holds ``SsssCcccPpppRrrrAaaa.skeleton`` files.
        protocol: ``ntu60`` or ``ntu120``; files of other setups are passed over, which is noted.
        leave_out_missing: drop the samples that the authors list as missing, unread.
        workers: processes that read; they change neither the clips nor their order.
        progress: report the progress on stderr.
        num_classes: the first actions of the protocol, by default all, that may occur.
        notes: what was passed over is added to it.
        thorough: read the files although names are wrong.

    Returns:
        Clips with keypoints (M, T, 25, 3), float16 metres, and what was left out by the rules
        ``missing_list`` and those of ``arrange_bodies``. Faults of files are collected: the
        iterator raises ContractError for all of them once the folder is read.

    Raises:
        ConfigError: unknown protocol, no such folder, or none of its files belongs to it.
        ContractError: a file has another name, or an action outside the protocol or the classes.
    """
    facts = ntu_facts()
    if protocol not in ("ntu60", "ntu120"):
        raise ConfigError(f"protocol: found {protocol}, expected ntu60 or ntu120.")
    num_classes = num_classes or facts[protocol]["classes"]
    names, faults = _select_names(folder, facts[protocol], num_classes, notes or Notes())
    if not thorough:
        report_malformed(str(folder), "files", faults, of=len(names) + len(faults))
    missing = ntu_missing_samples() if leave_out_missing else frozenset()
    paths = [None if name.text in missing else folder / name.file for name in names]
    outcomes = _read_in_order(paths, workers) if workers > 1 else map(_read_one, paths)
    if progress:
        outcomes = show_progress(outcomes, total=len(paths), what="files")
    return _collect(folder, names, outcomes, facts[protocol]["splits"], faults)


def _collect(
    folder: Path,
    names: Sequence[_Name],
    outcomes: Iterator[_Outcome],
    splits: Mapping[str, Mapping[str, Sequence[int]]],
    faults: list[MalformedError],
) -> Iterator[RawClip | DroppedClip]:
    num_files = len(names) + len(faults)
    for name, outcome in zip(names, outcomes, strict=True):
        if isinstance(outcome, MalformedError):
            faults.append(outcome)
        elif isinstance(outcome, str):
            yield DroppedClip(name.text, outcome)
        else:
            yield RawClip(name.text, name.action - 1, outcome, _sides(name, splits))
    report_malformed(str(folder), "files", faults, of=num_files)


def _read_in_order(paths: Sequence[Path | None], workers: int) -> Iterator[_Outcome]:
    """Read in several processes; only a few chunks are under way or waiting at a time."""
    chunks = (paths[first : first + _CHUNK] for first in range(0, len(paths), _CHUNK))
    for outcomes in in_processes(_read_chunk, chunks, workers):
        yield from outcomes


def _read_chunk(paths: Sequence[Path | None]) -> list[_Outcome]:
    return list(map(_read_one, paths))


def _read_one(path: Path | None) -> _Outcome:
    if path is None:
        return "missing_list"
    try:
        return arrange_bodies(read_skeleton_file(path))
    except MalformedError as fault:
        return fault


def _select_names(
    folder: Path, facts: Mapping[str, Any], num_classes: int, notes: Notes
) -> tuple[list[_Name], list[MalformedError]]:
    """Return what the files of a protocol are called, sorted, and the faults of other names."""
    try:
        names = sorted(path.name for path in folder.iterdir())
        files = [name for name in names if name.lower().endswith(_SUFFIX)]
    except OSError as error:
        raise ConfigError(
            f"{folder}: {error.strerror}, expected a folder of {_SUFFIX} files."
        ) from error
    first, last = facts["setups"]
    names, faults = [], []
    for file in files:
        text = file[: -len(_SUFFIX)]
        match = _NAME.fullmatch(text)
        if not match:
            expected = f"S###C###P###R###A###{_SUFFIX}, or {ANNOTATIONS} beside it for other names"
            faults.append(MalformedError(show(file), "its name", "another form", expected))
            continue
        setup, camera, subject, _, action = map(int, match.groups())
        if not first <= setup <= last:
            notes.add(f"files of other setups than {first} to {last} are passed over", text)
            continue
        if not 1 <= action <= num_classes:
            expected = f"1 to {num_classes}, the classes of the dataset"
            faults.append(MalformedError(file, "its name", f"action {action}", expected))
            continue
        names.append(_Name(text, file, setup, camera, subject, action))
    if twice := [name.text for name, other in pairwise(names) if name.text == other.text]:
        raise ConfigError(f"{folder}: has the file {twice[0]} twice, expected it once.")
    if not names and not faults:
        raise ConfigError(
            f"{folder}: holds no {_SUFFIX} file of setups {first} to {last}, expected files such"
            f" as S001C001P001R001A001{_SUFFIX}{_elsewhere(folder)}."
        )
    return names, faults


def _elsewhere(folder: Path) -> str:
    """Return a hint at the folder that has the files instead, if it is not far."""
    for depth in ("*", "*/*"):
        for path in sorted(folder.glob(f"{depth}/*")):
            if path.suffix.lower() == _SUFFIX:
                return (
                    f"; its folder {path.parent.relative_to(folder)} has such files: set raw to it"
                )
    return ""


def _sides(name: _Name, splits: Mapping[str, Mapping[str, Sequence[int]]]) -> dict[str, str]:
    numbers = {
        "train_subjects": name.subject,
        "train_cameras": name.camera,
        "train_setups": name.setup,
    }
    return {
        split: "train" if all(numbers[key] in rule[key] for key in rule) else "test"
        for split, rule in splits.items()
    }
