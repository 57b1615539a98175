"""The split lists of a PYSKL pickle -> on which side of each configured split a sample is.

Source: the names that the released PYSKL pickles use.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from protogcn.data.readers.faults import report_malformed
from protogcn.data.readers.malformed import MalformedError, show
from protogcn.data.readers.notes import Notes
from protogcn.data.readers.table_of_clips import read_table_of_clips, side_of
from protogcn.data.readers.values import Origin, name_of, single
from protogcn.errors import ConfigError, ContractError, some_of
from protogcn.files.clip_table import SIDES

_BARE = "val"  # our name for the split whose lists are called train and val alone
EXAMPLE = '{"xsub_train": ["name of a sample", ...], "xsub_val": [...]}'


# Of each split the sides, and of each side what the list is called and the list itself.
SplitLists = Mapping[str, Mapping[str, tuple[str, object]]]


def find_lists(path: Path, lists: object, splits: Sequence[str]) -> SplitLists:
    """Return the lists of the configured splits.

    ``S_train`` with ``S_val`` or ``S_test`` are the sides train and test of split S; with both,
    val and test are two sides. ``train`` and ``val`` or ``test`` alone make up the split ``val``.
    Without a list for train, nothing is trained on.

    Args:
        path: the pickle.
        lists: what it has as its ``split``: list name -> names of samples. None if it has no
            such entry: then a csv table beside it, with the same name, has the columns clip and,
            of each split, one with train, val, test or -.
        splits: the configured splits.

    Raises:
        ConfigError: a configured split does not exist.
        ContractError: a list has another name, or no partner.
    """
    if lists is None:
        return _from_table(path, splits)
    groups = _group(path, _flat(lists))
    if absent := [split for split in splits if split not in groups]:
        raise ConfigError(
            f"{path}: has no split {', '.join(absent)}, only {', '.join(groups) or 'none'}"
            f" (read from {', '.join(map(show, lists))}), expected one of these as splits in"
            " the config."
        )
    return {split: groups[split] for split in splits}


def read_sides(
    path: Path,
    lists: SplitLists,
    names: Sequence[str],
    *,
    notes: Notes | None = None,
    complete: bool = True,
) -> dict[str, dict[str, str]]:
    """Return for each configured split the side of every sample that it lists.

    Args:
        path: the pickle, for messages.
        lists: what ``find_lists`` returns. A list, tuple, set or array holds names, or places of
            samples from 0, or a truth value for each sample.
        names: of all samples, in the pickle's order.
        notes: what was converted is added to it.
        complete: refuse the name of a sample that is not there.

    Raises:
        ContractError: a list has other content, or names a sample that is not there; or a sample
            is on two sides of one split.
    """
    reading = _Reading(path, names, notes, complete)
    return {split: _sides(split, sides, reading) for split, sides in lists.items()}


class _Reading:
    """What turns one list into names."""

    def __init__(self, where: Path, names: Sequence[str], notes: Notes | None, complete: bool):
        self.where = where
        self._names = names
        self._known = set(names)
        self._notes = notes
        self._complete = complete

    def names_of(self, key: str, listed: object) -> Sequence[str]:
        """Return the names of the samples in one list, all of which exist."""
        values = listed.ravel().tolist() if isinstance(listed, np.ndarray) else listed
        if not isinstance(values, list | tuple):
            raise ContractError(
                f"{self.where}: split list {show(key)} is {show(listed)}, expected a list of sample"
                " names."
            )
        if all(type(value) is str for value in values):
            self._check_known(key, values)
            return values
        values = [single(value) for value in values]
        if all(type(value) is int for value in values):
            return self._at_places(key, values)
        if all(type(value) is bool for value in values) and len(values) == len(self._names):
            chosen = [n for n, is_in in zip(self._names, values, strict=True) if is_in]
            self.note("split lists have a truth value for each sample", chosen)
            return chosen
        origin = Origin(self.where.name, f"split list {show(key)}", notes=self._notes)
        try:
            names = [name_of(value, origin, "names") for value in values]
        except MalformedError as fault:
            raise ContractError(f"{self.where.parent}/{fault}.") from None
        self._check_known(key, names)
        return names

    def _at_places(self, key: str, places: Sequence[int]) -> list[str]:
        last = len(self._names) - 1
        if not self._known.isdisjoint(map(str, places)):
            raise ContractError(
                f"{self.where}: split list {show(key)} holds numbers, which could be places in"
                " annotations or the names of samples, expected the names as text."
            )
        if min(places) < 0 or max(places) > last:
            one = "; they seem to be counted from 1" if max(places) == last + 1 else ""
            raise ContractError(
                f"{self.where}: split list {show(key)} holds the numbers {min(places)} to"
                f" {max(places)}, expected names of samples, or their places in annotations, 0 to"
                f" {last}{one}."
            )
        names = [self._names[place] for place in places]
        self.note("split lists hold places in annotations, counted from 0", names)
        return names

    def note(self, sentence: str, names: Sequence[str]) -> None:
        """Note what is true of some samples."""
        for name in names if self._notes is not None else ():
            self._notes.add(sentence, name)

    def _check_known(self, key: str, names: Sequence[str]) -> None:
        if self._complete and (absent := [name for name in names if name not in self._known]):
            stems = {Path(name).stem: name for name in self._known} | {n: n for n in self._known}
            meant = stems.get(absent[0], stems.get(Path(absent[0]).stem))
            hint = f"; did you mean {show(meant)}?" if meant is not None else "."
            raise ContractError(
                f"{self.where}: split list {show(key)} names {len(absent)}"
                f" sample{'s'[: len(absent) - 1]} without annotation, the first is"
                f" {show(absent[0])}, expected one for each{hint}"
            )


def _from_table(path: Path, splits: Sequence[str]) -> SplitLists:
    table = path.with_suffix(".csv")
    if not table.is_file():
        raise ContractError(
            f'{path}: has annotations alone, expected {{"split": {EXAMPLE}, "annotations": [...]}},'
            f" or a table {table.name} beside it with the columns clip and {', '.join(splits)}:"
            " train, test, val or -."
        )
    lines = read_table_of_clips(table, splits)
    lists: dict[str, dict[str, tuple[str, list[str]]]] = {split: {} for split in splits}
    faults = []
    for number, fields in lines:
        origin = Origin(table.name, f"line {number}")
        for split in splits:
            try:
                side = side_of(fields[split], origin, split)
            except MalformedError as fault:
                faults.append(fault)
                continue
            if side != "-":
                key = f"{split} of {table.name}"
                lists[split].setdefault(side, (key, []))[1].append(fields["clip"].strip())
    report_malformed(str(table), "fields", faults, of=len(lines))
    return lists


def _flat(lists: object) -> object:
    """Return ``{S: {"train": ...}}`` as ``{S_train: ...}``, and all else as it is."""
    if type(lists) is not dict or not all(type(sides) is dict for sides in lists.values()):
        return lists
    return {f"{split}_{side}": listed for split in lists for side, listed in lists[split].items()}


def _group(where: Path, lists: object) -> dict[str, dict[str, tuple[str, object]]]:
    """Return split -> side -> the list's key and the list."""
    if type(lists) is not dict or not lists:
        raise ContractError(
            f"{where}: split is {show(lists)}, expected lists of sample names such as {EXAMPLE}."
        )
    groups: dict[str, dict[str, tuple[str, object]]] = {}
    for key, listed in lists.items():
        split, _, part = key.rpartition("_") if type(key) is str else ("", "", "")
        if part not in SIDES[:3] or (part != key and not split):
            raise ContractError(
                f"{where}: split list {show(key)} is unknown, expected names such as xsub_train"
                " and xsub_val, or train and val."
            )
        split = split or _BARE
        if part in groups.setdefault(split, {}):
            raise ContractError(
                f"{where}: split lists {show(groups[split][part][0])} and {show(key)} both belong"
                f" to split {split}, expected one of them."
            )
        groups[split][part] = key, listed
    for parts in groups.values():
        if list(parts) == ["train"]:
            key, _ = parts["train"]
            raise ContractError(
                f"{where}: split list {show(key)} has no partner, expected"
                f" {show(key.removesuffix('train') + 'val')} beside it: the samples to test on."
            )
        if "test" not in parts:
            parts["test"] = parts.pop("val")
    return groups


def _sides(
    split: str, lists: Mapping[str, tuple[str, object]], reading: _Reading
) -> dict[str, str]:
    sides: dict[str, str] = {}
    for side, (key, listed) in lists.items():
        names = reading.names_of(key, listed)
        if len(set(names)) < len(names):
            twice = [name for name, count in Counter(names).items() if count > 1]
            reading.note(f"split list {show(key)} has names several times; counted once", twice)
        if both := [name for name in names if sides.setdefault(name, side) != side]:
            samples = f"sample {show(both[0])} is"
            if len(both) > 1:
                samples = f"{len(both):,} samples ({some_of(list(map(show, both)))}) are"
            keys = dict.fromkeys(show(lists[each][0]) for each in (sides[both[0]], side))
            raise ContractError(
                f"{reading.where}: {samples} on the sides {sides[both[0]]} and {side} of split"
                f" {split} (in {' and '.join(keys)}), expected one."
            )
    return sides
