"""Several trainings that share one GPU: a process for each.

They know nothing of each other: each has its own log, its own ``resume.pt``, and looks at the end
of the job by itself. One that fails leaves the others alone.
"""

import argparse
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from protogcn.config.resolved import load_run
from protogcn.errors import OutOfTimeError, exit_code_of, run_stage

_POLL_SECONDS = 0.5
_FORWARDED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_OF_SIGNALS = 128  # a shell's exit code for a process that a signal ended, less the signal
_OUT_OF_TIME = exit_code_of(OutOfTimeError())


@dataclass(frozen=True)
class Member:
    """One training of a pack.

    Attributes:
        name: what messages call its run.
        command: what trains it.
        threads: of its own, of all the job's.
        log: where it prints to.
    """

    name: str
    command: Sequence[str]
    threads: int
    log: Path


class Pack:
    """The processes of a pack."""

    def __init__(self, members: Sequence[Member]):
        self._members = members
        self._processes: dict[str, subprocess.Popen] = {}
        self._signal: int | None = None

    def train(self) -> dict[str, int]:
        """Run every training to its end, a signal to this process being one to each of them.

        Returns:
            The exit code of each run by its name, 128 + the signal for one that a signal ended.
        """
        before = {number: signal.signal(number, self._forward) for number in _FORWARDED}
        try:
            for member in self._members:
                self._processes[member.name] = _start(member)
                _tell(f"{member.name}: process {self._processes[member.name].pid}, {member.log}")
            return self._ends()
        finally:
            for process in self._processes.values():
                process.terminate()  # those that are left if one could not be started
                process.wait()
            for number, handler in before.items():
                signal.signal(number, handler)

    def raise_signal(self) -> None:
        """End as a process ends that the signal, if one came, was for."""
        if self._signal == signal.SIGINT:
            raise KeyboardInterrupt
        if self._signal is not None:
            _tell(f"Stopped by {signal.Signals(self._signal).name}.")
            sys.exit(_OF_SIGNALS + self._signal)

    def _ends(self) -> dict[str, int]:
        codes: dict[str, int] = {}
        while len(codes) < len(self._members):
            for member in self._members:
                code = self._processes[member.name].poll()
                if code is not None and member.name not in codes:
                    codes[member.name] = code if code >= 0 else _OF_SIGNALS - code
                    _tell(f"{member.name}: {_how(member, codes[member.name])}")
            time.sleep(_POLL_SECONDS)
        return codes

    def _forward(self, number: int, frame: FrameType | None) -> None:
        self._signal = self._signal or number
        for process in self._processes.values():
            process.send_signal(number)  # nothing happens to one that has ended


def report(codes: dict[str, int]) -> None:
    """End with one sentence if some trainings are not finished.

    Raises:
        OutOfTimeError: those that are not finished ran out of time.
        SystemExit: one failed, with its exit code.
    """
    unfinished = {name: code for name, code in codes.items() if code}
    if not unfinished:
        return
    text = f"{len(unfinished)} of {len(codes)} trainings of this job are not finished: "
    text += ", ".join(f"{name} (exit code {code})" for name, code in unfinished.items())
    text += "; what each has done is saved, the same command goes on."
    failed = [code for code in unfinished.values() if code != _OUT_OF_TIME]
    if not failed:
        raise OutOfTimeError(text)
    _tell(text)
    sys.exit(failed[0])


def _start(member: Member) -> subprocess.Popen:
    member.log.parent.mkdir(parents=True, exist_ok=True)
    with member.log.open("wb") as log:
        return subprocess.Popen(
            member.command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env={**os.environ, "OMP_NUM_THREADS": str(member.threads)},
            close_fds=False,  # the job's claim on its GPU holds as long as one of them lives
            process_group=0,  # Ctrl-C in a terminal comes once, from this process
        )


def _how(member: Member, code: int) -> str:
    if not code:
        return "finished."
    lines = member.log.read_text("utf-8", "replace").strip().splitlines()
    return f"exit code {code}: {lines[-1].strip() if lines else 'it said nothing'}"


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def main() -> None:
    """Train several runs at once; the n-th of each list of files is of the n-th run."""
    parser = argparse.ArgumentParser(description=__doc__)
    files = ("config", "values", "clips", "checkpoint", "history")
    for name in (*files, "log"):
        parser.add_argument(f"--{name}", type=Path, nargs="+", required=True)
    args = parser.parse_args()

    members = []
    for *paths, log in zip(*(getattr(args, name) for name in (*files, "log")), strict=True):
        run, command = load_run(paths[0]), [sys.executable, "-m", "protogcn", "train"]
        for name, path in zip(files, paths, strict=True):
            command += [f"--{name}", str(path)]
        members.append(Member(run.name, command, run.settings["cpu_threads"], log))
    pack = Pack(members)
    codes = pack.train()
    pack.raise_signal()
    report(codes)


if __name__ == "__main__":
    run_stage(main)
