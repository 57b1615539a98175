"""Where every run of the config stands: ``protogcn status``, from any terminal.

Reads small files and Slurm's queue only, while the jobs run.
"""

import argparse
import json
import math
import shutil
import sys
import textwrap
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from protogcn.config.load import add_configfiles, plan_of
from protogcn.config.plan import Plan
from protogcn.config.targets import chosen_runs
from protogcn.jobs.follow import follow
from protogcn.jobs.run_state import RunState, state_of
from protogcn.jobs.slurm import NoAnswerError, queue_of_user
from protogcn.jobs.states_table import table_of

_SECONDS_OF_A_LIST = 60.0  # after which new run directories are looked for


class _Watch:
    """The runs that are asked for, to be looked at once or again and again.

    Attributes:
        unknown: what the last look could not find out, or empty.
    """

    def __init__(
        self, config: Mapping[str, Any], plan: Plan, directory: Path, targets: Sequence[str]
    ):
        self._list = lambda: chosen_runs(config, plan, directory, targets)
        self._directory = directory
        self._listed = -math.inf
        self._scored: dict[str, RunState] = {}
        self.unknown = ""

    def look(self) -> list[RunState]:
        """Return how every run stands; what was scored at an earlier look is not read again."""
        now, ticks = time.time(), time.monotonic()
        if ticks - self._listed >= _SECONDS_OF_A_LIST:
            self._runs, self._listed = self._list(), ticks
        queue, self.unknown = None, ""
        try:
            queue = queue_of_user()
        except NoAnswerError as error:
            self.unknown = (
                f"Slurm's queue is unknown, and what waits in it not shown: squeue {error}."
            )
        states = [
            self._scored.get(run.name) or state_of(run, self._directory, now=now, queue=queue)
            for run in self._runs
        ]
        self._scored = {state.run: state for state in states if state.state == "scored"}
        return states

    def show(self, states: Sequence[RunState], cut: bool = False) -> str:
        """Return their table; cut to the window of a terminal, or whole."""
        columns, lines = shutil.get_terminal_size((120, 24))
        if not cut:
            columns = max(80, columns)
        notes = textwrap.wrap(self.unknown, columns) if cut else [self.unknown] * bool(self.unknown)
        height = lines - 1 - len(notes) if cut else None
        return "\n".join([table_of(states, width=columns, height=height), *notes])


def main() -> None:
    """Print where the runs stand."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--target",
        nargs="+",
        default=[],
        help="tables, figures, results/report.html or run directories (default: all started)",
    )
    add_configfiles(parser)
    parser.add_argument(
        "--directory", type=Path, help="as for snakemake: where results/ is (default: the config's)"
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="a list of objects, for programs")
    form.add_argument(
        "--follow", action="store_true", help="look again and again until every run has ended"
    )
    parser.add_argument(
        "--interval",
        type=_seconds,
        default=30.0,
        metavar="SECONDS",
        help="with --follow: between two looks, at least 1 (default: 30, as often as a training"
        " reports itself between two epochs)",
    )
    args = parser.parse_args()

    config, plan = plan_of(args.directory or Path(), args.configfile)
    directory = args.directory or Path(plan.directory)
    watch = _Watch(config, plan, directory, args.target)
    states = watch.look()
    if args.json:
        print(json.dumps([asdict(state) for state in states], indent=1))
        if watch.unknown:
            print(watch.unknown, file=sys.stderr)
    elif not states:
        print(f"No run of the config has been started in {directory.resolve()}.")
        if watch.unknown:
            print(watch.unknown)
    elif args.follow:
        follow(states, watch.look, watch.show, interval=args.interval, out=sys.stdout)
    else:
        print(watch.show(states))


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 1 <= seconds < math.inf:
        raise argparse.ArgumentTypeError(f"found {text}, expected seconds, 1 or more")
    return seconds
