"""The split lists of a PYSKL pickle -> on which side of each configured split a sample is.

Source: the names that the released PYSKL pickles use.
"""

from collections.abc import Mapping, Sequence

from protogcn.data.readers.malformed import show
from protogcn.errors import ConfigError, ContractError

_PARTS = ("train", "val", "test")
_BARE = "val"  # our name for the split whose lists are called train and val alone


def read_sides(where: str, lists: object, splits: Sequence[str]) -> dict[str, dict[str, str]]:
    """Return for each configured split the side of every sample that it lists.

    ``S_train`` with ``S_val`` or ``S_test`` are the sides train and test of split S; with both,
    val and test are two sides. ``train`` and ``val`` or ``test`` alone make up the split ``val``.

    Args:
        where: the pickle, for messages.
        lists: what it has as its ``split``: list name -> names of samples.
        splits: the configured splits.

    Raises:
        ConfigError: a configured split does not exist.
        ContractError: a list has another name, no partner or other content, or a sample is on
            two sides of one split.
    """
    found = {split: _sides(where, split, parts) for split, parts in _group(where, lists).items()}
    if absent := [split for split in splits if split not in found]:
        raise ConfigError(
            f"{where}: has no split {', '.join(absent)}, only {', '.join(found) or 'none'}"
            f" (read from {', '.join(map(show, lists))})."
        )
    return {split: found[split] for split in splits}


def check_listed(where: str, lists: Mapping[str, Sequence[str]], names: set[str]) -> None:
    """Raise ContractError if a list names a sample that the pickle does not have."""
    for key, listed in lists.items():
        if absent := [name for name in listed if name not in names]:
            raise ContractError(
                f"{where}: split list {show(key)} names {len(absent)} samples without annotation,"
                f" the first is {show(absent[0])}, expected one for each."
            )


def _group(where: str, lists: object) -> dict[str, dict[str, Sequence[str]]]:
    """Return split -> part -> names of samples."""
    if type(lists) is not dict or not lists:
        raise ContractError(f"{where}: split is {show(lists)}, expected lists of sample names.")
    groups: dict[str, dict[str, Sequence[str]]] = {}
    keys: dict[str, list[str]] = {}
    for key, names in lists.items():
        split, _, part = key.rpartition("_") if type(key) is str else ("", "", "")
        if part not in _PARTS or (part != key and not split):
            raise ContractError(
                f"{where}: split list {show(key)} is unknown, expected names such as xsub_train"
                " and xsub_val, or train and val."
            )
        split = split or _BARE
        if type(names) not in (list, tuple) or not all(isinstance(name, str) for name in names):
            raise ContractError(f"{where}: split list {show(key)} is not a list of sample names.")
        if part in groups.setdefault(split, {}):
            raise ContractError(
                f"{where}: split lists {show(keys[split][0])} and {show(key)} both belong to split"
                f" {split}, expected one of them."
            )
        groups[split][part] = names
        keys.setdefault(split, []).append(key)
    for split, parts in groups.items():
        if "train" not in parts or len(parts) == 1:
            raise ContractError(
                f"{where}: split list {show(keys[split][0])} has no partner, expected"
                " one for train and one for val or test."
            )
    return groups


def _sides(where: str, split: str, parts: Mapping[str, Sequence[str]]) -> dict[str, str]:
    sides: dict[str, str] = {}
    for part, names in parts.items():
        side = part if len(parts) == 3 or part == "train" else "test"
        for name in names:
            if sides.setdefault(str(name), side) != side:
                raise ContractError(
                    f"{where}: sample {show(name)} is on the sides {sides[name]} and {side} of"
                    f" split {split}, expected one."
                )
    return sides
