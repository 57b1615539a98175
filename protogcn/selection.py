"""How the epochs behind scores were chosen, and the mark of those chosen by their accuracy."""

from collections.abc import Iterable

from protogcn.score_file import Scores


def select_of(members: Iterable[Scores]) -> str:
    """Return ``best`` if the epoch of any member was chosen by its accuracy, else ``last``."""
    chosen = [scores.provenance["select"] for scores in members]
    return "best" if "best" in chosen else "last"


def mark_of(members: Iterable[Scores]) -> str:
    """Return what captions add where an epoch was chosen by its accuracy, else nothing."""
    if select_of(members) == "last":
        return ""
    return " (epoch chosen by its accuracy: select best)"
