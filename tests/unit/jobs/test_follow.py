import io
import os
import time
from dataclasses import dataclass

import pytest

from protogcn.jobs.follow import follow
from protogcn.jobs.run_state import ENDED, STATES


@dataclass
class State:
    state: str


class Terminal(io.StringIO):
    def isatty(self):
        return True

    def fileno(self):
        return 1


@pytest.fixture
def terminal(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(os, "get_terminal_size", lambda of: os.terminal_size((80, 5)))
    return Terminal()


def seen(looks, out, *, stop_at=None):
    """Follow looks, each a list of states; return what was waited for."""
    waits = []

    def wait(seconds):
        waits.append(seconds)
        if len(waits) == stop_at:
            raise KeyboardInterrupt

    states, *later = [[State(name) for name in look] for look in looks]
    later = iter(later)

    def show(states, cut):
        return ", ".join(state.state for state in states) + (" cut" if cut else "")

    follow(states, lambda: next(later), show, interval=7, out=out, wait=wait)
    return waits


def test_it_ends_when_every_run_has_ended():
    looks = [("running", "waiting"), ("scored", "running"), ("scored", "failed"), ("never",)]
    assert seen(looks, io.StringIO()) == [7, 7]


@pytest.mark.parametrize("state", sorted({*STATES} - {*ENDED}))
def test_states_that_may_go_on_are_waited_for(state):
    assert seen([("scored", state), ("scored", "scored")], io.StringIO()) == [7]


def test_a_pipe_gets_a_block_with_its_time_for_each_look():
    out = io.StringIO()
    seen([("running",), ("scored",)], out)
    blocks = out.getvalue().split("\n\n")
    assert [block.split("\n")[1] for block in blocks[:2]] == ["running", "scored"]
    assert all(time.strptime(b.split("\n")[0], "%Y-%m-%d %H:%M:%S") for b in blocks[:2])
    assert "\x1b" not in out.getvalue()


def test_a_terminal_is_written_in_place_and_keeps_the_whole_last_table(terminal):
    seen([("running",), ("running",), ("scored",)], terminal)
    before, *tables = terminal.getvalue().split("\x1b[H")
    assert before == "\n" * 5  # what was on it can be scrolled back to
    assert [t.split("\x1b[K")[0] for t in tables] == ["running cut", "running cut", "scored"]
    assert all(table.endswith("\x1b[K\n\x1b[J") for table in tables)


def test_a_terminal_that_cannot_move_its_cursor_gets_blocks(terminal, monkeypatch):
    monkeypatch.setenv("TERM", "dumb")
    seen([("running",), ("scored",)], terminal)
    assert "\x1b" not in terminal.getvalue()


def test_ctrl_c_ends_it_quietly(terminal):
    seen([("running",), ("queued",)], terminal, stop_at=2)
    assert terminal.getvalue().split("\x1b[H")[-1].startswith("queued\x1b[K")
    out = io.StringIO()
    seen([("running",)], out, stop_at=1)
    assert out.getvalue().count("running") == 1
