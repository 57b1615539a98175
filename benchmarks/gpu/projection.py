"""Measured seconds -> minutes of whole trainings, and of all streams of the paper's Table 5."""

import math
from typing import NamedTuple

from benchmarks.gpu.report import Report

EPOCHS = 150


class Task(NamedTuple):
    """How many clips a task has, and how many streams Table 5 trains."""

    name: str
    train: int
    test: int
    counted: bool  # False: an estimate, from descriptions of the dataset
    runs: int = 9  # J and B and K twice, and the three motions


TASKS = (
    Task("ntu60_xsub", 40_091, 16_487, True),
    Task("ntu60_xview", 37_646, 18_932, True),
    Task("ntu120_xsub", 63_026, 50_919, True),
    Task("ntu120_xset", 54_468, 59_477, True),
    Task("kinetics_val", 240_000, 20_000, False, runs=11),
    Task("finegym_val", 20_000, 8_500, False),
)


def run_minutes(task: Task, *, step: float, scored: float, batch: int) -> float:
    """Minutes of one training and its scoring.

    Args:
        task: its clips.
        step: seconds of a step.
        scored: seconds to score one clip.
        batch: clips of a step.
    """
    return (math.ceil(task.train / batch) * EPOCHS * step + task.test * scored) / 60


def project(report: Report, *, step: float, scored: float, batch: int, on_gpu: bool) -> None:
    """Keep the minutes of one run of NTU-60 X-Sub, and the hours of all runs of Table 5."""
    minutes = run_minutes(TASKS[0], step=step, scored=scored, batch=batch)
    report.add(
        "NTU-60 X-Sub, 150 epochs and scoring, projected",
        minutes,
        "min",
        at_most=20 if on_gpu else None,
    )
    print(f"{'task':<14} {'runs':>4} {'train':>8} {'test':>7} {'min a run':>9}  hours")
    lengths = []
    for task in TASKS:
        each = run_minutes(task, step=step, scored=scored, batch=batch)
        lengths += [each / 60] * task.runs
        remark = "" if task.counted else "  (numbers of clips are estimates)"
        print(
            f"{task.name:<14} {task.runs:>4} {task.train:>8,} {task.test:>7,} {each:9.1f}"
            f"  {each * task.runs / 60:.1f}{remark}"
        )
    for num_gpus in (1, 8, 64):
        hours = makespan(lengths, num_gpus)
        report.add(f"all {len(lengths)} runs of Table 5, {num_gpus} GPUs, estimate", hours, "h")


def makespan(lengths: list[float], num_gpus: int) -> float:
    """Return when the last run ends, the longest runs started first, one on a GPU at a time."""
    ends = [0.0] * num_gpus
    for length in sorted(lengths, reverse=True):
        first = ends.index(min(ends))
        ends[first] += length
    return max(ends)
