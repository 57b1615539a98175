"""``start_from``, ``freeze`` and ``loaded_learning_rate`` of a run: what they say, what cannot be.

A training may begin with the weights of a network that is there: a file, or another run's.
"""

import os.path
import re
from collections.abc import Iterable, Mapping
from itertools import zip_longest
from typing import Any

from protogcn.config.imports import IMPORTS, filled
from protogcn.config.skeleton import Skeleton
from protogcn.errors import ConfigError

START = ("start_from", "freeze", "loaded_learning_rate")
ALL_BUT_CLASSIFIER = "all but classifier"
_BLOCKS = re.compile(r"blocks? (\d+)(?: ?- ?(\d+))?")
_RUN_FOLDER = re.compile(r"(?:.*/)?results/runs(?:/[^/]+){3}/[^/.]+")


def with_start(
    settings: Mapping[str, Any], changes: Mapping[str, Any], names: Mapping[str, str]
) -> dict[str, Any]:
    """Return the settings of a run with what its training starts from, if it has one.

    Args:
        settings: of ``train``, overrides applied; None takes a setting back.
        changes: the merged ``set`` of every override that matches.
        names: what may be in braces in a name of a file, as for an import.

    Raises:
        ConfigError: other words in braces, or settings that do not go together.
    """
    found = {key: settings[key] for key in START if settings.get(key)}  # null or [] is none
    others = {key: value for key, value in settings.items() if key not in START}
    where = f"run {names['task']}/{names['model']}/{names['stream']}"
    if imported := [key for key in IMPORTS if key in settings]:
        if changes.get("start_from") is not None:
            raise ConfigError(
                f"{where}: has both {imported[0]} and start_from, expected one of them:"
                f" {imported[0]} is taken as it is, start_from is trained on."
            )
        return others  # it is not trained: those of `train` are other runs'
    if not found:
        return others
    if "start_from" not in found:
        raise ConfigError(
            f"{where}: has {' and '.join(found)} without start_from, the network whose weights"
            " are meant; name it, or set them to null."
        )
    file = os.path.normpath(filled(f"{where}: start_from", found["start_from"], names))
    if _RUN_FOLDER.fullmatch(file):
        file += "/checkpoint.pt"
    if isinstance(found.get("freeze"), str):
        found["freeze"] = [found["freeze"]]
    return {**others, **found, "start_from": file}


def frozen_blocks(where: str, freeze: Iterable[str], num_blocks: int) -> set[int]:
    """Return the numbers of the blocks, from 1, that the entries of ``freeze`` name.

    Args:
        where: what messages call the run.
        freeze: ``block N``, ``blocks A-B`` or ``all but classifier``, which names every block.
        num_blocks: of the run's network.

    Raises:
        ConfigError: an entry says something else, or the network has no such block.
    """
    blocks = set()
    for entry in freeze:
        match = _BLOCKS.fullmatch(entry)
        if entry == ALL_BUT_CLASSIFIER:
            first, last = 1, num_blocks
        else:
            first, last = (int(match[1]), int(match[2] or match[1])) if match else (0, 0)
        if not 1 <= first <= last <= num_blocks:
            raise ConfigError(
                f"{where}: freeze names {entry!r}, expected block N, blocks A-B (its network has"
                f" blocks 1 to {num_blocks}) or {ALL_BUT_CLASSIFIER}."
            )
        blocks |= {*range(first, last + 1)}
    return blocks


def refuse_other_layout(where: str, source: str, found: Skeleton, expected: Skeleton) -> None:
    """Refuse a network of another joint layout, also where all sizes are the same.

    Args:
        where: the run.
        source: what it starts from.
        found: the layout that the network was trained on.
        expected: that of the run.

    Raises:
        ConfigError: joints, bones or coordinates differ.
    """
    for kind in ("in_image", "joints", "parents", "edges"):
        theirs, ours = getattr(found, kind), getattr(expected, kind)
        if theirs != ours:
            break
    else:
        return
    told = f"{found.num_joints} joints", f"{expected.num_joints} joints"
    if found.num_joints == expected.num_joints:
        told = _first_difference(kind, theirs, ours)
    raise other_layout(where, source, f"{found.name} ({told[0]})", f"{expected.name} ({told[1]})")


def other_layout(where: str, source: str, theirs: str, ours: str) -> ConfigError:
    """Return the refusal of a network of another joint layout."""
    return ConfigError(
        f"{where}: start_from {source} is a network of the joint layout {theirs}, but this run's"
        f" is {ours}; weights of one layout mean nothing in another. Start from a network of this"
        " layout, or set start_from to null."
    )


def _first_difference(kind: str, theirs: Any, ours: Any) -> tuple[str, str]:
    if kind == "in_image":
        return tuple("x, y in pixels" if flag else "x, y, z" for flag in (theirs, ours))
    pairs = enumerate(zip_longest(theirs, ours))
    number, values = next((number, pair) for number, pair in pairs if pair[0] != pair[1])
    names = {"joints": "joint", "parents": "parent of joint", "edges": "edge"}
    return tuple(f"{names[kind]} {number} is {value}" for value in values)
