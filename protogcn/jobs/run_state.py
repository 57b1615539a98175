"""A run directory -> the state of its run, from small files and the queue, without torch.

What a changed config makes obsolete is not shown: ``snakemake -n`` does that.
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
from protogcn.jobs.alive import is_alive
from protogcn.jobs.slurm import Job, comment_of

# In the order of a run's life; the last five need a look.
STATES = (
    "waiting", "queued", "starting", "running", "trained", "scored",
    "out of time", "silent", "stopped", "failed", "damaged",
)  # fmt: skip
# In these nothing goes on by itself; a training that is out of time is sent again.
ENDED = ("trained", "scored", "stopped", "failed", "damaged")
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
        loss: of the last epoch.
        learning_rate: of the last epoch.
        measured_on: the side of the split of its newest validation, or empty.
        measured: its accuracy, in per cent.
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
    loss: float | None
    learning_rate: float | None
    measured_on: str
    measured: float | None
    clips_per_second: float | None
    seconds_left: float | None
    job: str
    host: str
    log: str
    message: str


def state_of(
    run: Run, root: Path, *, now: float, queue: Mapping[str, Job] | None = None
) -> RunState:
    """Return how a run stands: the first of the conditions below that holds.

    Args:
        run: the run.
        root: the folder that ``results/`` is in.
        now: seconds since 1970.
        queue: this user's Slurm jobs by id, None if Slurm gives no answer.
    """
    folder = root / run.folder
    log = run.log("import_checkpoint" if "checkpoint" in run.settings else "train_stream")
    try:
        progress = load_progress(folder)
    except ContractError as error:
        return _row(run, "damaged", log, str(error))
    settings, network, scores = (
        _date(folder / name) for name in ("config.yaml", "checkpoint.pt", "scores.npz")
    )
    if "scores" in run.settings:  # third-party scores: it has no training
        log = run.log("import_scores")
        failure = _failure(root / log, after=settings)
        if scores >= settings > 0:
            return _row(run, "scored", log)
        return _row(run, "failed" if failure else "waiting", log, failure)

    job = _job_of(run, root, queue)
    last = progress or RunProgress("waiting", 0, run.settings["epochs"])
    is_running = last.state == "running"
    alive = _alive(last, folder, now, queue) if is_running else False
    is_trained = network >= settings and network > 0
    scoring_log = run.log("score_stream")
    scoring_failure = "" if job else _failure(root / scoring_log, after=network)
    has_ended_in_job = job is not None and job.runs and last.job == job.number
    has_ended_in_job = has_ended_in_job and last.state in ("failed", "out of time")
    is_in_job = job is not None and not has_ended_in_job
    reported = _date(folder / FILE_NAME)
    failure = _failure(root / log, after=reported)
    is_out_of_time = failure.startswith("OutOfTimeError")
    reads_data = not failure and _is_begun(root / log, reported, now, queue)
    older = "checkpoint.pt is older than config.yaml, the run's settings" if network else ""
    who = f"process {last.process} on {last.host}"
    heard = f"last heard of {timedelta(seconds=max(0, round(now - last.updated)))} ago"
    unseen = f"{who}, {heard}; from here it cannot be seen whether it runs"
    states = (
        (alive, "running", log, ""),
        (is_trained and scores >= network, "scored", log, ""),
        (is_trained and scoring_failure, "failed", scoring_log, scoring_failure),
        (is_trained, "trained", log, ""),
        (is_in_job and job.runs, "starting", log, ""),
        (is_in_job, "queued", log, ""),
        (failure and not is_out_of_time, "failed", log, failure),
        (reads_data, "starting", log, ""),
        (last.state in ("waiting", "finished"), "waiting", log, older),  # its network was lost
        (is_running and alive is None, "silent", log, unseen),
        (is_running, "stopped", log, f"{who} is gone, {heard}"),
        (True, last.state, log, last.message),
    )
    state, log, message = next(row for condition, *row in states if condition)
    named = job if state in ("trained", "starting", "queued") else None
    return _row(run, state, log, message, progress=progress, job=named, now=now)


def _row(
    run: Run,
    state: str,
    log: str,
    message: str = "",
    *,
    progress: RunProgress | None = None,
    job: Job | None = None,
    now: float = 0.0,
) -> RunState:
    left = progress.seconds_left if progress is not None and state == "running" else None
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
        loss=None if progress is None else progress.loss,
        learning_rate=None if progress is None else progress.learning_rate,
        measured_on="" if progress is None else progress.measured_on,
        measured=None if progress is None else progress.measured,
        clips_per_second=None if progress is None else progress.clips_per_second,
        seconds_left=None if left is None else max(0.0, left - max(0.0, now - progress.updated)),
        job=job.number if job is not None else "" if progress is None else progress.job,
        host="" if progress is None else progress.host,
        log=log,
        message=message,
    )


def _alive(
    progress: RunProgress, folder: Path, now: float, queue: Mapping[str, Job] | None
) -> bool | None:
    """Return whether a training lives that reports so; one of minutes ago counts as alive."""

    def job_runs(job: str) -> bool | None:
        if queue is None:
            return None
        if job in queue:
            return queue[job].runs
        is_mine = (folder / FILE_NAME).stat().st_uid == os.getuid()
        return False if is_mine else None  # the queue is this user's

    alive = is_alive(progress.host, progress.process, progress.job, job_runs)
    # Clocks of several machines differ: a moment that is still to come is no proof of life.
    if alive is None and abs(now - progress.updated) < SECONDS_OF_SILENCE:
        return True
    return alive


def _is_begun(log: Path, reported: float, now: float, queue: Mapping[str, Job] | None) -> bool:
    """Return whether a training has just begun, and reads its data: its log is new.

    Snakemake leaves an empty log of a job that never started, such as one that sbatch refused.
    """
    written = _date(log)
    if queue is not None and written and not log.stat().st_size:
        return False
    return written > reported and abs(now - written) < SECONDS_OF_SILENCE


def _job_of(run: Run, root: Path, queue: Mapping[str, Job] | None) -> Job | None:
    """Return the job of a run that Snakemake put into the queue from this folder."""
    names = (run.dataset.name, run.split, run.model, run.stream)
    ours = {comment_of(rule, names) for rule in ("train_stream", "score_stream")}
    for job in (queue or {}).values():
        if job.comment in ours and Path(job.folder).resolve() == root.resolve():
            return job
    return None


def _failure(log: Path, *, after: float) -> str:
    """Return the last line of a log if it was written later and reports a failure."""
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
