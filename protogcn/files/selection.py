"""How the epochs behind scores were chosen, and the mark of those not known to be the last."""

from collections.abc import Iterable

from protogcn.files.scores import Scores

_SELECTS = ("best", "unknown", "last")  # the first that a member has is that of all of them
_MARKS = {
    "best": " (epoch chosen by its accuracy: select best)",
    "unknown": " (imported, how its epoch was chosen is not known)",
    "last": "",
}


def select_of(members: Iterable[Scores]) -> str:
    """Return ``best`` if any member's epoch was chosen by its accuracy.

    Else ``unknown`` if an import does not tell, else ``last``.
    """
    return min((scores.provenance["select"] for scores in members), key=_SELECTS.index)


def mark_of(members: Iterable[Scores]) -> str:
    """Return what captions add where an epoch is not known to be the last one, else nothing."""
    return _MARKS[select_of(members)]
