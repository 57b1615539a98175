"""Host, process and job of a training -> whether it still lives, as far as that can be seen."""

import os
import socket
from collections.abc import Callable
from pathlib import Path

_PROCESSES = Path("/proc")
_COMMAND = b"protogcn\0train"


def is_alive(
    host: str, process: int, job: str, job_runs: Callable[[str], bool | None]
) -> bool | None:
    """Return whether a training lives; None if that cannot be seen from here.

    Args:
        host: of its process.
        process: its number.
        job: its Slurm job, or empty.
        job_runs: whether a job's processes exist, None if that is not known; asked about processes
            of other machines.
    """
    here = runs_here(host, process)
    return job_runs(job) if here is None and job else here


def runs_here(host: str, process: int) -> bool | None:
    """Return whether a training runs on this machine; None if it is of another one."""
    if host != socket.gethostname() or not (_PROCESSES / "self").exists():
        return None
    if process == os.getpid():
        return True
    try:
        command = (_PROCESSES / str(process) / "cmdline").read_bytes()
    except OSError:
        return False
    return _COMMAND in command  # numbers of processes are reused
