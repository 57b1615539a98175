"""A reader and some whole files -> many damaged ones, guided by the lines that they reach.

An input that reaches a line of the package which none before it did is kept, and damaged further.
All inputs of a reader run in one child process: with an address space of 300 MB above its start,
and 2 seconds of processor time for each input.
"""

import json
import math
import os
import random
import resource
import signal
import sys
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import protogcn
from protogcn.errors import ConfigError, ContractError, UnreadableError

SECONDS = 2.0
MEMORY = 300 << 20  # bytes
_PACKAGE = str(Path(protogcn.__file__).parent)
_ANY_TRACED = 400  # calls of a function that are traced after it showed a new line; then few are
_MOST_LINES = 3000  # of one call
_MOST_FAULTS = 5
_LONGEST = 1 << 13  # bytes of an input that is damaged further
_TOO_LITTLE = ("more than fits into memory", "too little memory")


@dataclass(frozen=True)
class Reader:
    """A reader of files, and what it is tried with.

    Attributes:
        name: of the reader.
        file: the name that its file has.
        read: returns the content, or raises one of the two exceptions.
        whole: files that it reads, from which all others are made.
        change: (generator, file, files) -> a damaged file.
    """

    name: str
    file: str
    read: Callable[[Path], Any]
    whole: Sequence[bytes]
    change: Callable[[random.Random, bytes, Sequence[bytes]], bytes]


@dataclass
class Found:
    """What came of the inputs.

    Attributes:
        outcomes: how many were read, and refused.
        faults: what else happened, with the number of the input.
        lines: how many lines of the package were reached.
        slowest: seconds of one input.
        said: what the last refusal said.
    """

    outcomes: Counter = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    lines: int = 0
    slowest: float = 0.0
    said: str = ""


class _TooSlowError(BaseException):  # no reader catches it
    pass


def fuzz(
    reader: Reader, folder: Path, *, tries: int, seconds: float = math.inf, seed: int = 0
) -> Found:
    """Try a reader on damaged files.

    Args:
        reader: what is tried.
        folder: an empty one; what made a fault stays in it.
        tries: how many files at most.
        seconds: of processor time, after which no other is tried.
        seed: of the damage.
    """
    return _in_child(
        folder / reader.file, lambda: _Guided(reader, folder, seed).run(tries, seconds)
    )


def read_alone(reader: Reader, folder: Path) -> Found:
    """Try a reader on its file as it lies there, which may be larger than memory."""
    return _in_child(folder / reader.file, lambda: _Guided(reader, folder, 0).run_once())


def _in_child(path: Path, run: Callable[[], Found]) -> Found:
    receive, send = os.pipe()
    if not (child := os.fork()):
        os.close(receive)
        found = Found()
        try:
            resource.setrlimit(resource.RLIMIT_AS, (_address_space() + MEMORY,) * 2)
            signal.signal(signal.SIGPROF, _stop)
            warnings.simplefilter("ignore")
            with Path(os.devnull).open("w") as nowhere:
                sys.stdout = sys.stderr = nowhere
                found = run()
        except BaseException:
            found.faults.append(traceback.format_exc())
        finally:
            with os.fdopen(send, "w") as pipe:
                json.dump(vars(found), pipe)
            os._exit(0)
    os.close(send)
    with os.fdopen(receive) as pipe:
        text = pipe.read()
    _, status = os.waitpid(child, 0)
    if not text:
        return Found(Counter(), [f"died of signal {os.WTERMSIG(status)}; see {path}"])
    told = json.loads(text)
    return Found(**{**told, "outcomes": Counter(told["outcomes"])})


class _Guided:
    def __init__(self, reader: Reader, folder: Path, seed: int):
        self._reader = reader
        self._path = folder / reader.file
        self._seed = seed
        self._files = list(reader.whole)
        self._reached = _Reached()
        self._found = Found()
        self._kinds: set[tuple[str, str]] = set()

    def run(self, tries: int, seconds: float) -> Found:
        for number, whole in enumerate(self._reader.whole):
            self._try(f"whole {number}", whole)
            if self._found.outcomes != {"read": number + 1} and not self._found.faults:
                self._found.faults.append(f"whole {number}: was not read: {self._found.said}")
        self._found.outcomes.clear()
        end = time.process_time() + seconds
        for number in range(tries):
            generator = random.Random(f"{self._seed} {number}")
            data = self._change(generator)
            # Lines of one in four are counted: that takes most of the time.
            if self._try(str(number), data, counts=not number % 4) and len(data) <= _LONGEST:
                self._files.append(data)
            if len(self._found.faults) >= _MOST_FAULTS:
                break
            if not number % 16 and time.process_time() > end:
                break
        self._found.lines = self._reached.count
        return self._found

    def run_once(self) -> Found:
        self._read("0", b"", counts=False)
        return self._found

    def _change(self, generator: random.Random) -> bytes:
        # Newer ones lead further; most damage to what is damaged already is no news.
        some = generator.choice((self._reader.whole, self._files[-20:], self._files))
        return self._reader.change(generator, generator.choice(some), self._files)

    def _try(self, number: str, data: bytes, *, counts: bool = True) -> bool:
        self._path.write_bytes(data)
        return self._read(number, data, counts=counts)

    def _read(self, number: str, data: bytes, *, counts: bool) -> bool:
        """Read the file; return whether that reached a new line."""
        before = self._reached.count
        start = time.perf_counter()
        signal.setitimer(signal.ITIMER_PROF, SECONDS + 0.5)
        if counts:
            sys.settrace(self._reached.enter)
        said = ""
        try:
            self._reader.read(self._path)
            outcome = "read"
        except (ConfigError, ContractError) as error:
            outcome, said = "refused", str(error)
            self._found.said = said
            if isinstance(error, UnreadableError) or any(each in said for each in _TOO_LITTLE):
                self._fault(number, data, f"took more than {MEMORY >> 20} MB", error)
            elif self._path.name not in said or "Traceback" in said:
                self._fault(number, data, "the message does not name the file", error)
        except _TooSlowError as error:
            outcome = "slow"
            self._fault(number, data, f"took more than {SECONDS} s", error)
        except BaseException as error:
            outcome = "traceback"
            self._fault(number, data, "another exception", error)
        finally:
            sys.settrace(None)
            signal.setitimer(signal.ITIMER_PROF, 0)
        self._found.slowest = max(self._found.slowest, time.perf_counter() - start)
        self._found.outcomes[outcome] += 1
        return self._reached.count > before

    def _fault(self, number: str, data: bytes, what: str, error: BaseException) -> None:
        place = traceback.extract_tb(error.__traceback__)[-1]
        kind = (what, f"{Path(place.filename).name}:{place.lineno} {type(error).__name__}")
        if kind in self._kinds:
            return
        self._kinds.add(kind)
        kept = self._path.with_name(f"fault-{len(self._kinds)}-{self._path.name}")
        kept.write_bytes(data)
        said = "".join(traceback.format_exception(error))[-1500:]
        self._found.faults.append(
            f"input {number} of seed {self._seed} ({kept}, {data[:200]!r}): {what}: {said}"
        )


class _Reached:
    """Counts the lines of the package that were reached; functions without news are skipped."""

    def __init__(self) -> None:
        self.count = 0
        self._lines: dict[CodeType, set[int]] = {}
        self._calls: Counter[CodeType] = Counter()

    def enter(self, frame: FrameType, event: str, argument: object) -> Callable | None:
        code = frame.f_code
        known = self._lines.get(code)
        if known is None:
            known = self._lines[code] = set()
        if not code.co_filename.startswith(_PACKAGE):
            return None
        calls = self._calls[code] = self._calls[code] + 1
        if calls > _ANY_TRACED and calls % 16:
            return None
        left = _MOST_LINES

        def reach(frame: FrameType, event: str, argument: object) -> Callable:
            nonlocal left
            if event == "line" and frame.f_lineno not in known:
                known.add(frame.f_lineno)
                self.count += 1
                self._calls[code] = 0
            left -= 1
            if left < 0:
                frame.f_trace_lines = False
            return reach

        return reach


def _stop(*_: object) -> None:
    raise _TooSlowError


def _address_space() -> int:
    return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
