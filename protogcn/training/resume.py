"""The state of a training at the end of an epoch, kept so that whatever kills it costs one epoch.

Nothing random is in it: order, crops, augmentation and dropout are a function of (seed, epoch,
step). Two generations are kept, since a disk may damage the newer one.
"""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from protogcn.errors import ContractError, UnreadableError
from protogcn.files.contracts import rename_file
from protogcn.models.checkpoint import load_checkpoint, save_checkpoint
from protogcn.models.trained import differing

_ENTRIES = {
    "facts": dict,
    "epoch": int,
    "model": dict,
    "optimizer": dict,
    "history": list,
    "best": dict | None,
}
_COLUMNS = {"epoch", "learning_rate", "loss", "accuracy", "clips_per_second"}


def check_epochs(state: Mapping[str, Any], epochs: int) -> None:
    """Make sure that a state has a row of numbers for each epoch done, and no more of these.

    Raises:
        ValueError: it has not.
    """
    epoch, rows = state["epoch"], state["history"]
    if type(epoch) is not int or not 0 <= epoch <= epochs or len(rows) != epoch:
        raise ValueError(f"{len(rows)} rows of the history, expected one for each epoch done")
    for number, row in enumerate(rows, start=1):
        is_row = isinstance(row, dict) and _COLUMNS <= row.keys() and row["epoch"] == number
        if not is_row or not {*map(type, row.values())} <= {int, float}:
            raise ValueError(f"row {number} of the history is not that of an epoch")


class ResumeFile:
    """``resume.pt`` and the generation before it, ``resume.prev.pt``.

    Attributes:
        path: of the newest generation.
    """

    def __init__(self, folder: Path):
        self.path = folder / "resume.pt"
        self._previous = folder / "resume.prev.pt"

    def save(self, state: Mapping[str, Any]) -> None:
        """Make ``state`` the newest generation and the newest so far the previous one."""
        following = self.path.with_name("resume.next.pt")
        save_checkpoint(following, dict(state))
        if self.path.exists():
            rename_file(self.path, self._previous)
        rename_file(following, self.path)

    def load(self, facts: Mapping[str, Any]) -> dict[str, Any] | None:
        """Return the newest whole state of the same training, or None.

        Args:
            facts: settings and digests that make it the same training. A state with other facts
                is not used; a line on stderr names what differs.
        """
        for path in (self.path, self._previous):
            if not path.exists():
                continue
            try:
                state = load_checkpoint(path, _ENTRIES)
            except UnreadableError:
                raise  # the state is whole, and a training from the start would replace it
            except ContractError as error:
                print(f"Warning: not used: {error}", file=sys.stderr)
                rename_file(
                    path, path.with_name("resume.damaged.pt")
                )  # never takes a good one's place
                continue
            others = differing(state["facts"], facts)
            if not others:
                return state
            print(
                f"{path}: is of a training with other {', '.join(others)};"
                " training starts from the beginning.",
                file=sys.stderr,
            )
            return None
        return None
