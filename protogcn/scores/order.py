"""Scores of a file and a list of clips -> which row each clip has, and whether the order is right.

Shapes: N clips, K classes.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from protogcn.errors import ContractError

OF_GIVEN = "the list given as clips"
_NUMBERED = re.compile(r"(\D*)(\d{1,18})(\D*)")  # as CTR-GCN names samples: test_0, test_1, ...
_FILE = re.compile(r"^.*[/\\]|\.(?:skeleton|npy|npz|csv|json|pkl|mp4|avi)$")
# The probability of so many hits or more in an order by chance: below the first there is no doubt,
# above the second they are refused, if a network half-way from chance to perfect has so few hits
# with a probability below the third.
_NO_CHANCE, _CHANCE, _NO_NETWORK = 1e-3, 1e-2, 1e-2


class Joined(NamedTuple):
    """The rows of a file by clip.

    Attributes:
        rows: (N,) the row of each clip.
        by: name, position or number.
        order: what gives the order if names do not.
        remark: what was done to the names, or nothing.
    """

    rows: np.ndarray
    by: str
    order: str = ""
    remark: str = ""


def join(
    where: str, names: Sequence[str] | None, count: int, ids: Sequence[str], *, is_given: bool
) -> Joined:
    """Return which row of a file each clip has.

    Args:
        where: the file and run, for messages.
        names: those that the file has for its rows, if it has any.
        count: the rows of the file.
        ids: the test clips in the order of their list.
        is_given: the user gave the list. Numbered rows then follow it; else they are in the order
            of the clips' names, in which CTR-GCN's code makes its samples.

    Raises:
        ContractError: the file does not have one row for each clip.
    """
    order = OF_GIVEN if is_given else "the annotation file"
    if names is None:
        if count != len(ids):
            what = OF_GIVEN if is_given else "the list of test clips"
            remedy = "give the list they were scored with"
            if count % len(ids) == 0:
                remedy += f", or, of {count // len(ids)} crops a clip, (clips, crops, classes)"
            raise ContractError(
                f"{where}: has scores of {count} clips without names, but {what} has {len(ids)};"
                f" {remedy}."
            )
        return Joined(np.arange(count), "position", order)
    if len(names) != count:
        raise ContractError(f"{where}: has {len(names)} names for {count} scores.")
    row_of = {name: row for row, name in enumerate(names)}
    if len(row_of) < count:
        twice = next(name for row, name in enumerate(names) if row_of[name] != row)
        raise ContractError(f"{where}: clip {twice} appears twice.")
    if row_of.keys() == set(ids):
        return Joined(np.array([row_of[clip] for clip in ids]), "name")
    of_file = {_FILE.sub("", name): row for name, row in row_of.items()}
    if len(of_file) == count and of_file.keys() == set(ids):
        remark = (
            f"its clips are named as files, such as {names[0][:60]}: folder and suffix left off"
        )
        return Joined(np.array([of_file[clip] for clip in ids]), "name", remark=remark)
    if count == len(ids) and (numbered := _numbered(row_of)) is not None:
        if is_given:
            return Joined(np.array(numbered), "number", order)
        rows = np.empty(count, dtype=np.int64)
        rows[sorted(range(count), key=ids.__getitem__)] = numbered
        return Joined(rows, "number", "the clips' names")
    missing = [clip for clip in ids if clip not in row_of]
    extra = [name for name in names if name not in set(ids)]
    raise ContractError(
        f"{where}: has other clips than the list of test clips: {len(missing)} are missing"
        f"{_example(missing)} and {len(extra)} are too many{_example(extra)}."
    )


def doubt_about_order(predicted: np.ndarray, labels: np.ndarray) -> tuple[str, bool]:
    """Compare the hits of a network with those in an order by chance, by exact binomial tails.

    Args:
        predicted: (N,) classes.
        labels: (N,) classes.

    Returns:
        A sentence if the hits may be by chance, else nothing; and whether that is for certain. Of
        few clips it is not: a weak network has as few hits.
    """
    count = len(labels)
    of_class = [np.bincount(v, minlength=predicted.max() + 1) for v in (predicted, labels)]
    used = min(map(len, of_class))
    share = float((of_class[0][:used] * of_class[1][:used]).sum()) / count**2
    hits = int((predicted == labels).sum())
    if max(np.max(each) for each in of_class) == count:  # one class only: every order is the same
        return "", False
    by_chance = _tail(hits, count, share, up=True)
    if by_chance <= _NO_CHANCE:
        return "", False
    half_way = _tail(hits, count, (1 + share) / 2, up=False)
    is_certain = by_chance > _CHANCE and half_way <= _NO_NETWORK
    found = f"{hits} of {count} clips are right, {'no more than' if is_certain else 'maybe'} by"
    return f"{found} chance ({share * count:.3g})", is_certain


def _tail(hits: int, count: int, share: float, *, up: bool) -> float:
    """Return the binomial probability of so many hits or more, or of so many or fewer."""
    if share == 0:
        return float(hits == 0 or not up)
    steps = np.arange(1, count + 1)
    odds = np.log((count + 1 - steps) / steps) + np.log(share / (1 - share))
    logs = count * np.log1p(-share) + np.concatenate([[0.0], np.cumsum(odds)])  # of 0, 1, ... hits
    return float(np.exp(logs[hits:] if up else logs[: hits + 1]).sum())


def _numbered(row_of: Mapping[str, int]) -> list[int] | None:
    """Return the rows by number if all names are the same but for a number from 0 or 1 on."""
    matches = [_NUMBERED.fullmatch(name) for name in row_of]
    if not all(matches) or len({(match[1], match[3]) for match in matches}) > 1:
        return None
    numbers = {int(match[2]): row for match, row in zip(matches, row_of.values(), strict=True)}
    first = min(numbers)
    if first > 1 or sorted(numbers) != list(range(first, first + len(row_of))):
        return None
    return [numbers[number] for number in sorted(numbers)]


def _example(names: Iterable[str]) -> str:
    return next((f" (such as {name[:60]})" for name in names), "")
