"""Timings as medians with quartiles, ratios of two codes measured in turn, and their table."""

import statistics
import time
from collections.abc import Callable, Iterable
from typing import NamedTuple


class Timing(NamedTuple):
    """Median and quartiles, in seconds or as a ratio."""

    median: float
    lower: float
    upper: float


class Row(NamedTuple):
    """One line of a table."""

    name: str
    median: float
    lower: float
    upper: float
    unit: str


def measure(
    call: Callable[[], object], *, rounds: int, clock: Callable[[], float] = time.perf_counter
) -> Timing:
    """Return the seconds of a call, which waits for its own work on a GPU.

    ``time.process_time`` as the clock leaves out what other programs take of one core.
    """
    call()  # the first call allocates and loads
    return _spread([_seconds(call, clock) for _ in range(rounds)])


def interleaved(
    first: Callable[[], object],
    second: Callable[[], object],
    *,
    rounds: int,
    clock: Callable[[], float] = time.perf_counter,
) -> Timing:
    """Return how many times as long the first call takes as the second.

    Each round goes first, second, second, first: a machine that slows down does it to both. The
    same call twice shows how much of a ratio is noise.
    """
    first()
    second()
    ratios = []
    for _ in range(rounds):
        seconds = [_seconds(call, clock) for call in (first, second, second, first)]
        ratios.append((seconds[0] + seconds[3]) / (seconds[1] + seconds[2]))
    return _spread(ratios)


def rate(name: str, timing: Timing, amount: float, unit: str) -> Row:
    """Return how much of something a call does in a second."""
    return Row(name, *(amount / timing[place] for place in (0, 2, 1)), unit)


def duration(name: str, timing: Timing) -> Row:
    """Return the seconds of a call."""
    return Row(name, *timing, "s")


def comparison(
    name: str,
    slow: Callable[[], object],
    fast: Callable[[], object],
    *,
    rounds: int,
    clock: Callable[[], float] = time.perf_counter,
) -> list[Row]:
    """Return how many times as fast one code is as another, and the faster one as itself."""
    return [
        Row(name, *interleaved(slow, fast, rounds=rounds, clock=clock), "x"),
        Row(f"{name}, control", *interleaved(fast, fast, rounds=rounds, clock=clock), "x"),
    ]


def print_rows(rows: Iterable[Row]) -> None:
    """Print one line for each row: name, median, quartiles, unit."""
    for row in rows:
        median, lower, upper = (_figure(row[place]) for place in (1, 2, 3))
        print(f"{row.name:<62} {median:>8} {row.unit} ({lower} to {upper})", flush=True)


def _figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _seconds(call: Callable[[], object], clock: Callable[[], float]) -> float:
    begin = clock()
    call()
    return clock() - begin


def _spread(values: list[float]) -> Timing:
    if len(values) == 1:
        return Timing(values[0], values[0], values[0])
    lower, median, upper = statistics.quantiles(values, n=4, method="inclusive")
    return Timing(median, lower, upper)
