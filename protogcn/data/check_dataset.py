"""A dataset of the config -> everything that is wrong or odd about it, before anything is trained.

Reads the raw files with the readers of the pipeline and writes nothing.
Shapes: M persons, T frames, V joints, C channels.
"""

import argparse
import hashlib
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from protogcn.config.datasets import ANNOTATIONS, missing_raw
from protogcn.config.load import plan_of
from protogcn.config.resolved import Dataset
from protogcn.data.preparation import seen, with_midpoints
from protogcn.data.ranges import Ranges
from protogcn.data.read_dataset import read_dataset
from protogcn.data.readers import RawClip
from protogcn.data.readers.folder import unlisted_files
from protogcn.data.readers.notes import Notes
from protogcn.data.sides import without_clips
from protogcn.errors import ConfigError, ContractError, nearest
from protogcn.files import paths

_SHOWN = 5  # clips that a sentence names


@dataclass
class Findings:
    """What reading a dataset has found.

    Attributes:
        present: (V,) in how many clips each joint is ever present.
        moving: (V,) in how many clips each joint ever moves.
        clips: (label, split, side) -> how many.
        lengths: frames of each clip.
        persons: the most persons of a clip.
        ranges: what their numbers look like.
        names_of: digest of the positions -> names of the clips that have them.
        dropped: rule -> samples left out.
        problems: what stops the pipeline.
        notes: what the reader derived or converted.
    """

    present: np.ndarray
    moving: np.ndarray
    ranges: Ranges
    clips: Counter = field(default_factory=Counter)
    lengths: dict[str, int] = field(default_factory=dict)
    persons: int = 0
    names_of: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    dropped: Counter = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)
    notes: Notes = field(default_factory=Notes)

    def add(self, clip: RawClip, dataset: Dataset) -> None:
        """Look at one clip."""
        self.ranges.add(clip)
        keypoints = with_midpoints(clip.keypoints, dataset.skeleton)
        for split, side in clip.sides.items():
            self.clips[clip.label, split, side] += 1
        self.lengths[clip.name] = keypoints.shape[1]
        present = seen(keypoints)  # (M, T)
        self.persons = max(self.persons, int(present.any(axis=1).sum()))
        joints = keypoints[present].astype(np.float32)  # (n, V, C), of all persons and frames
        if not len(joints):
            return
        self.present += joints.any(axis=(0, 2))
        self.moving += (np.ptp(joints, axis=0) > 0).any(axis=1)
        self.names_of[hashlib.sha256(keypoints.tobytes()).hexdigest()].append(clip.name)

    def has_clips(self, split: str, side: str) -> bool:
        """Return whether any clip is on a side of a split."""
        return any(key[1:] == (split, side) for key in self.clips)


def look_at(dataset: Dataset, *, workers: int) -> Findings:
    """Read a whole dataset; every problem becomes a sentence."""
    joints = dataset.skeleton.num_joints
    present, moving = np.zeros(joints, np.int64), np.zeros(joints, np.int64)
    findings = Findings(present, moving, Ranges(dataset.skeleton))
    if dataset.kpfiles is not None:
        raise ConfigError(
            f"datasets.{dataset.name}: has compressed poses (kpfiles), which the workflow checks"
            " while it decompresses them."
        )
    if dataset.simulate is not None and not Path(dataset.raw).exists():
        raise ConfigError(
            f"datasets.{dataset.name}: is simulated, and its raw files are not written yet; do it"
            f" with: snakemake --cores 1 {paths.of_dataset(dataset.name)}/raw.csv"
        )
    if (sentence := missing_raw(dataset)) is not None:
        findings.problems.append(sentence)
        return findings
    try:
        for clip in read_dataset(dataset, workers=workers, notes=findings.notes, thorough=True):
            if isinstance(clip, RawClip):
                findings.add(clip, dataset)
            else:
                findings.dropped[clip.rule] += 1
    except (ConfigError, ContractError) as error:
        findings.problems.append(str(error))
        return findings  # what is missing may be in the files that could not be read
    findings.problems += findings.ranges.problems()
    for split in dataset.splits:
        if not findings.has_clips(split, "test"):
            findings.problems.append(f"{without_clips(split, 'test')}.")
    return findings


def oddities(dataset: Dataset, findings: Findings) -> Iterator[str]:
    """Yield what the pipeline takes as it is, and what may yet be a mistake."""
    yield from _odd_classes(dataset, findings)
    yield from _odd_joints(dataset, findings)
    if dataset.is_annotated_folder and (names := unlisted_files(Path(dataset.raw))):
        yield f"{len(names)} files of clips are not in {ANNOTATIONS}: {_some(names)}."
    if findings.dropped:
        rules = ", ".join(f"{count} {rule}" for rule, count in sorted(findings.dropped.items()))
        yield f"left out by rule: {rules}."
    if findings.persons > dataset.persons:
        yield (
            f"a clip has {findings.persons} persons, datasets.{dataset.name}.persons keeps"
            f" {dataset.persons}."
        )
    if short := [name for name, length in findings.lengths.items() if length < 2]:
        yield f"{len(short)} clips have one frame, their motion is zero: {_some(short)}."
    if same := [names for names in findings.names_of.values() if len(names) > 1]:
        groups = [" = ".join(names) for names in same]
        yield f"{len(same)} groups of clips have the very same positions: {_some(groups)}."
    yield from findings.ranges.oddities()


def _odd_classes(dataset: Dataset, findings: Findings) -> Iterator[str]:
    for split in dataset.splits:
        if not findings.has_clips(split, "train"):
            yield f"{without_clips(split, 'train')}."
            continue
        for label, name in enumerate(dataset.classes):
            if not findings.clips[label, split, "train"]:
                yield f"class {label} ({name}): has no training clip in split {split}."


def _odd_joints(dataset: Dataset, findings: Findings) -> Iterator[str]:
    skeleton = dataset.skeleton
    paired = {joint for pair in skeleton.pairs for joint in pair}
    for joint, name in enumerate(skeleton.joints):
        if name.startswith(("left", "right")) and joint not in paired:
            yield f"skeletons.{skeleton.name}.pairs: {name} (joint {joint}) is in no pair."
    for joint, (present, moving) in enumerate(zip(findings.present, findings.moving, strict=True)):
        name = f"joint {joint} ({skeleton.joints[joint]})"
        if not present:
            yield f"{name}: is zero in every clip."
        elif not moving and joint != skeleton.centre:
            yield f"{name}: never moves in any clip."


def summary_of(dataset: Dataset, findings: Findings) -> str:
    """Return one line about what was read."""
    lengths = sorted(findings.lengths.values())
    if not lengths:
        return f"{dataset.name}: no clip could be read."
    middle = lengths[len(lengths) // 2]
    return (
        f"{dataset.name}: {len(lengths)} clips of {lengths[0]} to {lengths[-1]} frames (median"
        f" {middle}), {len(dataset.classes)} classes, {dataset.skeleton.num_joints} joints."
    )


def _some(names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def main() -> None:
    """Print what is wrong and what is odd; fail if anything is wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dataset", help="its name in the config")
    parser.add_argument(
        "--configfile", type=Path, nargs="+", default=[], help="as for snakemake, on top"
    )
    parser.add_argument("--directory", type=Path, default=Path(), help="as for snakemake")
    parser.add_argument("--workers", type=int, default=1, help="processes that read")
    args = parser.parse_args()

    _, plan = plan_of(args.directory, args.configfile)
    datasets = plan.datasets
    if args.dataset not in datasets:
        raise ConfigError(
            f"{args.dataset!r} is no dataset of the config, expected one of"
            f" {', '.join(datasets)}{nearest(args.dataset, datasets)}"
        )
    dataset = datasets[args.dataset]
    findings = look_at(dataset, workers=args.workers)
    print(summary_of(dataset, findings))
    odd = [] if findings.problems else list(oddities(dataset, findings))
    for line in findings.notes.lines():
        print(f"Note: {line}")
    for sentence in odd:
        print(f"Warning: {sentence}")
    sys.stdout.flush()
    if findings.problems:
        raise ContractError("\n".join(findings.problems))
    print(f"Nothing is wrong; {len(odd)} warnings." if odd else "Nothing is wrong.")
