"""A process whose system calls fail, or that is killed at one of them, by strace from outside."""

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

from tests.made.forked_command import Forked

WRITES = "openat,write,fsync,rename,mkdir,unlink"


def can_trace() -> bool:
    """Whether strace is here and may be used."""
    if shutil.which("strace") is None:
        return False
    tried = subprocess.run(["strace", "-o", os.devnull, "true"], capture_output=True, check=False)
    return tried.returncode == 0


def count_calls(process: Forked, call: str) -> int:
    """Return how often a stopped process makes a call, undisturbed."""
    code, _ = disturb(process, call, "error=ENOSPC", 1 << 15)
    assert code == 0, process.told()
    return process.output.with_suffix(".trace").read_text(errors="replace").count("(")


def disturb(process: Forked, call: str, what: str, when: int | str) -> tuple[int, bool]:
    """Let the ``when``-th call of a stopped process fail; return its exit code and if one did.

    Args:
        process: started ``stopped``.
        call: the system call, or several with commas between.
        what: of strace, ``error=ENOSPC``, ``signal=KILL`` or ``delay_exit=1000``.
        when: counted from 1; ``1+`` is always.
    """
    trace = process.output.with_suffix(".trace")
    command = [
        "strace", "-f", "-o", str(trace), "-e", f"trace={call}",
        "-e", f"inject={call}:{what}:when={when}", "-p", str(process.process),
    ]  # fmt: skip
    _wait_until_stopped(process.process)
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as tracer:
        told = tracer.stderr.readline()
        assert "attached" in told, told
        process.signal(signal.SIGCONT)
        code = process.wait()
        tracer.communicate()
    text = trace.read_text(errors="replace")
    return code, "(INJECTED)" in text or "killed by SIGKILL" in text


def _wait_until_stopped(process: int) -> None:
    while Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "T":
        time.sleep(0.001)
