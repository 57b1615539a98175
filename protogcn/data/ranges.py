"""A stream of clips -> what is odd about their numbers: ranges, units, axes, empty frames.

One look at each clip as it passes; most of it at a few of its frames.
Shapes: M persons, T frames, V joints, C channels.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache

import numpy as np

from protogcn.config.skeleton import Skeleton
from protogcn.data.image_ranges import odd_in_image
from protogcn.data.readers import DroppedClip, RawClip
from protogcn.data.scale import Scale, body_sizes, bone_lengths, joints_seen, median_of
from protogcn.data.strays import TOO_LARGE, strays_in, too_large
from protogcn.data.units import count_of, odd_direction, odd_units

_FRAMES, _PERSONS = 8, 2  # of a clip that are looked at
_EVERY = 8  # clip has its bones measured
_AT_ONCE, _LONG = 64, 1000  # clips that are; frames of one that is so at once
_WIDE = 8.0  # quartile ranges: what lies further out is looked at closely
_PIXELS = 40.0  # metres that no person has from the lowest to the highest joint


class Ranges:
    """What the clips of a dataset that passed so far look like.

    Attributes:
        num_clips: how many passed.
    """

    def __init__(self, skeleton: Skeleton):
        self.num_clips = 0
        self._joints = skeleton.joints[: skeleton.num_raw_joints]
        self._in_image = skeleton.in_image
        self._waiting: list[RawClip] = []
        self._sizes: dict[str, float] = {}  # of each clip in which somebody can be measured
        self._lengths: list[int] = []
        self._clips: dict[str, list[str]] = defaultdict(list)  # kind of oddity -> names of clips
        self._example: dict[str, str] = {}  # kind of oddity -> what the first one has
        self._upwards: list[np.ndarray] = []  # (n, C) of clips, from the feet to the head
        self._bone_shares: list[np.ndarray] = []  # (n, B) of some clips, of the size of the body
        ends = [
            (joint, parent)
            for joint, parent in enumerate(skeleton.parents)
            if joint != parent and max(joint, parent) < len(self._joints)
        ]
        self._bones = np.array(ends, dtype=np.int64).reshape(-1, 2).T  # (2, B)
        names = [(joint, name.lower()) for joint, name in enumerate(self._joints)]
        self._head = [joint for joint, name in names if name in ("head", "nose")]
        self._feet = [joint for joint, name in names if "foot" in name or "ankle" in name]

    def watch(self, clips: Iterable[RawClip | DroppedClip]) -> Iterator[RawClip | DroppedClip]:
        """Yield clips as they are, and look at each one."""
        for clip in clips:
            if isinstance(clip, RawClip):
                self.add(clip)
            yield clip

    def add(self, clip: RawClip) -> None:
        """Look at one clip, or keep it until some more are there: many at once take less time."""
        num_persons, num_frames = clip.keypoints.shape[:2]
        self.num_clips += 1
        self._lengths.append(num_frames)
        self._waiting.append(clip)
        if num_persons > max(num_frames, 2):
            found = f"{num_persons} persons, {num_frames} frames"
            self._note("exchanged axes", clip.name, found)
        if len(self._waiting) >= _AT_ONCE or num_frames >= _LONG:
            self._look()

    def _look(self) -> None:
        """Look at the clips that wait."""
        clips, self._waiting = self._waiting, []
        if not clips:
            return
        num_channels = 2 if self._in_image else 3
        shape = (len(clips), _PERSONS, _FRAMES, *clips[0].keypoints.shape[2:])
        sample = np.zeros(shape, np.float32)  # (N, M, T, V, C)
        for clip, some in zip(clips, sample, strict=True):
            persons = clip.keypoints[:_PERSONS]
            some[: len(persons)] = persons[:, _some_frames(persons.shape[1])]
        positions = sample[..., :num_channels]
        seen = joints_seen(positions)
        sizes = body_sizes(positions, seen)
        for clip, size in zip(clips, sizes.tolist(), strict=True):
            if size == size:
                self._sizes[clip.name] = size
        some = np.s_[::_EVERY]
        lengths = bone_lengths(positions[some], seen[some], self._bones)
        self._bone_shares.append(lengths / sizes[some, None])
        empty = ~seen.any(axis=(1, 3))  # (N, T)
        for at in np.flatnonzero(4 * empty.sum(axis=1) >= _FRAMES):
            self._look_at_frames(clips[at])
        self._look_for_strays(clips, positions, seen)
        if self._in_image:
            for clip in clips:
                self._look_at_image(clip)
        else:
            self._look_at_axes(clips, positions, seen)

    def scale(self) -> Scale | None:
        """Return how large the bodies are, None if none can be measured."""
        self._look()
        if not self._sizes:
            return None
        in_image, marked = self._in_image, set(self._clips["repeated"])
        sizes = [size for name, size in self._sizes.items() if name not in marked]
        if not sizes:  # all of them measure the marks, too
            return Scale.of(list(self._sizes.values()), self._lengths, in_image=in_image)
        bones = median_of(np.concatenate(self._bone_shares))
        up = median_of(np.concatenate(self._upwards)) if self._upwards else ()
        up = up / np.median(sizes) if len(up) and np.isfinite(up).all() else ()
        return Scale.of(sizes, self._lengths, in_image=in_image, bones=bones, up=up)

    def problems(self) -> Iterator[str]:
        """Yield what no network can be trained on."""
        self._look()
        if "too large" in self._clips:
            yield (
                f"coordinates of {self._of('too large')} are so large that a training on them"
                f" does not stay finite ({self._example['too large']}), expected {self._unit};"
                " correct these clips or leave them out."
            )

    def oddities(self) -> Iterator[str]:
        """Yield what the pipeline takes as it is, and what may yet be a mistake: a line a kind."""
        yield from self.odd_values()
        if self._sizes and not self._in_image:
            told = {*self._clips["pixels"], *self._clips["repeated"]}
            sizes = {name: size for name, size in self._sizes.items() if name not in told}
            yield from odd_units(sizes, self.num_clips)
            yield from odd_direction(self._upwards, np.median(list(self._sizes.values())))

    def odd_values(self) -> Iterator[str]:
        """Yield those that are odd whatever the unit and the axes."""
        self._look()
        sentences = {
            "far out": "values of {clips} are far from all others ({example}), expected {unit}.",
            "repeated": (
                "a value far from the positions is repeated in {clips} ({example}); a joint that"
                " was not seen is expected to be zero in every coordinate."
            ),
            "exchanged axes": (
                "{clips} have more persons than frames ({example}), expected (persons, frames,"
                " joints, coordinates): persons and frames look exchanged."
            ),
            "time stamps": (
                "frames with a person are as far apart as time stamps in {clips} ({example});"
                " frame numbers are expected to count 0, 1, 2, ..."
            ),
            "empty frames": "nobody is in more than half of the frames of {clips} ({example}).",
            "normalised": (
                "x and y of {clips} are about 0 to 1 ({example}), expected pixels: multiply x by"
                " the width and y by the height."
            ),
            "normalised about 0": (
                "x and y of {clips} are about -1 to 1 ({example}), expected pixels from the upper"
                " left corner of the image."
            ),
            "outside": "joints lie outside of the image in {clips} ({example}), expected pixels.",
            "scores": (
                "the scores of {clips} are not within 0 to 1 ({example}), expected those of a"
                " pose estimator as third numbers."
            ),
            "no scores": (
                "all scores of {clips} are 0 ({example}), expected those of a pose estimator; leave"
                " them out if there are none."
            ),
            "pixels": (
                "x and y of {clips} look like pixels and the third number like a score"
                " ({example}), expected metres; poses in images need a layout with in_image: true."
            ),
        }
        if self._clips["exchanged size"] and not self._clips["size as it is"]:
            sentences["outside"] = (
                "joints lie outside of the image in {clips} ({example}) and inside if width and"
                " height are exchanged; the size of an image is expected as (height, width)."
            )
            self._clips["outside"] = self._clips["exchanged size"]
            self._example["outside"] = self._example["exchanged size"]
        if self._clips["normalised about 0"]:  # some clips of those are above 0
            self._clips["normalised about 0"] += self._clips.pop("normalised", [])
        for kind, sentence in sentences.items():
            if self._clips.get(kind):
                example = self._example[kind]
                yield sentence.format(clips=self._of(kind), example=example, unit=self._unit)

    @property
    def _unit(self) -> str:
        return "pixels" if self._in_image else "metres"

    def _note(self, kind: str, name: str, example: str) -> None:
        self._clips[kind].append(name)
        self._example.setdefault(kind, f"{name}: {example}")

    def _of(self, kind: str) -> str:
        """Return how many clips of how many, and the names of the first ones."""
        return count_of(self._clips[kind], self.num_clips)

    def _look_at_frames(self, clip: RawClip) -> None:
        """Many frames are empty: which ones, and do those with a person look like time stamps."""
        num_frames = clip.keypoints.shape[1]
        there = np.flatnonzero(clip.keypoints.any(axis=(0, 2, 3)))
        empty = 1 - len(there) / num_frames
        found = f"{len(there)} of {num_frames} frames have a person, {empty:.0%} are empty"
        gaps = np.diff(there)
        if len(gaps) >= 3 and (gap := np.median(gaps)) >= 2 and np.ptp(gaps) <= max(1, gap / 4):
            self._note("time stamps", clip.name, f"{found}, always {gap:.0f} frames apart")
        elif empty > 0.5:
            self._note("empty frames", clip.name, found)

    def _look_for_strays(
        self, clips: Sequence[RawClip], positions: np.ndarray, seen: np.ndarray
    ) -> None:
        """Look closely at the clips that reach far beyond the middle half of their positions."""
        points = np.where(seen[..., None], positions, np.inf)
        points = np.sort(points.reshape(len(clips), -1, points.shape[-1]), axis=1)  # (N, n, C)
        num_seen, rows = seen.sum(axis=(1, 2, 3)), np.arange(len(clips))
        points[num_seen == 0] = 0
        quarter, last = num_seen // 4, np.maximum(num_seen - 1, 0)
        low, high = points[rows, quarter], points[rows, last - quarter]  # (N, C)
        wide = _WIDE * (high - low).max(axis=1)
        floor, ceiling = low.min(axis=1) - wide, high.max(axis=1) + wide
        same = (positions[..., 0] == positions[..., 1]) & seen
        close = same.any(axis=(1, 2, 3))
        for at, clip in enumerate(clips):
            values = clip.keypoints[..., : positions.shape[-1]]
            if values.dtype == np.float16:  # which numpy compares slowly
                values = values.astype(np.float32)
            lowest, highest = float(values.min()), float(values.max())
            if max(-lowest, highest) > TOO_LARGE:
                stray = too_large(values, self._joints)
                self._note("too large", clip.name, f"{stray.place} is {stray.value:g}")
            elif (
                close[at]
                or lowest < floor[at]
                or highest > ceiling[at]
                or (self._in_image and lowest < 0)
            ):
                for stray in strays_in(values, self._joints, in_image=self._in_image):
                    kind = "repeated" if stray.repeated else "far out"
                    self._note(kind, clip.name, f"{stray.place} is {stray.value:g}")

    def _look_at_image(self, clip: RawClip) -> None:
        for kind, found in odd_in_image(clip.keypoints, clip.image_size):
            self._note(kind, clip.name, found)

    def _look_at_axes(
        self, clips: Sequence[RawClip], positions: np.ndarray, seen: np.ndarray
    ) -> None:
        lowest, highest = (
            positions[..., 2].min(axis=(1, 2, 3)),
            positions[..., 2].max(axis=(1, 2, 3)),
        )
        for clip, low, high in zip(clips, lowest, highest, strict=True):
            size = self._sizes.get(clip.name, 0)
            if size > _PIXELS and low >= 0 and high <= 1:
                found = (
                    f"a person is {size:.4g} high or wide, the third number {low:.4g} to {high:.4g}"
                )
                self._note("pixels", clip.name, found)
        if self._head and self._feet:
            together = seen[..., self._head].any(axis=-1) & seen[..., self._feet].all(axis=-1)
            persons = positions[together]  # (n, V, C)
            upwards = persons[:, self._head].mean(axis=1) - persons[:, self._feet].mean(axis=1)
            self._upwards.append(upwards)


@lru_cache(maxsize=1024)
def _some_frames(num_frames: int) -> np.ndarray:
    """Return frames spread over a clip; of a short one some come twice."""
    return np.linspace(0, num_frames - 1, _FRAMES).astype(np.int64)
