"""The states of runs -> the table that a terminal shows."""

import textwrap
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby
from operator import attrgetter

from protogcn.files import paths
from protogcn.jobs.run_state import STATES, RunState

_AGAIN = ("out of time", "stopped", "failed")
_SETTLED = ("waiting", "queued", "trained", "scored")  # shown last where there is little room


def table_of(states: Iterable[RunState], *, width: int, height: int | None = None) -> str:
    """Return a block for each task and model, and a summary.

    Args:
        states: the runs, those of a block one after the other.
        width: of a line at most, in letters; narrow tables leave columns out.
        height: of the table at most, in lines; None is no limit. Short ones show first what runs
            and what needs a look.
    """
    states = list(states)
    columns = _columns(states, width)
    lines, summary = _blocks(states, columns, width), _summary(states)
    if height is None or len(lines) + len(summary) <= height:
        return "\n".join([*lines, *summary])
    shown = [state for state in states if state.state not in _SETTLED]
    lines, room = _blocks(shown, columns, width), max(0, height - len(summary) - 1)
    if len(lines) > room:
        cut = f"... {len(lines) - room} more lines: the window is too low."
    else:
        cut = f"... {len(states) - len(shown)} runs more that wait or have ended."
    return "\n".join([*lines[:room], cut, *summary])


@dataclass(frozen=True)
class _Column:
    """A column: its head, its width (negative: flush left), its cells, when it is left out."""

    head: str
    width: int
    text: Callable[[RunState], str]
    dropped: int = 0  # 1 is left out first on a narrow terminal, 0 never

    def cell(self, text: str) -> str:
        return f"{text:<{-self.width}}" if self.width < 0 else f"{text:>{self.width}}"


_COLUMNS = (
    _Column("stream", -6, lambda state: state.stream),
    _Column("state", -11, lambda state: state.state),
    _Column("epoch", 7, lambda state: f"{_or_dash(state.epoch, 'd')}/{state.epochs}"),
    _Column("loss", 7, lambda state: _or_dash(state.loss, ".4g"), 2),
    _Column("train acc", 9, lambda state: _or_dash(state.accuracy, ".2f")),
    _Column("measured", 13, lambda state: _measured(state), 4),
    _Column("rate", 7, lambda state: _or_dash(state.learning_rate, ".2g"), 1),
    _Column("clips/s", 7, lambda state: _or_dash(state.clips_per_second, ".0f"), 3),
    _Column(
        "left",
        11,
        lambda state: "-" if state.seconds_left is None else _clock(state.seconds_left),
    ),
    _Column("job", -10, lambda state: _plain(state.job) or "-"),
    _Column("host", -8, lambda state: _plain(state.host) or "-"),
)


def _columns(states: Sequence[RunState], width: int) -> list[_Column]:
    """Return the columns that have something to tell and fit."""
    columns = [
        column
        for column in _COLUMNS
        if column.head != "measured" or any(state.measured_on for state in states)
    ]
    for column in sorted(_COLUMNS, key=attrgetter("dropped")):
        if column.dropped and sum(abs(c.width) + 2 for c in columns) > width:
            columns = [other for other in columns if other is not column]
    return columns


def _blocks(states: Iterable[RunState], columns: Sequence[_Column], width: int) -> list[str]:
    lines: list[str] = []
    names = attrgetter("dataset", "split", "model")
    for (dataset, split, model), block in groupby(states, key=names):
        heads = [column.cell(column.head) for column in columns]
        lines += [f"{dataset}_{split}  {model}", _joined(heads, width)]
        for state in block:
            lines.append(_joined([column.cell(column.text(state)) for column in columns], width))
            if state.message:
                text = f"{state.log}: {_plain(state.message)}"
                indent = " " * 6
                lines += textwrap.wrap(
                    text,
                    width,
                    initial_indent=indent,
                    subsequent_indent=indent,
                    break_on_hyphens=False,
                )
        lines += [f"  logs: {paths.log('train_stream', dataset, split, model, 'STREAM')}", ""]
    return lines


def _joined(cells: Sequence[str], width: int) -> str:
    return "  ".join(["", *cells])[:width].rstrip()


def _measured(state: RunState) -> str:
    return f"{state.measured_on} {_or_dash(state.measured, '.2f')}" if state.measured_on else "-"


def _or_dash(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)


def _summary(states: Sequence[RunState]) -> list[str]:
    counts = Counter(state.state for state in states)
    parts = [f"{counts[name]} {name}" for name in STATES if counts[name]]
    lines = [f"{len(states)} runs: {', '.join(parts)}."]
    left = [state.seconds_left for state in states if state.seconds_left is not None]
    if left:
        lines.append(f"The running ones need about {_clock(max(left))} more.")
    if any(counts[name] for name in _AGAIN):
        lines.append("The same snakemake command again resumes each run from its last epoch.")
    return lines


def _clock(seconds: float) -> str:
    return str(timedelta(seconds=round(seconds))).replace(" days, ", "d ").replace(" day, ", "d ")


def _plain(text: str) -> str:
    """Return text without what would steer a terminal."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)
