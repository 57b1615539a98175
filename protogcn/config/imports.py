"""Runs that are not trained here: whose checkpoint or whose scores somebody else made.

An override's ``set`` names the file: ``checkpoint`` (scored here), or ``scores`` with, if wanted,
``clips``, the list that its rows follow.
"""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from protogcn.config.resolved import Run
from protogcn.errors import ConfigError

IMPORTS = ("checkpoint", "scores", "clips")
LAST_REPEAT = 99  # of a run; j-99 is the last stream
UNKNOWN = "unknown"  # in place of `select`: which epoch it was is not told by the file


def with_imports(changes: Mapping[str, Any], facts: Mapping[str, str]) -> dict[str, Any]:
    """Return what overrides say of a run, its files' names filled in.

    Args:
        changes: the merged ``set`` of every override that matches; None takes a file back.
        facts: dataset, task, model, modality and stream, which may stand in braces in a name.

    Raises:
        ConfigError: other words in braces, or files that do not go together.
    """
    where = f"run {facts['task']}/{facts['model']}/{facts['stream']}"
    files = {key: changes[key] for key in IMPORTS if changes.get(key) is not None}
    if "checkpoint" in files and "scores" in files:
        raise ConfigError(f"{where}: has both checkpoint and scores, expected one of them.")
    if "clips" in files and "scores" not in files:
        raise ConfigError(f"{where}: has clips without scores, expected the file they are of.")
    settings = {key: value for key, value in changes.items() if key not in IMPORTS}
    if not files:
        return settings
    filled = {key: _filled(f"{where}: {key}", name, facts) for key, name in files.items()}
    return {"select": UNKNOWN, **settings, **filled}


def is_imported(run: Run) -> bool:
    """Return whether a run is not trained here."""
    return any(key in run.settings for key in IMPORTS)


def missing_import(run: Run, key: str) -> str | None:
    """Return the sentence a user needs if a run's file is not there, else None."""
    path = Path(run.settings[key])
    if path.is_file():
        return None
    place = "" if path.is_absolute() else f" in {Path.cwd()}"
    return (
        f"run {run.name}: its {key}, {path}, does not exist{place}. Put it there, or change"
        f" {key} in the override that names it (null trains this run instead)."
    )


def ahead_of(imported: Iterable[tuple[str, str, str, str, int]]) -> str:
    """Return a regular expression that looks ahead at dataset/split/model/stream/ of these runs.

    Args:
        imported: dataset, split, model, modality and repeat of each.
    """
    repeats: dict[tuple[str, ...], list[int]] = {}
    for *names, repeat in imported:
        repeats.setdefault(tuple(names), []).append(repeat)
    paths = []
    for names, numbers in repeats.items():
        each = ["" if number == 1 else f"-{number}" for number in numbers]
        ends = r"(?:-\d+)?" if len(numbers) == LAST_REPEAT else f"(?:{'|'.join(each)})"
        paths.append(f"{re.escape('/'.join(names))}{ends}/")
    return f"(?={'|'.join(paths)})" if paths else "(?!)"


def _filled(where: str, name: str, facts: Mapping[str, str]) -> str:
    def fact(match: re.Match[str]) -> str:
        if match[1] not in facts:
            known = ", ".join(f"{{{key}}}" for key in facts)
            raise ConfigError(f"{where} is {name!r}: {match[0]} is unknown, expected {known}.")
        return facts[match[1]]

    return re.sub(r"\{([^{}]*)\}", fact, name)
