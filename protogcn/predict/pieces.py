"""Recordings -> the pieces that are recognised, in the unit of the networks, with notes on them.

Shapes: M persons, T frames, V joints, C channels.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from protogcn.config.resolved import Dataset
from protogcn.data.preparation import seen
from protogcn.data.ranges import Ranges
from protogcn.data.readers import RawClip
from protogcn.data.readers.notes import Notes
from protogcn.data.scale import Scale
from protogcn.predict.ensemble import TrainedEnsemble
from protogcn.predict.fitting import Fit, differences, fit_of, scaled
from protogcn.predict.recordings import live_frames, read_recordings
from protogcn.predict.windows import live_windows, window_bounds

_LONG = 5  # times the longest clip of the training
_LONG_CROPS = 20  # times the frames that a network sees, where those clips are not known


class Piece(NamedTuple):
    """A stretch of a recording that is recognised separately.

    Attributes:
        recording: its name.
        first_frame: its first frame in the recording, counted from 0.
        keypoints: (M, T, V, C).
        notes: what was guessed, converted or odd about the recording, a sentence each.
    """

    recording: str
    first_frame: int
    keypoints: np.ndarray
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Cutting:
    """How recordings become pieces.

    Attributes:
        dataset: what the networks were trained on.
        scale: what its bodies and clips measure, if that is known.
        crop: the frames that a network sees.
        window: frames of a piece; None for one piece.
        stride: frames from one to the next.
        factor: what positions are multiplied by; None if it has to be found.
    """

    dataset: Dataset
    scale: Scale | None
    crop: int
    window: int | None = None
    stride: int | None = None
    factor: float | None = None

    @classmethod
    def of(
        cls,
        ensemble: TrainedEnsemble,
        *,
        window: int | None = None,
        stride: int | None = None,
        factor: float | None = None,
    ) -> "Cutting":
        """Return how recordings are cut for these networks."""
        run = ensemble.members[0].run
        return cls(run.dataset, ensemble.scale, run.settings["frames"], window, stride, factor)

    def pieces_of(self, path: Path) -> list[Piece]:
        """Read a file and cut what is in it into windows, or into none.

        Raises:
            ConfigError: no such file, another kind of file, or no such windows.
            ContractError: it is malformed, or of another scale or layout than the networks know.
        """
        skeleton, pieces = self.dataset.skeleton, []
        joints = skeleton.joints[: skeleton.num_raw_joints]
        told = Notes()
        recordings = read_recordings(path, joints, in_image=skeleton.in_image, notes=told)
        for name, keypoints in recordings:
            fitting, notes = self._fitting(keypoints, self._fit(name, keypoints))
            notes = (*told.lines(), *notes, *self._odd(name, keypoints))
            total = keypoints.shape[1]
            bounds = [(0, total)]
            if self.window is not None:
                bounds = window_bounds(total, self.window, self.stride)
            pieces += [Piece(name, first, fitting[:, first:stop], notes) for first, stop in bounds]
        return pieces

    def live_pieces(self, lines: Iterable[str]) -> Iterator[list[Piece]]:
        """Cut frames as they arrive; the first window with a person tells their unit."""
        fit = None
        frames = live_frames(lines, self.dataset.skeleton.num_raw_joints)
        for first, keypoints in live_windows(frames, self.window, self.stride):
            fit = fit or self._fit("live", keypoints)
            fitting, notes = self._fitting(keypoints, fit)
            yield [Piece("live", first, fitting, notes)]

    def _fit(self, name: str, keypoints: np.ndarray) -> Fit | None:
        if self.factor is not None:
            return Fit(self.factor)
        return fit_of(name, keypoints, self.dataset, self.scale)

    def _fitting(
        self, keypoints: np.ndarray, fit: Fit | None
    ) -> tuple[np.ndarray, tuple[str, ...]]:
        """Return positions in the unit of the networks, and what is said about that."""
        if fit is None:
            return keypoints, ()
        in_image = self.dataset.skeleton.in_image
        return scaled(keypoints, fit.factor, in_image=in_image), (fit.note,) if fit.note else ()

    def _odd(self, name: str, keypoints: np.ndarray) -> tuple[str, ...]:
        """Return what else is said about a recording."""
        if not keypoints.size:
            return ()
        ranges = Ranges(self.dataset.skeleton)
        ranges.add(RawClip(name, 0, keypoints, {}))
        found = ranges.scale()
        unlike = differences(name, found, self.scale) if found and self.scale else ()
        hints = (*self._crowded(name, keypoints), *self._long(name, keypoints.shape[1]))
        return (*ranges.odd_values(), *unlike, *hints)

    def _crowded(self, name: str, keypoints: np.ndarray) -> Iterator[str]:
        """Yield a hint if a recording has more persons than the networks see."""
        count, kept = int(seen(keypoints).any(axis=1).sum()), self.dataset.persons
        if count > kept:
            who = "who is there longest" if kept == 1 else "those that come first"
            yield f"{name}: has {count} persons, of whom the networks see {kept}, {who}"

    def _long(self, name: str, num_frames: int) -> Iterator[str]:
        """Yield a hint if a recording is much longer than a clip."""
        if self.window is not None:
            return
        if self.scale is None:
            most, length, known = _LONG_CROPS * self.crop, self.crop, ""
        else:
            most = _LONG * max(self.scale.longest, self.crop)
            length = max(2, self.scale.frames)
            known = f", and the networks know clips of up to {self.scale.longest}"
        if num_frames > most:
            yield (
                f"{name}: its {num_frames} frames are recognised as one action{known}; use"
                f" --window, such as --window {length}, to recognise what it shows piece by piece."
            )
