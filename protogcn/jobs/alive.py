"""Whether a training that a file speaks of is still there."""

import os
import socket
from pathlib import Path

_PROCESSES = Path("/proc")
_COMMANDS = (b"protogcn\0train",)


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
    return any(name in command for name in _COMMANDS)  # ids of processes are given again
