"""The owner token of a run directory: the last process to start is the only one that writes.

A killed Snakemake leaves its jobs running, and locks do not hold on network file systems. So a
training writes its own token at the start and reads it again before every save; finding another
one, it stops. The gap between reading and saving is harmless, since both processes would write
the same bytes.
"""

import json
import multiprocessing
import os
import secrets
import socket
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from protogcn.errors import ContractError, SupersededError
from protogcn.files.contracts import reading, save_text
from protogcn.jobs.alive import is_alive
from protogcn.jobs.slurm import job_runs


class Owner:
    """This process's claim on a run directory.

    Attributes:
        token: what ``owner.json`` holds: ``id``, ``host``, ``process`` and ``job``. The process is
            the one that started the others if there are several.
    """

    def __init__(self, folder: Path):
        """Take the run directory over from whoever holds it; say so if it is still at work."""
        self._path = folder / "owner.json"
        self.token = {
            "id": secrets.token_hex(8),
            "host": socket.gethostname(),
            "process": (multiprocessing.parent_process() or multiprocessing.current_process()).pid,
            "job": os.environ.get("SLURM_JOB_ID", ""),
        }
        if (other := self._other_at_work()) is not None:
            print(
                f"{folder}: took over from {_name(other)}, which still runs; it stops before it"
                " saves anything more.",
                file=sys.stderr,
            )
        save_text(self._path, json.dumps(self.token) + "\n")

    def check(self) -> None:
        """Make sure that nobody took over.

        Raises:
            SupersededError: another process did; nothing may be written any more.
        """
        found = self._read()
        if found["id"] != self.token["id"]:
            raise SupersededError(
                f"{self._path.parent}: another process took over this run"
                f" ({_name(found)});"
                " this one stops and writes nothing."
            )

    def _other_at_work(self) -> Mapping[str, Any] | None:
        """Return the present token if its training, in another process, still runs."""
        if not self._path.exists():
            return None
        try:
            other = self._read()
        except ContractError as error:
            print(f"Warning: not used: {error}", file=sys.stderr)
            return None
        mine = self.token
        if (other["host"], other["process"]) == (mine["host"], mine["process"]):
            return None
        job = other["job"] if other["job"] != mine["job"] else ""  # not this one, requeued
        return other if is_alive(other["host"], other["process"], job, job_runs) else None

    def _read(self) -> Mapping[str, Any]:
        with reading(self._path, "the owner token of this run"):
            found = json.loads(self._path.read_text("utf-8"))
            kinds = {"id": str, "host": str, "process": int, "job": str}
            for key, kind in kinds.items():
                if not isinstance(found[key], kind):
                    raise ContractError(f"{self._path}: {key} is {found[key]!r}, remove the file.")
            return found


def _name(token: Mapping[str, Any]) -> str:
    job = f", job {token['job']}" if token["job"] else ""
    return f"process {token['process']} on {token['host']}{job}"
