"""Overrides -> the runs that this pipeline does not train: a third-party checkpoint or scores.

An override's ``set`` names the file: ``checkpoint`` (scored here), or ``scores`` with, if wanted,
``clips``, the list that its rows follow, and ``score_space``, what its numbers are.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from protogcn.errors import ConfigError

if TYPE_CHECKING:  # a written run is checked against what is here
    from protogcn.config.resolved import Run

IMPORTS = ("checkpoint", "scores", "clips")
SCORE_SPACE = "score_space"  # of a file of scores whose numbers leave that open
UNKNOWN = "unknown"  # in place of `select`: the file does not say which epoch it is of


def with_imports(changes: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """Return the changes of a run by overrides, its files' names filled in.

    Args:
        changes: the merged ``set`` of every override that matches; None takes a file back.
        names: dataset, task, model, recipe, modality and stream, which may be in braces in the
            name of a file.

    Raises:
        ConfigError: other words in braces, or files that do not go together.
    """
    where = f"run {names['task']}/{names['model']}/{names['stream']}"
    files = {key: changes[key] for key in IMPORTS if changes.get(key) is not None}
    if "checkpoint" in files and "scores" in files:
        raise ConfigError(f"{where}: has both checkpoint and scores, expected one of them.")
    for key in ("clips", SCORE_SPACE):
        if changes.get(key) is not None and "scores" not in files:
            raise ConfigError(f"{where}: has {key} without scores, expected the file they are of.")
    settings = {key: value for key, value in changes.items() if key not in (*IMPORTS, SCORE_SPACE)}
    if not files:
        return settings
    if changes.get(SCORE_SPACE) is not None:
        settings[SCORE_SPACE] = changes[SCORE_SPACE]
    paths = {key: filled(f"{where}: {key}", file, names) for key, file in files.items()}
    return {"select": UNKNOWN, **settings, **paths}


def is_imported(run: "Run") -> bool:
    """Return whether a run is not trained by this pipeline."""
    return any(key in run.settings for key in IMPORTS)


def missing_import(run: "Run", key: str) -> str | None:
    """Return the sentence a user needs if a run's file does not exist, else None."""
    path = Path(run.settings[key])
    if path.is_file():
        return None
    if path.is_dir():
        return f"run {run.name}: its {key}, {path}, is a folder, expected a file."
    place = "" if path.is_absolute() else f" in {Path.cwd()}"
    return (
        f"run {run.name}: its {key}, {path}, does not exist{place}. Put it there, or change"
        f" {key} in the override that names it (null trains this run instead)."
    )


def filled(where: str, file: str, names: Mapping[str, str]) -> str:
    """Return the name of a file with its words in braces replaced.

    Args:
        where: the run and the key, for the message.
        file: the name as the config has it.
        names: see ``with_imports``.

    Raises:
        ConfigError: another word is in braces.
    """

    def name(match: re.Match[str]) -> str:
        if match[1] not in names:
            known = ", ".join(f"{{{key}}}" for key in names)
            raise ConfigError(f"{where} is {file!r}: {match[0]} is unknown, expected {known}.")
        return names[match[1]]

    return re.sub(r"\{([^{}]*)\}", name, file)
