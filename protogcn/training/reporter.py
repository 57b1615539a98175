"""A training under way -> its ``progress.json``: at the start, twice a minute, after each epoch."""

import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from protogcn.errors import ConfigError, ContractError, NotFiniteError, OutOfTimeError
from protogcn.files.progress import RunProgress, load_progress, save_progress
from protogcn.training.run_owner import Owner

SECONDS_BETWEEN_WRITES = 30.0


class Reporter:
    """Writes down where one training stands; ``now`` is what it wrote last."""

    def __init__(
        self,
        owner: Owner,
        folder: Path,
        *,
        epochs: int,
        num_clips: int,
        history: Sequence[Mapping[str, float]],
        seconds: float | None,
    ):
        """Say that the training starts, or goes on after the epochs of ``history``.

        Args:
            owner: the claim on the run directory; nothing is written once it is lost.
            folder: the run directory.
            epochs: epochs wanted.
            num_clips: clips of an epoch.
            history: a row for each epoch done.
            seconds: until the job ends, if that is known.
        """
        self._owner, self._folder, self._num_clips = owner, folder, num_clips
        self._began = self._written = time.monotonic()
        tried, tried_share = self._earlier(len(history), epochs)
        start = RunProgress(
            state="running",
            epoch=len(history),
            epochs=epochs,
            tried=tried,
            tried_share=tried_share,
            ends=None if seconds is None else time.time() + seconds,
            host=owner.token["host"],
            process=owner.token["process"],
            job=owner.token["job"],
        )
        self._write(self._after(start, history[-1]) if history else start)

    def begin_epoch(self) -> None:
        """Start the clock of an epoch."""
        self._began = time.monotonic()

    def step(self, done: int, steps: int) -> None:
        """Say how much of the epoch is done; written twice a minute.

        Raises:
            SupersededError: another process took over this run.
        """
        now = time.monotonic()
        if now - self._written < SECONDS_BETWEEN_WRITES:
            return
        self._owner.check()
        share, seconds = done / steps, now - self._began
        rate = self.now.clips_per_second
        whole = self._num_clips / rate if rate else seconds / share
        progress = replace(
            self.now,
            share=share,
            seconds_left=(self.now.epochs - self.now.epoch - share) * whole,
        )
        if seconds > progress.tried:
            progress = replace(progress, tried=seconds, tried_share=share)
        self._write(progress)

    def end_epoch(self, row: Mapping[str, float]) -> None:
        """Say that an epoch is done and saved; ``row`` is its row of the history."""
        done = replace(self.now, epoch=self.now.epoch + 1, share=0.0, tried=0.0, tried_share=0.0)
        self._write(self._after(done, row))

    @contextmanager
    def told(self) -> Iterator[None]:
        """Say how the training ends; whatever kills the process leaves it at ``running``."""
        try:
            yield
        except (OutOfTimeError, ConfigError, ContractError, NotFiniteError) as error:
            self._owner.check()
            state = "out of time" if isinstance(error, OutOfTimeError) else "failed"
            self._write(replace(self.now, state=state, message=str(error)))
            raise
        self._write(replace(self.now, state="finished", seconds_left=0.0))

    def _after(self, progress: RunProgress, row: Mapping[str, float]) -> RunProgress:
        rate = row["clips_per_second"]
        return replace(
            progress,
            accuracy=row["accuracy"],
            clips_per_second=rate,
            seconds_left=(progress.epochs - progress.epoch) * self._num_clips / rate,
        )

    def _earlier(self, epoch: int, epochs: int) -> tuple[float, float]:
        """Return how long an earlier job spent in this epoch, and the share it had done."""
        try:
            earlier = load_progress(self._folder)
        except ContractError as error:
            print(f"Warning: not used: {error}", file=sys.stderr)
            return 0.0, 0.0
        if earlier is None or (earlier.epoch, earlier.epochs) != (epoch, epochs):
            return 0.0, 0.0
        return earlier.tried, earlier.tried_share

    def _write(self, progress: RunProgress) -> None:
        self.now, self._written = replace(progress, updated=time.time()), time.monotonic()
        try:
            save_progress(self._folder, self.now)
        except ContractError as error:  # nobody sees it, but the training goes on
            print(f"Warning: {error}", file=sys.stderr)
