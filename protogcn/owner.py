"""The owner token of a run directory: the last process to start is the only one that writes.

A killed Snakemake leaves its jobs running, and locks do not hold on network file systems. So a
training writes its own token at the start and reads it again before every save; finding another
one, it stops. The gap between reading and saving is harmless, since both processes would write
the same bytes.
"""

import json
import os
import secrets
import socket
from pathlib import Path

from protogcn.contracts import reading, save_text
from protogcn.errors import SupersededError


class Owner:
    """This process's claim on a run directory."""

    def __init__(self, folder: Path):
        """Take the run directory over from whoever holds it."""
        self._path = folder / "owner.json"
        self._token = {
            "id": secrets.token_hex(8),
            "host": socket.gethostname(),
            "process": os.getpid(),
            "job": os.environ.get("SLURM_JOB_ID", ""),
        }
        save_text(self._path, json.dumps(self._token) + "\n")

    def check(self) -> None:
        """Make sure that nobody took over.

        Raises:
            SupersededError: another process did; nothing may be written any more.
        """
        with reading(self._path, "the owner token of this run"):
            found = json.loads(self._path.read_text("utf-8"))
            mine = found["id"] == self._token["id"]
            job = f", job {found['job']}" if found["job"] else ""
            where = f"process {found['process']} on {found['host']}{job}"
        if not mine:
            raise SupersededError(
                f"{self._path.parent}: another process took over this run"
                f" ({where});"
                " this one stops and writes nothing."
            )
