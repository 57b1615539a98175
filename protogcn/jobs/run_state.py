"""A run directory -> the state of its run, from small files and the queue, without torch.

What a changed config makes obsolete is not told here: ``snakemake -n`` does.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from protogcn.config.resolved import Run
from protogcn.errors import ContractError
from protogcn.files.progress import FILE_NAME, RunProgress, load_progress
from protogcn.jobs.alive import runs_here
from protogcn.jobs.slurm import Job, comment_of

# In the order of a run's life; the last five need a look.
STATES = (
    "waiting", "queued", "starting", "running", "trained", "scored",
    "out of time", "silent", "stopped", "failed", "damaged",
)  # fmt: skip
SECONDS_OF_SILENCE = 600.0  # of a training that cannot be looked at, after which it may be dead

_TAIL = 1 << 13  # bytes read from the end of a log
_FAILURE = re.compile(r"[\w.]*(Error|Exception)\b|Stopped by Ctrl-C|Killed|Terminated|\S+: error:")


@dataclass(frozen=True)
class RunState:
    """What is known of one run.

    Attributes:
        run: what messages call it.
        dataset: of its task.
        split: of its task.
        model: the model's name in the config.
        stream: modality and repeat.
        state: one of STATES.
        epoch: epochs done, None if it never started.
        epochs: epochs wanted.
        accuracy: of the last epoch's training clips, in per cent.
        clips_per_second: of the last epoch.
        seconds_left: until the last epoch is done, of a run that runs.
        job: its Slurm job, or empty.
        host: where it runs or ran last, or empty.
        log: the log to look at, relative to the folder of the results.
        message: what stopped it, or empty.
    """

    run: str
    dataset: str
    split: str
    model: str
    stream: str
    state: str
    epoch: int | None
    epochs: int
    accuracy: float | None
    clips_per_second: float | None
    seconds_left: float | None
    job: str
    host: str
    log: str
    message: str


def state_of(
    run: Run, root: Path, *, now: float, queue: Mapping[str, Job] | None = None
) -> RunState:
    """Tell how a run stands.

    Args:
        run: the run.
        root: the folder that ``results/`` is in.
        now: seconds since 1970.
        queue: this user's Slurm jobs by id, None if Slurm gives no answer.
    """
    rule = "import_checkpoint" if "checkpoint" in run.settings else "train_stream"
    folder, log = root / run.folder, run.log(rule)
    try:
        progress = load_progress(folder)
    except ContractError as error:
        return _row(run, "damaged", None, log, str(error))
    if progress is not None and progress.state == "running":
        if _lives(progress, folder, now, queue):
            return _row(run, "running", progress, log, age=now - progress.updated)
    job = _job_of(run, root, queue)
    if "scores" in run.settings:
        return _imported(run, folder, run.log("import_scores"), root)
    if checkpoint := _date(folder / "checkpoint.pt"):
        if checkpoint >= _date(folder / "config.yaml"):
            if _date(folder / "scores.npz") >= checkpoint:
                return _row(run, "scored", progress, log)
            of_scoring = run.log("score_stream")
            said = "" if job else _failure(root / of_scoring, after=checkpoint)
            if said:
                return _row(run, "failed", progress, of_scoring, said)
            return _row(run, "trained", progress, log, job=job)
    if job is not None and not _ended_in(job, progress):
        return _row(run, "starting" if job.runs else "queued", progress, log, job=job)
    return _stopped(run, root, progress, log, now, queue)


def _imported(run: Run, folder: Path, log: str, root: Path) -> RunState:
    """Tell how a run stands whose scores are somebody's: there is no training of it."""
    settings = _date(folder / "config.yaml")
    if _date(folder / "scores.npz") >= settings > 0:
        return _row(run, "scored", None, log)
    said = _failure(root / log, after=settings)
    return _row(run, "failed" if said else "waiting", None, log, said)


def _stopped(
    run: Run,
    root: Path,
    progress: RunProgress | None,
    log: str,
    now: float,
    queue: Mapping[str, Job] | None,
) -> RunState:
    """Tell how a run stands that is not trained and that no job is known of."""
    told = _date(root / run.folder / FILE_NAME)
    said = _failure(root / log, after=told)
    if said and not said.startswith("OutOfTimeError"):
        return _row(run, "failed", progress, log, said)
    written = _date(root / log)
    # Snakemake leaves an empty log of a job that never started, such as one that sbatch refused.
    refused = queue is not None and written and not (root / log).stat().st_size
    if not said and written > told and now - written < SECONDS_OF_SILENCE and not refused:
        return _row(run, "starting", progress, log)  # it reads its data
    if progress is None or progress.state == "finished":  # else its outputs were lost
        older = _date(root / run.folder / "checkpoint.pt") > 0
        message = "checkpoint.pt is older than config.yaml, the run's settings" if older else ""
        return _row(run, "waiting", progress, log, message)
    if progress.state == "running":
        silent = timedelta(seconds=max(0, round(now - progress.updated)))
        who, heard = f"process {progress.process} on {progress.host}", f"last heard of {silent} ago"
        if _lives(progress, root / run.folder, now, queue) is None:
            message = f"{who}, {heard}; from here it cannot be seen whether it runs"
            return _row(run, "silent", progress, log, message)
        return _row(run, "stopped", progress, log, f"{who} is gone, {heard}")
    return _row(run, progress.state, progress, log, progress.message)


def _row(
    run: Run,
    state: str,
    progress: RunProgress | None,
    log: str,
    message: str = "",
    *,
    age: float | None = None,
    job: Job | None = None,
) -> RunState:
    left = progress.seconds_left if progress is not None and age is not None else None
    return RunState(
        run=run.name,
        dataset=run.dataset.name,
        split=run.split,
        model=run.model,
        stream=run.stream,
        state=state,
        epoch=None if progress is None else progress.epoch,
        epochs=run.settings["epochs"] if progress is None else progress.epochs,
        accuracy=None if progress is None else progress.accuracy,
        clips_per_second=None if progress is None else progress.clips_per_second,
        seconds_left=None if left is None else max(0.0, left - age),
        job=job.number if job is not None else "" if progress is None else progress.job,
        host="" if progress is None else progress.host,
        log=log,
        message=message,
    )


def _lives(
    progress: RunProgress, folder: Path, now: float, queue: Mapping[str, Job] | None
) -> bool | None:
    """Return whether a training that says so still runs; None if that is not to be known."""
    here = runs_here(progress.host, progress.process)
    if here is not None:
        return here
    if queue is not None and progress.job:
        if progress.job in queue:
            return queue[progress.job].runs
        if (folder / FILE_NAME).stat().st_uid == os.getuid():  # the queue is this user's
            return False
    return True if now - progress.updated < SECONDS_OF_SILENCE else None


def _ended_in(job: Job, progress: RunProgress | None) -> bool:
    """Return whether a training has ended in a job that has yet to end itself."""
    return (
        job.runs
        and progress is not None
        and progress.job == job.number
        and progress.state in ("failed", "out of time")
    )


def _job_of(run: Run, root: Path, queue: Mapping[str, Job] | None) -> Job | None:
    """Return the job of a run that Snakemake put into the queue from this folder."""
    names = (run.dataset.name, run.split, run.model, run.stream)
    ours = {comment_of(rule, names) for rule in ("train_stream", "score_stream")}
    for job in (queue or {}).values():
        if job.comment in ours and Path(job.folder).resolve() == root.resolve():
            return job
    return None


def _failure(log: Path, *, after: float) -> str:
    """Return the last line of a log if it was written later and tells of a failure."""
    if not log.is_file() or _date(log) < after:
        return ""
    try:
        with log.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - _TAIL))
            text = file.read(_TAIL).decode("utf-8", "replace")
    except OSError:
        return ""
    lines = [line.strip() for line in re.split(r"[\r\n]+", text) if line.strip()]
    return lines[-1] if lines and _FAILURE.match(lines[-1]) else ""


def _date(path: Path) -> float:
    """Return when a file was written, in seconds since 1970; 0 if there is none."""
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
