"""The ``parents`` of a joint layout -> one tree over its joints, or what to write instead.

Other files count joints from 1 or list bones; what they mean is shown as it is written here.
"""

from collections.abc import Sequence
from typing import Any

from protogcn.errors import ConfigError

_HOW = "for each joint its parent, counted from 0; the root is its own parent"


def parents_of(where: str, joints: Sequence[str], entry: Sequence[Any]) -> tuple[int, ...]:
    """Return the parent of each joint; a single -1 is the root's.

    Raises:
        ConfigError: they are no whole numbers, or no tree; with the list that seems to be meant.
    """
    place = f"{where}.parents"
    meant = _from_bones(entry, len(joints)) or _from_names(entry, joints)
    if not meant and len(entry) != len(joints):
        raise ConfigError(
            f"{place}: {len(entry)} entries for {len(joints)} joints, expected one each: {_HOW}."
        )
    if not meant:
        for joint, parent in enumerate(entry):
            if not isinstance(parent, int) or isinstance(parent, bool):
                raise ConfigError(f"{place}.{joint}: found {parent!r}, expected {_HOW}.")
    if meant:
        raise ConfigError(f"{place}: found {list(entry)}, expected {_HOW}: write {meant}.")
    parents = _with_root(entry)
    if (problem := _fault(joints, parents)) is None:
        return tuple(parents)
    from_one = _with_root([parent - 1 for parent in entry])
    if _fault(joints, from_one) is None:
        raise ConfigError(
            f"{place}: found {list(entry)}, which seems to count from 1; expected {_HOW}: write"
            f" {from_one}."
        )
    raise ConfigError(f"{place}: {problem}; expected one tree, {_HOW}.")


def _with_root(parents: Sequence[int]) -> list[int]:
    """Return the parents with a single -1, no parent, replaced by the root itself."""
    if [parent for parent in parents if parent < 0] != [-1]:
        return list(parents)
    return [joint if parent == -1 else parent for joint, parent in enumerate(parents)]


def _fault(joints: Sequence[str], parents: Sequence[int]) -> str | None:
    """Return why these parents are no tree, or None."""
    names = [f"{number} ({name})" for number, name in enumerate(joints)]
    for joint, parent in enumerate(parents):
        if not 0 <= parent < len(joints):
            return f"joint {names[joint]} has parent {parent}, and there are 0 to {len(joints) - 1}"
    roots = [names[joint] for joint, parent in enumerate(parents) if joint == parent]
    if len(roots) > 1:
        return f"{len(roots)} joints are their own parent, {', '.join(roots)}"
    for joint in range(len(joints)):
        path = [joint]
        while parents[path[-1]] not in path:
            path.append(parents[path[-1]])
        if (last := parents[path[-1]]) != path[-1]:
            ring = [names[member] for member in (*path[path.index(last) :], last)]
            return f"joint {' -> '.join(ring)} is a ring that leads to no root"
    return None


def _from_names(entry: Sequence[Any], joints: Sequence[str]) -> list[int] | None:
    """Return the parents that names of joints mean, if they mean a tree."""
    if len(entry) != len(joints) or not {*map(str, entry)} <= {*joints}:
        return None
    parents = [list(joints).index(str(name)) for name in entry]
    return parents if _fault(joints, parents) is None else None


def _from_bones(entry: Sequence[Any], num_joints: int) -> list[int] | None:
    """Return the parents that pairs of joints mean, in either direction, if they mean a tree."""
    pairs = [pair for pair in entry if isinstance(pair, list) and len(pair) == 2]
    if len(pairs) < max(1, len(entry)) or not all(isinstance(x, int) for p in pairs for x in p):
        return None
    for first in (0, min(min(pair) for pair in pairs)):
        for child, parent in ((0, 1), (1, 0)):
            found = {pair[child] - first: pair[parent] - first for pair in pairs}
            parents = [found.get(joint, joint) for joint in range(num_joints)]
            if len(found) == len(pairs) and _fault([""] * num_joints, parents) is None:
                return parents
    return None
