"""The two mistakes a user can make, what stops a training, and how a command reports them."""

import difflib
import os
import re
import select
import sys
from collections.abc import Callable, Iterable, Sequence
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
}


def run_stage(main: Callable[[], None]) -> None:
    """Run a stage's ``main``; report a known mistake as one sentence and an exit code.

    Exit codes: 2 ConfigError, 3 ContractError, 4 NotFiniteError, 5 SupersededError, 6
    OutOfTimeError (not finished: start again), 7 FinishedElsewhereError (of one process of several;
    the command itself succeeds). Who closes the pipe that we print to, as ``head`` does, ends
    the stage without a word (141). Anything else is a fault of ours and keeps its traceback (exit
    code 1).
    """
    try:
        main()
        sys.stdout.flush()
    except tuple(_EXIT_CODES) as error:
        print(f"{type(error).__name__}: {printable(str(error))}", file=sys.stderr)
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
