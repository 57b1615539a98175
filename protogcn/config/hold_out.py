"""A dataset's ``hold_out`` -> the twins of its splits, whose training sides leave clips out.

The clips that a twin leaves out are its side ``val``; its side ``test`` is that of the split.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from protogcn.errors import ConfigError

HELD_OUT = "_held_out"  # what a twin of a split adds to its name
FOLD = "_fold"  # the same, followed by its number from 1 on
_SHARE = 0.1  # of the training clips, where nothing is said


class Twin(NamedTuple):
    """One twin.

    Attributes:
        split: whose twin it is.
        fold: from 1 on, which of the equal parts of the training clips it leaves out; 0: a share.
    """

    split: str
    fold: int


def resolve_hold_out(where: str, entry: Mapping[str, Any] | None, splits: Sequence[str]) -> Any:
    """Return an entry with its defaults, None for none.

    Raises:
        ConfigError: a split has the name of a twin.
    """
    if entry is None:
        return None
    share = {} if "folds" in entry else {"share": _SHARE}
    hold_out = {"seed": 0, **share, **entry}
    for name, twin in twins_of(splits, hold_out).items():
        if name in splits:
            raise ConfigError(
                f"{where}.splits: {name} is what the twin of {twin.split} is called, expected"
                " another name."
            )
    return hold_out


def twins_of(splits: Sequence[str], hold_out: Mapping[str, Any] | None) -> dict[str, Twin]:
    """Return the twins of splits by their names; none without ``hold_out``."""
    found: dict[str, Twin] = {}
    for split in splits if hold_out is not None else ():
        if "share" in hold_out:
            found[f"{split}{HELD_OUT}"] = Twin(split, 0)
        for fold in range(1, hold_out.get("folds", 0) + 1):
            found[f"{split}{FOLD}{fold}"] = Twin(split, fold)
    return found
