"""States of runs, looked at again and again -> a table in place, or blocks with their times."""

import os
import time
from collections.abc import Callable, Sequence
from typing import TextIO

from protogcn.jobs.run_state import ENDED, RunState

_HOME, _END_OF_LINE, _BELOW = "\x1b[H", "\x1b[K", "\x1b[J"


def follow(
    states: Sequence[RunState],
    look: Callable[[], Sequence[RunState]],
    show: Callable[[Sequence[RunState], bool], str],
    *,
    interval: float,
    out: TextIO,
    wait: Callable[[float], None] = time.sleep,
) -> None:
    """Show where runs stand until each has ended, or until Ctrl-C, which is no fault.

    A terminal is written from its top, so that the table stays where it is; what was on it before
    can be scrolled back to. Elsewhere each look is a block of lines.

    Args:
        states: the first look.
        look: returns the states of the moment.
        show: returns their table; cut to what a terminal has room for, or whole.
        interval: seconds between two looks.
        out: where to.
        wait: what passes the time.
    """
    in_place = out.isatty() and os.environ.get("TERM", "dumb") != "dumb"
    try:
        if in_place:
            out.write("\n" * os.get_terminal_size(out.fileno()).lines)
        while not all(state.state in ENDED for state in states):
            _write(show(states, in_place), out, in_place=in_place)
            wait(interval)
            states = look()
    except KeyboardInterrupt:
        if not in_place:
            return
    _write(show(states, False), out, in_place=in_place)


def _write(text: str, out: TextIO, *, in_place: bool) -> None:
    if in_place:
        lines = [line + _END_OF_LINE for line in text.split("\n")]
        out.write(_HOME + "\n".join(lines) + "\n" + _BELOW)
    else:
        out.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')}\n{text}\n\n")
    out.flush()
