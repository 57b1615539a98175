"""A difference -> how many repeats of two trainings show it, and whether the test clips can."""

import argparse
import math
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from protogcn.errors import ConfigError
from protogcn.files.csv_table import as_numbers, load_table
from protogcn.scores.repeats import (
    difference_seen,
    difference_seen_by_clips,
    pooled_spread,
    repeats_needed,
    spread_interval,
)

_TABLE = {"task": "str", "metric": "str", "repeats": "str", "spread": "str"}
_COUNTS = ("clips", "first_better", "second_better")
_PAIRS = {"task": "str", "metric": "str", **dict.fromkeys(_COUNTS, "int64")}
_SHOWN = (2, 3, 5, 10, 20)


class Spread(NamedTuple):
    """What is known of one task and metric.

    Attributes:
        name: of both.
        spread: standard deviation of repeats, in points.
        freedom: how many repeats beyond the first of a row it is from; None if it was given.
    """

    name: str
    spread: float
    freedom: int | None


def spreads_of(table: pd.DataFrame) -> list[Spread]:
    """Return the spread of each task and metric, rows pooled; all rows have two repeats or more."""
    found = []
    for (task, metric), rows in table.groupby(["task", "metric"], sort=False):
        spread, freedom = pooled_spread([*rows["spread"]], [*rows["repeats"]])
        found.append(Spread(f"{task} {metric}", spread, freedom))
    return found


def lines_of(known: Spread, difference: float, power: float) -> Iterator[str]:
    """Yield sentences on the repeats that show a difference."""
    source = ""
    if known.freedom is not None:
        low, high = spread_interval(known.spread, known.freedom)
        source = f" (95 % interval {low:.2f} to {high:.2f}, {known.freedom} degrees of freedom)"
    yield f"{known.name}: repeats differ by {known.spread:.2f} points{source}"
    if known.spread == 0:
        yield "  equal repeats: any difference is one, if these repeats are trainings of their own"
        return
    needed = repeats_needed(difference, known.spread, power)
    count = "more than 10,000" if needed is None else f"{needed:,}"
    yield f"  {count} repeats of each show a difference of {difference:g} points"
    seen = (f"{difference_seen(known.spread, count, power):.2f} by {count}" for count in _SHOWN)
    yield f"  differences shown by so many repeats of each: {', '.join(seen)}"


def lines_of_clips(name: str, clips: int, disagreement: float, power: float) -> str:
    """Return a sentence on the difference that test clips show; the disagreement is a share."""
    seen = difference_seen_by_clips(clips, disagreement, power)
    return (
        f"{name}: {clips:,} clips, on {100 * disagreement:.1f} % of which one of the two alone is"
        f" right, show a difference of {100 * seen:.2f} points between two networks"
    )


def _check(args: argparse.Namespace) -> None:
    if not 0 < args.difference < math.inf:
        raise ConfigError(f"--difference {args.difference:g}: expected points above 0.")
    if not 0.06 <= args.power <= 0.99:
        raise ConfigError(f"--power {args.power:g}: expected a share from 0.06 to 0.99.")
    if args.spread is not None and not 0 < args.spread < math.inf:
        raise ConfigError(f"--spread {args.spread:g}: expected points above 0.")
    if (args.clips is None) != (args.disagreement is None):
        raise ConfigError("--clips and --disagreement belong together; give both or neither.")
    if args.clips is not None and (args.clips < 1 or not 0 < args.disagreement <= 100):
        raise ConfigError(
            f"--clips {args.clips} --disagreement {args.disagreement:g}: expected one clip or more"
            " and per cent above 0, up to 100."
        )
    if args.table is None and args.spread is None and args.clips is None:
        raise ConfigError(
            "power: nothing is known of the noise; give --table results/table5.csv, --spread"
            " POINTS, or --clips N --disagreement PER_CENT."
        )


def _from_table(args: argparse.Namespace) -> Iterator[str]:
    table = load_table(args.table, _TABLE)
    table = table[table["spread"] != ""]
    for column, dtype in (("spread", "float64"), ("repeats", "int64")):
        table = table.assign(**{column: as_numbers(args.table, table[column], dtype)})
    found = spreads_of(table)
    if not found:
        yield (
            f"{args.table}: no number of it has two repeats; ask for some in its streams, such as"
            " J: [j, j-2, j-3], or give --spread."
        )
    for known in found:
        yield from lines_of(known, args.difference, args.power)
    name, _, ending = args.table.name.partition(".")
    beside = args.table.with_name(f"{name}_pairs.{ending}")
    if beside.is_file():
        pairs = load_table(beside, _PAIRS)
        pairs = pairs[pairs["metric"] == "top1"]
        for task, rows in pairs.groupby("task", sort=False):
            apart = (rows["first_better"] + rows["second_better"]) / rows["clips"]
            if median := float(apart.median()):
                yield lines_of_clips(task, int(rows["clips"].max()), median, args.power)


def main() -> None:
    """Print what a difference takes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--difference", type=float, required=True, help="in points of accuracy")
    parser.add_argument(
        "--table",
        type=Path,
        help="csv of a comparison table with repeats, beside it its _pairs.csv",
    )
    parser.add_argument("--spread", type=float, help="standard deviation of repeats, in points")
    parser.add_argument("--clips", type=int, help="test clips")
    parser.add_argument(
        "--disagreement", type=float, help="per cent of them that one of the two alone is right on"
    )
    parser.add_argument("--power", type=float, default=0.8, help="chance to see it (default 0.8)")
    args = parser.parse_args()

    _check(args)
    print(
        f"To see a difference in {100 * args.power:g} of 100 cases, two-sided tests at 5 %:"
        " Student's for repeats, McNemar's for clips."
    )
    if args.table is not None:
        print(*_from_table(args), sep="\n")
    if args.spread is not None:
        given = Spread("as given", args.spread, None)
        print(*lines_of(given, args.difference, args.power), sep="\n")
    if args.clips is not None:
        print(lines_of_clips("as given", args.clips, args.disagreement / 100, args.power))
