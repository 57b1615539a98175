"""A dataset's clips as they pass -> what stops the workflow, and what a user should know.

The joints stage and ``check_dataset`` both ask here, so that neither passes what the other refuses.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from protogcn.config.datasets import expected_clips
from protogcn.config.resolved import Dataset
from protogcn.data.copies import Copies, CrossedSplit
from protogcn.data.held_out import add_twins
from protogcn.data.preparation import seen
from protogcn.data.ranges import Ranges
from protogcn.data.readers import DroppedClip, RawClip
from protogcn.data.readers.malformed import MalformedError
from protogcn.data.sides import without_clips
from protogcn.errors import some_of

_OTHER = {"train": "training", "val": "validation"}  # what is done with the other clip


class Oddity(NamedTuple):
    """One sentence about something that may be a mistake, and all that it is about."""

    sentence: str
    items: Sequence[str] = ()


class Inventory:
    """What has passed so far.

    Attributes:
        dropped: what was left out.
        sides: of each clip that is kept, by its name, for each split its side.
        groups: of each clip, what its raw file tells of its subject, setup, camera, recording.
        crossed: for each split, after ``finish``, the copies on several sides of it.
        ranges: what the numbers look like.
    """

    def __init__(self, dataset: Dataset):
        self.dropped: list[DroppedClip] = []
        self.sides: dict[str, dict[str, str]] = {}
        self.groups: dict[str, Mapping[str, str]] = {}
        self.crossed: dict[str, CrossedSplit] = {}
        self.ranges = Ranges(dataset.skeleton)
        self._dataset = dataset
        self._copies = Copies(dataset.skeleton)
        self._labels: dict[str, int] = {}
        self._twice: list[str] = []
        self._without_image: list[str] = []

    def take(self, clip: RawClip | DroppedClip) -> RawClip | DroppedClip:
        """Count a clip; return it, or the rule that leaves it out."""
        # Most are there in their first frame: the others need not be looked at.
        if isinstance(clip, RawClip) and not (
            seen(clip.keypoints[:, :1]).any() or seen(clip.keypoints).any()
        ):
            clip = DroppedClip(clip.name, "no_body")
        if isinstance(clip, DroppedClip):
            self.dropped.append(clip)
            return clip
        if clip.name in self.sides:
            self._twice.append(clip.name)
        self.ranges.add(clip)
        self._copies.add(clip)
        self._labels[clip.name] = clip.label
        self.groups[clip.name] = clip.groups
        self.sides[clip.name] = {
            split: clip.sides.get(split, "-") for split in self._dataset.splits
        }
        if clip.image_size is None:
            self._without_image.append(clip.name)
        return clip

    def label_fault(self, clip: RawClip) -> str | None:
        """Return what is wrong with the label of a clip, if anything is."""
        return self._beyond([clip.name]) if clip.label >= len(self._dataset.classes) else None

    def finish(self) -> None:
        """Hold clips out, find the copies across each split, leave those out that nobody wants.

        Raises:
            ConfigError: clips cannot be held out as the dataset asks.
        """
        self._find_copies(self._dataset.splits)
        if self._dataset.twins:
            add_twins(self._dataset, self.sides, self._labels, self.groups)
            self._find_copies(tuple(self._dataset.twins))

    def _find_copies(self, splits: Sequence[str]) -> None:
        crossed = self._copies.across(splits, self.sides)
        self.crossed |= crossed
        for split, found in crossed.items() if self._dataset.leave_out_copies else ():
            for name, side in found.late.items():
                self.sides[name][split] = "-"
                self.dropped.append(DroppedClip(name, f"copy_in_{_OTHER[side]}_{split}"))

    def faults(self) -> list[MalformedError]:
        """Return each label without a class, as a fault of its sample."""
        num_classes = len(self._dataset.classes)
        return [
            MalformedError(
                self._dataset.raw, f"sample {name}, label", str(label), f"0 to {num_classes - 1}"
            )
            for name, label in self._labels.items()
            if label >= num_classes
        ]

    def problems(self) -> Iterator[str]:
        """Yield what stops the workflow, after ``finish``."""
        raw = self._dataset.raw
        if not self.sides:
            yield (
                f"{raw}: no clip is left, {len(self.dropped)} were left out"
                f" ({self._by_rule() or 'none'})."
            )
            return
        num_classes = len(self._dataset.classes)
        if beyond := [name for name, label in self._labels.items() if label >= num_classes]:
            yield self._beyond(beyond)
        if self._twice:
            yield (
                f"{raw}: {len(self._twice)} names of clips appear twice"
                f" ({some_of(self._twice)}), expected each name once."
            )
        if self._dataset.skeleton.in_image and self._without_image:
            yield (
                f"{raw}: {_count(len(self._without_image), len(self.sides), 'clip')} have no size"
                f" of their image ({some_of(self._without_image)}), expected height and width."
            )
        for sentence in self.ranges.problems():
            yield f"{raw}: {sentence}"
        for split in self._dataset.splits:
            in_folds = (self._dataset.hold_out or {}).get("folds")
            if not in_folds and not self.count(split, "test"):
                why = ""
                if copies := self._num_left_out(split, "test"):
                    why = f"; all {copies} are copies of earlier sides' clips and left out"
                yield f"{raw}: {without_clips(split, 'test')}{why}."

    def oddities(self) -> Iterator[Oddity]:
        """Yield what the workflow takes as it is, and what may yet be a mistake."""
        if self.dropped:
            yield Oddity(
                f"left out by rule: {self._by_rule()}.",
                [f"{clip.name}: {clip.rule}" for clip in self.dropped],
            )
        for split in self._dataset.task_splits:
            yield from self._odd_counts(split)
            yield from self._odd_classes(split)
            yield from self._odd_copies(split)
        yield from self._odd_labels()
        yield from map(Oddity, self.ranges.oddities())

    def untold_copies(self) -> list[list[str]]:
        """Return the names of clips with the same positions that are on both sides of no split."""
        told = {name for found in self.crossed.values() for name in found.sides}
        return [names for names in self._copies.groups() if told.isdisjoint(names)]

    def count(self, split: str, side: str) -> int:
        """Return how many clips are on one side of a split."""
        return sum(sides[split] == side for sides in self.sides.values())

    def copies(self) -> dict[str, Any]:
        """Return what is kept with the joints: for each split the copies across it, first names.

        What is left out is across no split.
        """
        left_out = self._dataset.leave_out_copies
        crossed = {
            split: CrossedSplit((), {}, {}) if left_out else found
            for split, found in self.crossed.items()
        }
        return {
            "copies": {split: found.to_mapping() for split, found in crossed.items()},
            "clips of copies": {split: found.first() for split, found in crossed.items()},
        }

    def _beyond(self, names: Sequence[str]) -> str:
        dataset, num_classes = self._dataset, len(self._dataset.classes)
        classes = f"but datasets.{dataset.name} has {num_classes} classes (0 to {num_classes - 1})."
        labels = sorted({self._labels[name] for name in names})
        if len(names) == 1:
            return f"{dataset.raw}: sample {names[0]} has label {labels[0]}, {classes}"
        count = _count(len(names), len(self._labels), "sample")
        which = f"label{'s'[: len(labels) - 1]} {some_of(labels)}"
        return f"{dataset.raw}: {count} ({some_of(names)}) have the {which}, {classes}"

    def _by_rule(self) -> str:
        counts = Counter(clip.rule for clip in self.dropped)
        return ", ".join(f"{count} {rule}" for rule, count in sorted(counts.items()))

    def _num_left_out(self, split: str, side: str) -> int:
        """Return how many copies are left out of a side of a split."""
        if not self._dataset.leave_out_copies or split not in self.crossed:
            return 0
        found = self.crossed[split]
        return sum(found.sides[name] == side for name in found.late)

    def _odd_counts(self, split: str) -> Iterator[Oddity]:
        task = f"{self._dataset.name}_{split}"
        for side in ("train", "test"):
            found, expected = self.count(split, side), expected_clips(self._dataset, split, side)
            if expected in (None, found):
                continue
            why = ""
            if copies := self._num_left_out(split, side):
                why = f" ({copies} copies are left out)"
            yield Oddity(
                f"{task} has {found} {side} clips{why}, its authors count {expected}:"
                " accuracies cannot be compared with published ones."
            )

    def _odd_classes(self, split: str) -> Iterator[Oddity]:
        trained = {
            self._labels[name] for name, sides in self.sides.items() if sides[split] == "train"
        }
        if not trained:
            yield Oddity(f"{without_clips(split, 'train')}.")
            return
        classes = enumerate(self._dataset.classes)
        if lacking := [f"{label} {name}" for label, name in classes if label not in trained]:
            count = _count(len(lacking), len(self._dataset.classes), "class", "classes")
            verb = "has" if len(lacking) == 1 else "have"
            yield Oddity(
                f"{count} {verb} no training clip in split {split} ({some_of(lacking)}); no test"
                " clip will be recognised as one of them.",
                lacking,
            )

    def _odd_copies(self, split: str) -> Iterator[Oddity]:
        found = self.crossed.get(split)
        if found is None or not found.groups or self._dataset.leave_out_copies:
            return
        lines = found.lines()
        groups = f"{len(lines):,} group{'s'[: len(lines) - 1]} of clips with the same positions"
        known = f"{found.num_test:,} of {self.count(split, 'test'):,} test clips are known"
        yield Oddity(
            f"on both sides of split {split}: {some_of(found.lines(2), separator='; ')}; {groups},"
            f" {known} from training. Accuracies count them;"
            f" datasets.{self._dataset.name}.leave_out_copies: true leaves them out.",
            lines,
        )

    def _odd_labels(self) -> Iterator[Oddity]:
        lines = [
            " = ".join(f"{name} (label {self._labels[name]})" for name in names)
            for names in self._copies.groups()
            if len({self._labels[name] for name in names}) > 1
        ]
        if lines:
            groups = f"{len(lines):,} group{'s'[: len(lines) - 1]} of clips"
            yield Oddity(
                f"the same positions have several labels: {some_of(lines, 2, separator='; ')};"
                f" {groups}, expected one label for each.",
                lines,
            )


def _count(number: int, total: int, noun: str, plural: str = "") -> str:
    return f"{number:,} of {total:,} {noun if total == 1 else plural or f'{noun}s'}"
