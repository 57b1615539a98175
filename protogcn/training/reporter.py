"""A training under way -> its ``progress.json``: at the start, twice a minute, after each epoch."""

import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from tqdm import tqdm

from protogcn.errors import (
    ConfigError,
    ContractError,
    NotFiniteError,
    OutOfTimeError,
    TooLittleMemoryError,
)
from protogcn.files.events import EventFile
from protogcn.files.history import column_of, sides_measured
from protogcn.files.progress import LARGEST, RunProgress, load_progress, save_progress
from protogcn.jobs.deadline import TimeLimit
from protogcn.training.run_owner import Owner

SECONDS_BETWEEN_WRITES = 30.0


class SilentReporter:
    """What the other processes of a training have instead of a reporter: nothing is written."""

    def begin_epoch(self, *, validates: bool = False) -> None:
        """Wait for nothing: the first message of an epoch does."""

    def on_step(self, done: int, total: int) -> None:
        """Write nothing."""

    def end_epoch(self, row: Mapping[str, float], save: Callable[[], None]) -> None:
        """Save nothing."""

    @contextmanager
    def record_outcome(self) -> Iterator[None]:
        """Write nothing."""
        yield


class Reporter(SilentReporter):
    """Writes where one training stands, while it owns the run directory and has time left.

    Attributes:
        now: what was written last.
    """

    def __init__(
        self,
        owner: Owner,
        folder: Path,
        *,
        name: str,
        epochs: int,
        num_clips: int,
        measured_share: float,
        history: Sequence[Mapping[str, float]],
        limit: TimeLimit,
    ):
        """Report that the training starts, or resumes from the last epoch of ``history``.

        Args:
            owner: the claim on the run directory; nothing is written once it is lost.
            folder: the run directory.
            name: of the run, for messages.
            epochs: epochs wanted.
            num_clips: clips of an epoch.
            measured_share: the share of its epochs after which it is measured on a side.
            history: a row for each epoch done.
            limit: the end of the job, if that is known.
        """
        self._owner, self._folder, self._num_clips = owner, folder, num_clips
        self._name, self._limit = name, limit
        self._measured_share, self._validation = measured_share, 0.0
        self._began = self._written = time.monotonic()
        seconds_in_epoch, share_then = self._earlier(len(history), epochs)
        start = RunProgress(
            state="running",
            epoch=len(history),
            epochs=epochs,
            seconds_in_epoch=seconds_in_epoch,
            share_then=share_then,
            ends=None if limit.left is None else time.time() + limit.left,
            host=owner.token["host"],
            process=owner.token["process"],
            job=owner.token["job"],
        )
        for row in history:
            start = self._after(start, row)
        self._write(start)
        self._events = EventFile(folder, history)

    def begin_epoch(self, *, validates: bool = False) -> None:
        """Make sure that an epoch has time enough, and start its clock.

        Args:
            validates: whether the training is measured after it.

        Raises:
            OutOfTimeError: it would not end before the job does.
            ConfigError: no job of this length can finish it.
        """
        self._limit.check(self._name, self.now, extra=self._validation if validates else 0.0)
        self._began = time.monotonic()

    def on_step(self, done: int, total: int) -> None:
        """Record how much of the epoch is done; written twice a minute.

        Raises:
            SupersededError: another process took over this run.
        """
        now = time.monotonic()
        if now - self._written < SECONDS_BETWEEN_WRITES:
            return
        self._owner.check()
        share = done / total
        seconds = now - self._began
        rate = self.now.clips_per_second
        whole = self._length_of_epoch(rate) if rate else seconds / share
        progress = replace(
            self.now,
            share=share,
            seconds_left=(self.now.epochs - self.now.epoch - share) * whole,
        )
        if seconds > progress.seconds_in_epoch:
            progress = replace(progress, seconds_in_epoch=seconds, share_then=share)
        self._write(progress)

    def end_epoch(self, row: Mapping[str, float], save: Callable[[], None]) -> None:
        """Save an epoch and report that it is done; ``row`` is its row of the history.

        Raises:
            SupersededError: another process took over this run; nothing is saved.
        """
        self._owner.check()
        save()
        done = replace(self.now, epoch=self.now.epoch + 1, share=0.0)
        done = replace(done, seconds_in_epoch=0.0, share_then=0.0)
        self._write(self._after(done, row))
        self._limit.add(time.monotonic() - self._began - row.get("validation_seconds", 0.0))
        self._events.add(row)
        tqdm.write(_line(row, self.now), file=sys.stderr)

    @contextmanager
    def record_outcome(self) -> Iterator[None]:
        """Report how the training ends; whatever kills the process leaves it at ``running``."""
        try:
            yield
        except (
            OutOfTimeError, ConfigError, ContractError, NotFiniteError, TooLittleMemoryError
        ) as error:  # fmt: skip
            self._owner.check()
            state = "out of time" if isinstance(error, OutOfTimeError) else "failed"
            self._write(replace(self.now, state=state, message=str(error)))
            raise
        self._owner.check()
        self._write(replace(self.now, state="finished", seconds_left=0.0))

    def _after(self, progress: RunProgress, row: Mapping[str, float]) -> RunProgress:
        self._validation = row.get("validation_seconds", self._validation)
        for side in sides_measured(row)[:1]:
            progress = replace(progress, measured_on=side, measured=row[column_of(side)])
        rate = row["clips_per_second"]
        return replace(
            progress,
            accuracy=row["accuracy"],
            loss=min(row["loss"], LARGEST),
            learning_rate=row["learning_rate"],
            clips_per_second=rate,
            seconds_left=(progress.epochs - progress.epoch) * self._length_of_epoch(rate),
        )

    def _length_of_epoch(self, clips_per_second: float) -> float:
        return self._num_clips / clips_per_second + self._measured_share * self._validation

    def _earlier(self, epoch: int, epochs: int) -> tuple[float, float]:
        """Return how long an earlier job spent in this epoch, and the share it had done."""
        try:
            earlier = load_progress(self._folder)
        except ContractError as error:
            print(f"Warning: not used: {error}", file=sys.stderr)
            return 0.0, 0.0
        if earlier is None or (earlier.epoch, earlier.epochs) != (epoch, epochs):
            return 0.0, 0.0
        return earlier.seconds_in_epoch, earlier.share_then

    def _write(self, progress: RunProgress) -> None:
        self.now, self._written = replace(progress, updated=time.time()), time.monotonic()
        try:
            save_progress(self._folder, self.now)
        except ContractError as error:  # nobody sees it, but it is trained
            print(f"Warning: {error}", file=sys.stderr)


def _line(row: Mapping[str, float], progress: RunProgress) -> str:
    """Return what the log says of an epoch."""
    measured = "".join(f"  {side} {row[column_of(side)]:.2f}" for side in sides_measured(row))
    if measured:
        measured += f" (in {row['validation_seconds']:.1f} s)"
    return (
        f"epoch {progress.epoch}/{progress.epochs}  loss {row['loss']:.4f}"
        f"  accuracy {row['accuracy']:.2f}{measured}  rate {row['learning_rate']:.2g}"
        f"  {row['clips_per_second']:.0f} clips/s"
        f"  left {timedelta(seconds=round(progress.seconds_left))}"
    )
