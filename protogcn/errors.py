"""The two mistakes a user can make, what stops a training, and how a command reports them."""

import difflib
import sys
from collections.abc import Callable, Iterable


class ConfigError(Exception):
    """You asked for something wrong: a setting, a name, a combination."""


class ContractError(Exception):
    """A file is not what its stage, or its format, promised."""


class NotFiniteError(Exception):
    """The numbers of a training are no longer finite."""


class SupersededError(Exception):
    """Another process took over this run."""


class FinishedElsewhereError(Exception):
    """Another process took over this run and has finished it: nothing is left to do."""


class OutOfTimeError(Exception):
    """The next epoch would not end before the job does; the ones before are saved."""


_EXIT_CODES = {
    ConfigError: 2,
    ContractError: 3,
    NotFiniteError: 4,
    SupersededError: 5,
    OutOfTimeError: 6,
    FinishedElsewhereError: 7,
}


def run_stage(main: Callable[[], None]) -> None:
    """Run a stage's ``main``; report a known mistake as one sentence and an exit code.

    Exit codes: 2 ConfigError, 3 ContractError, 4 NotFiniteError, 5 SupersededError, 6
    OutOfTimeError (not finished: start again), 7 FinishedElsewhereError (of one process of several,
    see protogcn.torchrun). Anything else is a fault of ours and keeps its traceback (exit code 1).
    """
    try:
        main()
    except tuple(_EXIT_CODES) as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        sys.exit(exit_code_of(error))
    except KeyboardInterrupt as error:
        print("Stopped by Ctrl-C.", file=sys.stderr)
        sys.exit(exit_code_of(error))


def exit_code_of(error: BaseException) -> int:
    """Return the exit code of a stage that ends with ``error``."""
    if isinstance(error, KeyboardInterrupt):
        return 130
    return _EXIT_CODES.get(type(error), 1)


def nearest(name: str, known: Iterable[str]) -> str:
    """Return a hint at the known name that ``name`` may have been meant to be, or nothing."""
    close = difflib.get_close_matches(str(name), list(known), n=1)
    return f"; did you mean {close[0]!r}?" if close else ""
