"""Slurm jobs that an earlier Snakemake left behind, which a new one would do a second time.

A Snakemake that is killed with -9, or whose login node goes down, leaves its jobs running. Nothing
takes them up again, and the next Snakemake would send the same jobs once more.
"""

import shutil
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path

from protogcn.config import Run
from protogcn.packs import trains

_SECONDS = 30  # a controller that does not answer in this time is no reason to wait


def left_behind(planned: Iterable[str], folder: Path, trained: Sequence[Run] = ()) -> str | None:
    """Return what a user should know of jobs that are in the queue already, else None.

    Args:
        planned: the jobs about to be sent, as the Slurm executor comments them:
            ``rule_NAME_wildcards_A_B``.
        folder: the working directory of this Snakemake.
        trained: the runs that these jobs train, which other packs may have been training.
    """
    if shutil.which("squeue") is None:
        return None
    wanted = set(planned)
    found = [
        (job, state, comment)
        for job, state, comment, place in _queue()
        if (comment in wanted or any(trains(comment, run) for run in trained))
        and Path(place).resolve() == folder.resolve()
    ]
    if not found:
        return None
    ids = " ".join(job for job, _, _ in found)
    jobs = ", ".join(f"{job} ({comment}, {state.lower()})" for job, state, comment in found)
    return (
        f"an earlier Snakemake left jobs in the queue that would be done twice: {jobs}. Wait for"
        f" them, or end them with: scancel {ids}. Then run the same command again; a training goes"
        " on after its last epoch."
    )


def comment_of(rule: str, wildcards: Iterable[str]) -> str:
    """Return the comment that the Slurm executor gives a job."""
    values = "_".join(wildcards).replace("/", "_")
    return f"rule_{rule}_wildcards_{values}" if values else f"rule_{rule}"


def _queue() -> list[list[str]]:
    """Return id, state, comment and working directory of this user's jobs."""
    try:
        answer = subprocess.run(
            ["squeue", "--me", "--noheader", "--format", "%i|%T|%k|%Z"],
            capture_output=True,
            text=True,
            check=False,
            timeout=_SECONDS,
        )
    except subprocess.TimeoutExpired:
        return []
    return [
        fields
        for line in answer.stdout.splitlines()
        if len(fields := line.strip().split("|", maxsplit=3)) == 4
    ]
