"""Commands in processes of their own without their imports: one that has them forks for each.

A child is a process as any other: it is killed, traced and limited from outside.
"""

import atexit
import gc
import importlib
import json
import os
import re
import resource
import signal
import subprocess
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

from protogcn.__main__ import COMMANDS
from protogcn.errors import run_stage
from protogcn.files import provenance
from protogcn.files.refusals import refusals_anywhere

_SECONDS = 120  # after which a child is ended, whatever it waits for


@dataclass(frozen=True)
class Forked:
    """A command that runs, or waits for SIGCONT to begin."""

    process: int
    output: Path

    def wait(self) -> int:
        """Return its exit code, as ``subprocess`` has it."""
        return int(_server().stdout.readline())

    def told(self) -> str:
        """Return what it printed and did not put into its log."""
        return self.output.read_text(errors="replace")

    def signal(self, number: int) -> None:
        """Send it a signal, unless it has ended."""
        if Path(f"/proc/{self.process}").exists():  # a zombie until the server says how it ended
            os.kill(self.process, number)


def start(
    words: Sequence[str],
    *,
    cwd: Path,
    output: Path,
    stopped: bool = False,
    limits: Mapping[str, int] | None = None,
    more_memory: int | None = None,
    threads: int = 1,
) -> Forked:
    """Start ``protogcn WORDS``, or a function of a module of the tests as MODULE:FUNCTION.

    Only one runs at a time. Its end is waited for before the next one starts.

    Args:
        words: the command and its arguments.
        cwd: where it runs.
        output: what it prints.
        stopped: it waits for SIGCONT before it does anything.
        limits: of ``resource.setrlimit`` by name, ``RLIMIT_NOFILE``.
        more_memory: bytes of addresses that it may have beyond those it starts with.
        threads: of torch.
    """
    call = {
        "words": list(words),
        "cwd": str(cwd),
        "output": str(output),
        "stopped": stopped,
        "limits": dict(limits or {}),
        "more_memory": more_memory,
        "threads": threads,
    }
    server = _server()
    server.stdin.write(f"{json.dumps(call)}\n")
    server.stdin.flush()
    return Forked(int(server.stdout.readline()), output)


@cache
def _server() -> subprocess.Popen:
    command = [sys.executable, "-m", "tests.made.forked_command"]
    root = Path(__file__).parents[2]
    environment = os.environ | {"PYTHONPATH": str(root), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        command, cwd=root, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def _serve() -> None:
    provenance.commit(), provenance.has_changes(), provenance.hardware()  # git is asked once
    for line in sys.stdin:
        call = json.loads(line)
        module, _, function = call["words"][0].partition(":")
        called = importlib.import_module(module if function else f"protogcn.{COMMANDS[module][0]}")
        if function:
            called.warm_up()  # libraries import some of their own when they are first called
        gc.freeze()  # the children look through none of what there is
        child = os.fork()
        if child == 0:
            _end(_become, call)
        print(child, flush=True)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def _end(work: Callable[..., None], call: dict) -> None:
    """Do the work and end as Python does, but for taking all modules to pieces."""
    code = 0
    try:
        work(**call)
    except SystemExit as error:
        code = error.code or 0
    except KeyboardInterrupt:  # before the stage began
        code = 130
        print("Stopped by Ctrl-C.", file=sys.stderr)
    except BaseException:
        traceback.print_exc()
        code = 1
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _become(words, cwd, output, stopped, limits, more_memory, threads) -> None:
    with Path(os.devnull).open("rb") as read, Path(output).open("wb") as written:
        for ours, theirs in ((read, 0), (written, 1), (written, 2)):
            os.dup2(ours.fileno(), theirs)
    sys.stdin = open(0)  # the server's has read ahead
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's & and nohup ignore
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    signal.alarm(_SECONDS)
    os.chdir(cwd)
    if threads > 1:
        importlib.import_module("torch").set_num_threads(threads)
    if stopped:
        os.kill(os.getpid(), signal.SIGSTOP)
    if more_memory is not None:
        size = re.search(r"VmSize:\s*(\d+) kB", Path("/proc/self/status").read_text())
        limits["RLIMIT_AS"] = 1024 * int(size[1]) + more_memory
    for name, most in limits.items():
        resource.setrlimit(getattr(resource, name), (most, most))
    module, _, function = words[0].partition(":")
    if function:
        with_words = partial(getattr(sys.modules[module], function), *words[1:])
        run_stage(refusals_anywhere(function)(with_words))
    else:
        sys.argv = ["protogcn", *words]
        importlib.import_module("protogcn.__main__").main()


if __name__ == "__main__":
    _serve()
