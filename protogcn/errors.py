"""The two mistakes a user can make, what stops a stage, and how a command reports them."""

import difflib
import errno
import os
import re
import select
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TextIO


class _MistakeError(Exception):
    """A mistake of the user's.

    Attributes:
        faults: every fault of every file, where the message sums them up.
    """

    def __init__(self, message: str = "", faults: Iterable[Exception] = ()):
        super().__init__(message)
        self.faults = tuple(faults)


class ConfigError(_MistakeError):
    """You asked for something wrong: a setting, a name, a combination."""


class ContractError(_MistakeError):
    """A file is not what its stage, or its format, promised."""


class UnreadableError(ContractError):
    """A file cannot be read now, for lack of memory or of a right; it may be whole."""


class NotFiniteError(Exception):
    """The numbers of a training are no longer finite."""


class SupersededError(Exception):
    """Another process took over this run."""


class FinishedElsewhereError(Exception):
    """Another process took over this run and has finished it: nothing is left to do."""


class OutOfTimeError(Exception):
    """The next epoch would not end before the job does; the ones before are saved."""


class TooLittleMemoryError(Exception):
    """The machine, its GPU or a limit has less memory than is needed."""


# Control characters, half characters, line ends, and what turns the direction of writing.
_HIDDEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)
_NO_READER = 141  # what the shell says of other programs that a closed pipe ended

_EXIT_CODES = {
    ConfigError: 2,
    ContractError: 3,
    UnreadableError: 3,
    NotFiniteError: 4,
    SupersededError: 5,
    OutOfTimeError: 6,
    FinishedElsewhereError: 7,
    TooLittleMemoryError: 8,
}

# What Python, numpy, torch, CUDA and the loader of libraries say.
_NO_MEMORY = re.compile(
    "out of memory|allocate memory|not enough memory|unable to allocate|bad_alloc|alloc_failed"
    "|failed to map segment|start new thread|error return without exception|create a primitive",
    re.IGNORECASE,
)
_OF_PLACES = (
    errno.EACCES, errno.EPERM, errno.ENAMETOOLONG, errno.ELOOP, errno.EIO, errno.ESTALE,
)  # fmt: skip
_ASKED = re.compile(r"allocate ([0-9.,]+ ?(?:[KMGT]i?B|bytes))", re.IGNORECASE)
_MORE_MEMORY = "free some, or start it where there is more (mem_mb of its job, ulimit -v)"


def lacks_memory(error: BaseException) -> bool:
    """Whether an error says that memory ran out."""
    if isinstance(error, MemoryError):
        return True
    return isinstance(error, RuntimeError | ImportError | OSError | SystemError) and bool(
        _NO_MEMORY.search(str(error))
    )


@contextmanager
def enough_memory(what: str = "", remedy: str = _MORE_MEMORY) -> Iterator[None]:
    """Turn a lack of memory, whoever notices it, into a TooLittleMemoryError.

    Args:
        what: needs it, for the message.
        remedy: what to do.

    Raises:
        TooLittleMemoryError: with what was asked for, if that is known.
    """
    try:
        yield
    except (MemoryError, RuntimeError, ImportError, OSError, SystemError) as error:
        if not lacks_memory(error):
            raise
        traceback.clear_frames(error.__traceback__)  # for what is to be done with the little left
        asked = _ASKED.search(str(error))
        reason = f"{asked[1]} more were asked for" if asked else type(error).__name__
        place = f"{what}: " if what else ""
        raise TooLittleMemoryError(
            f"{place}there is too little memory ({reason}); {remedy}."
        ) from None


@contextmanager
def places_in_reach() -> Iterator[None]:
    """Turn what a file system says of a place, whoever asked, into an UnreadableError.

    Most ask in passing: whether a file exists, what a folder holds.

    Raises:
        UnreadableError: with the place.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in _OF_PLACES or error.filename is None:
            raise
        right = f" for user {os.geteuid()}" if isinstance(error, PermissionError) else ""
        raise UnreadableError(
            f"{str(error.filename)[:200]}: cannot be reached ({error.strerror}{right}): mend that,"
            " or name another place."
        ) from error


def run_stage(main: Callable[[], None]) -> None:
    """Run a stage's ``main``; report a known mistake as one sentence and an exit code.

    Exit codes: 2 ConfigError, 3 ContractError, 4 NotFiniteError, 5 SupersededError, 6
    OutOfTimeError (not finished: start again), 7 FinishedElsewhereError (of one process of several;
    the command itself succeeds), 8 TooLittleMemoryError. Who closes the pipe that we print to, as
    ``head`` does, ends the stage without a word (141). Anything else is a fault of ours and keeps
    its traceback (exit code 1).
    """
    try:
        with enough_memory(), places_in_reach():
            main()
        sys.stdout.flush()
    except tuple(_EXIT_CODES) as error:
        with suppress(OSError):  # a full disk takes no words either
            sentence = f"{type(error).__name__}: {printable(str(error))}"
            print(sentence, file=sys.stderr, flush=True)
        sys.exit(exit_code_of(error))
    except KeyboardInterrupt as error:
        print("Stopped by Ctrl-C.", file=sys.stderr)
        sys.exit(exit_code_of(error))
    except BrokenPipeError:
        closed = [stream for stream in (sys.stdout, sys.stderr) if _has_no_reader(stream)]
        if not closed:
            raise  # another pipe, such as one to a process of ours
        nowhere = os.open(os.devnull, os.O_WRONLY)
        for stream in closed:  # or Python would complain when it prints the rest at its end
            os.dup2(nowhere, stream.fileno())
        sys.exit(_NO_READER)


def exit_code_of(error: BaseException) -> int:
    """Return the exit code of a stage that ends with ``error``."""
    if isinstance(error, KeyboardInterrupt):
        return 130
    return _EXIT_CODES.get(type(error), 1)


def _has_no_reader(stream: TextIO) -> bool:
    poll = select.poll()
    poll.register(stream.fileno(), 0)  # tells of errors, whatever it is asked for
    return bool(poll.poll(0))


def has_hidden(text: str) -> bool:
    """Return whether a name has letters that a terminal obeys and nobody sees."""
    return _HIDDEN.search(text) is not None


def printable(message: str) -> str:
    """Return a message of several lines with what is hidden in the names that it shows escaped."""
    return _HIDDEN.sub(
        lambda found: found[0] if found[0] == "\n" else ascii(found[0])[1:-1], message
    )


def nearest(name: str, known: Iterable[str]) -> str:
    """Return a hint at the known name that ``name`` may have been meant to be, or nothing."""
    lowered = {other.lower(): other for other in known}
    close = difflib.get_close_matches(str(name).lower(), lowered, n=1)
    return f"; did you mean {lowered[close[0]]!r}?" if close else ""


def some_of(names: Sequence[object], shown: int = 5, *, separator: str = ", ") -> str:
    """Return the first few of some names, and dots if there are more."""
    more = [] if len(names) <= shown else ["..."]
    return separator.join([*map(str, names[:shown]), *more])
