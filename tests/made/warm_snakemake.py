"""Snakemake without its two seconds of imports: a process that has them forks for each call.

Nothing of the package is imported before the fork, so that the Snakefile has to find it by itself.
"""

import json
import os
import signal
import subprocess
import sys
from functools import cache
from pathlib import Path

# The third-party modules that a plan of the workflow ends with; jobs have a Python of their own.
_IMPORTED = ("snakemake.cli", "snakemake.workflow", "pandas", "jsonschema", "yaml")


@cache
def _server() -> subprocess.Popen:
    command = [sys.executable, "-P", __file__]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def run_snakemake(arguments: list[str], *, cwd: Path, output: Path, timeout: int) -> int:
    """Run ``python -m snakemake`` with what it prints in a file; return its exit code."""
    call = {
        "arguments": arguments,
        "cwd": str(cwd),
        "output": str(output),
        "timeout": timeout,
        "environment": dict(os.environ),
    }
    server = _server()
    server.stdin.write(f"{json.dumps(call)}\n")
    server.stdin.flush()
    return int(server.stdout.readline())


def _serve() -> None:
    for module in _IMPORTED:
        __import__(module)
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            _become_snakemake(**json.loads(line))
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def _become_snakemake(arguments, cwd, output, timeout, environment) -> None:
    null, written = os.open(os.devnull, os.O_RDONLY), os.open(output, os.O_WRONLY | os.O_CREAT)
    for ours, theirs in ((null, 0), (written, 1), (written, 2)):
        os.dup2(ours, theirs)
    signal.alarm(timeout)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(cwd)
    sys.path.insert(0, cwd)
    command_line = sys.modules["snakemake.cli"]
    sys.argv = [str(Path(command_line.__file__).with_name("__main__.py")), *arguments]
    sys.stdin = open(0)  # the server's has read ahead
    command_line.main()


if __name__ == "__main__":
    _serve()
