"""When this job ends, and whether another epoch fits before.

A training that is longer than a partition allows goes through several jobs: each ends in time
with its last epoch saved, and the next one resumes it.
"""

import math
import os
import sys
import time
from collections import deque
from collections.abc import Mapping
from datetime import datetime, timedelta

from protogcn.errors import ConfigError, OutOfTimeError
from protogcn.files.progress import RunProgress
from protogcn.jobs.slurm import end_of_job

STOP_AT = "PROTOGCN_STOP_AT"  # environment variable, for schedulers other than Slurm

_LAST = 5  # epochs whose longest stands for the next one
_MARGIN = 1.15
_RESERVE = 30.0  # seconds to save the last files and to end


class TimeLimit:
    """The end of this job, and how long its epochs take."""

    def __init__(self, left: float | None = None):
        """Start with the seconds that are left; None is no limit."""
        self._deadline = None if left is None else time.monotonic() + left
        self._lengths: deque[float] = deque(maxlen=_LAST)

    @property
    def left(self) -> float | None:
        """Seconds until the job ends."""
        return None if self._deadline is None else self._deadline - time.monotonic()

    def add(self, seconds: float) -> None:
        """Record how long an epoch took, saving included."""
        self._lengths.append(seconds)

    def check(self, name: str, progress: RunProgress, *, extra: float = 0.0) -> None:
        """Make sure that the next epoch of a run may start.

        The first one of a job may whatever time is left, unless an earlier job has shown that it is
        hopeless: retries would repeat that for ever.

        Args:
            name: of the run.
            progress: where it stands.
            extra: seconds that this epoch takes beyond those of ``add``.

        Raises:
            OutOfTimeError: it would not end before the job does.
            ConfigError: a job as long as this one was killed in this epoch, which takes longer.
        """
        left = self.left
        if left is None:
            return
        this = f"{name}: epoch {progress.epoch + 1} of {progress.epochs}"
        if not self._lengths:
            seconds, share = progress.seconds_in_epoch, progress.share_then
            has_no_more_time = left < _MARGIN * seconds + _RESERVE
            if seconds and has_no_more_time and left < _expected_epoch(seconds, share):
                raise ConfigError(
                    f"{this} has no chance: an earlier job did {share:.0%} of it in"
                    f" {_clock(seconds)}, and this one ends in {_clock(left)}; give the job more"
                    " time (resource runtime)."
                )
            return
        length = max(self._lengths) + extra
        needed = _MARGIN * length + _RESERVE
        if left < needed:
            raise OutOfTimeError(
                f"{this} is left to the next job: an epoch takes up to"
                f" {_clock(length)}, and this job ends in {_clock(left)}; the epochs"
                " so far are saved, start it again to resume it."
            )


def limit_of_this_job(
    stop_at: str | None = None, environment: Mapping[str, str] = os.environ
) -> TimeLimit:
    """Find out when this job ends: as the user or as Slurm has set it, the earlier of both.

    Args:
        stop_at: seconds since 1970, or a local time as 2030-01-31T18:00; else the environment
            variable PROTOGCN_STOP_AT, else nothing.
        environment: what a scheduler has set.

    Raises:
        ConfigError: ``stop_at`` is neither.
    """
    ends = []
    for source, text in (("--stop-at", stop_at), (STOP_AT, environment.get(STOP_AT))):
        if text and not ends:
            ends.append(_moment(source, text))
    if job := environment.get("SLURM_JOB_ID"):
        end = _seconds(environment.get("SLURM_JOB_END_TIME", "")) or end_of_job(job)
        if end is not None:
            ends.append(end)
        else:
            print(
                f"Slurm job {job}: its end is not known, so the training runs until it is killed,"
                f" which costs one epoch; {STOP_AT} can name the end.",
                file=sys.stderr,
            )
    return TimeLimit(min(ends) - time.time() if ends else None)


def _expected_epoch(seconds: float, share: float) -> float:
    """Return how long a whole epoch takes of which a share was done in so many seconds."""
    return seconds / share if share else math.inf


def _moment(source: str, text: str) -> float:
    if (seconds := _seconds(text)) is not None:
        return seconds
    try:
        return datetime.fromisoformat(text.strip()).timestamp()
    except (ValueError, OverflowError):
        raise ConfigError(
            f"{source}: found {text!r}, expected seconds since 1970 or a local time such as"
            " 2030-01-31T18:00."
        ) from None


def _seconds(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) and 1e9 < value < 1e11 else None


def _clock(seconds: float) -> str:
    return str(timedelta(seconds=max(0, round(seconds))))
