"""The state of a training at the end of an epoch, kept so that whatever kills it costs one epoch.

Nothing random is in it: order, crops, augmentation and dropout are a function of (seed, epoch,
step). Two generations are kept, since a disk may damage the newer one.
"""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from protogcn.checkpoint import load_checkpoint, save_checkpoint
from protogcn.errors import ContractError

_KEYS = {"facts", "epoch", "model", "optimizer", "history", "best"}


class ResumeFile:
    """``resume.pt`` and the generation before it, ``resume.prev.pt``."""

    def __init__(self, folder: Path):
        self._newest = folder / "resume.pt"
        self._previous = folder / "resume.prev.pt"

    def save(self, state: Mapping[str, Any]) -> None:
        """Make ``state`` the newest generation and the newest so far the previous one."""
        if self._newest.exists():
            self._newest.replace(self._previous)
        save_checkpoint(self._newest, dict(state))

    def load(self, facts: Mapping[str, Any]) -> dict[str, Any] | None:
        """Return the newest whole state of the same training, or None.

        Args:
            facts: settings and digests that make it the same training. A state with other facts
                is not used; a line on stderr names what differs.
        """
        for path in (self._newest, self._previous):
            if not path.exists():
                continue
            try:
                state = load_checkpoint(path, _KEYS)
            except ContractError as error:
                print(f"Warning: not used: {error}", file=sys.stderr)
                continue
            found = state["facts"]
            keys = sorted(found.keys() | facts.keys())
            differing = [key for key in keys if found.get(key) != facts.get(key)]
            if not differing:
                return state
            print(
                f"{path}: is of a training with other {', '.join(differing)};"
                " training starts from the beginning.",
                file=sys.stderr,
            )
            return None
        return None
