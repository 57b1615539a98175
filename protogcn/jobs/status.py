"""Where every run of the config stands: ``protogcn status``, from any terminal.

Reads small files and Slurm's queue only, while the jobs run.
"""

import argparse
import json
import shutil
import sys
import textwrap
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import timedelta
from itertools import groupby
from operator import attrgetter
from pathlib import Path

from protogcn.config.load import plan_of
from protogcn.config.targets import chosen_runs
from protogcn.files import paths
from protogcn.jobs.run_state import STATES, RunState, state_of
from protogcn.jobs.slurm import NoAnswerError, queue_of_user

_AGAIN = ("out of time", "stopped", "failed")


def table_of(states: Iterable[RunState], *, width: int) -> str:
    """Return the table that a terminal shows: a block for each task and model."""
    lines: list[str] = []
    states = list(states)
    names = attrgetter("dataset", "split", "model")
    for (dataset, split, model), block in groupby(states, key=names):
        lines += [f"{dataset}_{split}  {model}", _HEADER]
        for state in block:
            lines.append(_line(state)[:width].rstrip())
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
    return "\n".join([*lines, *_summary(states)])


_HEADER = "  stream  state          epoch  train acc  clips/s         left  job         host"


def _line(state: RunState) -> str:
    epoch = f"{'-' if state.epoch is None else state.epoch}/{state.epochs}"
    accuracy = "-" if state.accuracy is None else f"{state.accuracy:.2f}"
    speed = "-" if state.clips_per_second is None else f"{state.clips_per_second:.0f}"
    left = "-" if state.seconds_left is None else _clock(state.seconds_left)
    return (
        f"  {state.stream:<6}  {state.state:<11}  {epoch:>7}  {accuracy:>9}  {speed:>7}"
        f"  {left:>11}  {_plain(state.job) or '-':<10}  {_plain(state.host) or '-'}"
    )


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


def main() -> None:
    """Print where the runs stand."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--target",
        nargs="+",
        default=[],
        help="tables, figures, results/report.html or run directories (default: all started)",
    )
    parser.add_argument(
        "--configfile", type=Path, nargs="+", default=[], help="as for snakemake, on top"
    )
    parser.add_argument(
        "--directory", type=Path, help="as for snakemake: where results/ is (default: the config's)"
    )
    parser.add_argument("--json", action="store_true", help="a list of objects, for programs")
    args = parser.parse_args()

    config, plan = plan_of(args.directory or Path(), args.configfile)
    directory = args.directory or Path(plan.directory)
    runs = chosen_runs(config, plan, directory, args.target)
    queue, unknown = None, ""
    try:
        queue = queue_of_user()
    except NoAnswerError as error:
        unknown = f"Slurm's queue is unknown, and what waits in it not shown: squeue {error}."
    now = time.time()
    states = [state_of(run, directory, now=now, queue=queue) for run in runs]
    if args.json:
        print(json.dumps([asdict(state) for state in states], indent=1))
    elif states:
        print(table_of(states, width=max(80, shutil.get_terminal_size((100, 24)).columns)))
    else:
        print(f"No run of the config has been started in {directory.resolve()}.")
    if unknown:
        print(unknown, file=sys.stderr if args.json else sys.stdout)
