"""Slurm jobs that an earlier Snakemake left behind, which a new one would do a second time.

A Snakemake that is killed with -9, or whose login node goes down, leaves its jobs running. No
Snakemake waits for them then, and the next one would send the same jobs once more.
"""

from collections.abc import Iterable
from pathlib import Path

from protogcn.jobs.slurm import Job, NoAnswerError, queue_of_user


def left_behind(
    planned: Iterable[str],
    folder: Path,
    *,
    to_slurm: bool,
) -> str | None:
    """Return what a user should know of jobs that are in the queue already, else None.

    Args:
        planned: the jobs about to be sent, as the Slurm executor comments them:
            ``rule_NAME_wildcards_A_B``.
        folder: the working directory of this Snakemake.
        to_slurm: whether the jobs are sent to Slurm, so that its queue has to be known.
    """
    try:
        queue = _queue(to_slurm)
    except NoAnswerError as error:
        return (
            f"squeue {error}, so that jobs of an earlier Snakemake, which would be done twice,"
            " cannot be ruled out. Run the same command again once squeue answers, or with"
            " --no-hooks to send the jobs all the same."
        )
    wanted = set(planned)
    found = [
        job
        for job in queue.values()
        if job.comment in wanted and Path(job.folder).resolve() == folder.resolve()
    ]
    if not found:
        return None
    ids = " ".join(job.number for job in found)
    jobs = ", ".join(f"{job.number} ({job.comment}, {job.state.lower()})" for job in found)
    return (
        f"an earlier Snakemake left jobs in the queue that would be done twice: {jobs}. Wait for"
        f" them, or end them with: scancel {ids}. Then run the same command again; a training"
        " resumes from its last epoch."
    )


def _queue(to_slurm: bool) -> dict[str, Job]:
    try:
        queue = queue_of_user()
    except NoAnswerError:
        if to_slurm:
            raise
        queue = None
    if queue is None and to_slurm:
        raise NoAnswerError("is not in the PATH")
    return queue or {}
