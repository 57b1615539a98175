"""A dataset of the config -> everything that is wrong or odd about it, before anything is trained.

Reads the raw files with the readers of the pipeline and writes nothing.
Shapes: M persons, T frames, V joints, C channels.
"""

import argparse
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from protogcn.config.datasets import ANNOTATIONS, missing_raw
from protogcn.config.imports import is_imported
from protogcn.config.load import add_configfiles, plan_of
from protogcn.config.resolved import Dataset, Run
from protogcn.config.validation import measured_sides, no_such_side
from protogcn.data.inventory import Inventory, Oddity
from protogcn.data.preparation import seen, with_midpoints
from protogcn.data.read_dataset import read_dataset
from protogcn.data.readers import RawClip
from protogcn.data.readers.faults import MOST_LINES, more_kinds
from protogcn.data.readers.folder import unlisted_files
from protogcn.data.readers.malformed import MalformedError
from protogcn.data.readers.notes import Notes
from protogcn.data.sides import without_clips
from protogcn.errors import ConfigError, ContractError, nearest, some_of
from protogcn.files import paths
from protogcn.files.csv_table import save_table
from protogcn.files.spreadsheet import neutral


@dataclass
class Findings:
    """What reading a dataset has found.

    Attributes:
        inventory: what the joints stage would find.
        present: (V,) in how many clips each joint is ever present.
        moving: (V,) in how many clips each joint ever moves.
        lengths: frames of each clip.
        persons: the persons of each clip.
        problems: what stops the pipeline.
        faults: every single fault of the files.
        notes: what the reader derived or converted.
    """

    inventory: Inventory
    present: np.ndarray
    moving: np.ndarray
    lengths: dict[str, int] = field(default_factory=dict)
    persons: dict[str, int] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    faults: list[MalformedError] = field(default_factory=list)
    notes: Notes = field(default_factory=Notes)

    def add(self, clip: RawClip, dataset: Dataset) -> None:
        """Look at one clip."""
        keypoints = with_midpoints(clip.keypoints, dataset.skeleton)
        self.lengths[clip.name] = keypoints.shape[1]
        present = seen(keypoints)  # (M, T)
        self.persons[clip.name] = int(present.any(axis=1).sum())
        joints = keypoints[present].astype(np.float32)  # (n, V, C), of all persons and frames
        self.present += joints.any(axis=(0, 2))
        self.moving += (np.ptp(joints, axis=0) > 0).any(axis=1)


def look_at(dataset: Dataset, runs: Sequence[Run] = (), *, workers: int) -> Findings:
    """Read a whole dataset; every problem becomes a sentence.

    Args:
        dataset: the dataset, resolved.
        runs: what is trained and scored on it.
        workers: processes that read.
    """
    joints = dataset.skeleton.num_joints
    findings = Findings(Inventory(dataset), np.zeros(joints, np.int64), np.zeros(joints, np.int64))
    if dataset.simulate is not None and not Path(dataset.raw).exists():
        raise ConfigError(
            f"datasets.{dataset.name}: is simulated, and its raw files are not written yet; do it"
            f" with: snakemake --cores 1 {paths.of_dataset(dataset.name)}/raw.csv"
        )
    if (sentence := missing_raw(dataset)) is not None:
        findings.problems.append(sentence)
        return findings
    inventory = findings.inventory
    try:
        clips = read_dataset(dataset, workers=workers, notes=findings.notes, thorough=True)
        for clip in map(inventory.take, clips):
            if isinstance(clip, RawClip):
                findings.add(clip, dataset)
    except (ConfigError, ContractError) as error:
        findings.problems.append(str(error))
        findings.faults += error.faults
        return findings  # what is missing may be in the files that could not be read
    inventory.finish()
    findings.problems += inventory.problems()
    findings.faults += inventory.faults()
    if inventory.sides:  # else that is the one fault
        findings.problems += _lacking(runs, inventory)
    return findings


def _lacking(runs: Sequence[Run], inventory: Inventory) -> Iterator[str]:
    """Yield what a training finds missing: its clips, or those of a side that it is measured on."""
    told = set()
    for run in runs:
        for key, side in measured_sides(run).items():
            if (run.split, key) not in told and not inventory.count(run.split, side):
                told.add((run.split, key))
                yield no_such_side(run, key, side)
    for split in dict.fromkeys(run.split for run in runs):
        imported = any(is_imported(run) for run in runs if run.split == split)
        if not imported and not inventory.count(split, "train"):
            yield f"{without_clips(split, 'train')}."


def oddities(dataset: Dataset, findings: Findings) -> Iterator[Oddity]:
    """Yield what the pipeline takes as it is, and what may yet be a mistake."""
    yield from findings.inventory.oddities()
    yield from _odd_joints(dataset, findings)
    if dataset.is_annotated_folder and (names := unlisted_files(Path(dataset.raw))):
        listed = some_of(names)
        yield Oddity(f"{len(names):,} files of clips are not in {ANNOTATIONS}: {listed}.", names)
    if more := [name for name, count in findings.persons.items() if count > dataset.persons]:
        most = max(findings.persons[name] for name in more)
        yield Oddity(
            f"{len(more):,} of {len(findings.persons):,} clips have more persons than the"
            f" {dataset.persons} that datasets.{dataset.name}.persons keeps, up to {most}:"
            f" {some_of(more)}.",
            more,
        )
    if short := [name for name, length in findings.lengths.items() if length < 2]:
        some = some_of(short)
        yield Oddity(f"{len(short):,} clips have one frame, their motion is zero: {some}.", short)
    if same := findings.inventory.untold_copies():
        groups = f"{len(same):,} group{'s'[: len(same) - 1]} of clips"
        short = [some_of(names, separator=" = ") for names in same]
        yield Oddity(
            f"{groups} with the same positions: {some_of(short)}.",
            [" = ".join(names) for names in same],
        )


def _odd_joints(dataset: Dataset, findings: Findings) -> Iterator[Oddity]:
    skeleton = dataset.skeleton
    paired = {joint for pair in skeleton.pairs for joint in pair}
    joints = [f"{joint} {name}" for joint, name in enumerate(skeleton.joints)]
    alone = [
        joints[joint]
        for joint, name in enumerate(skeleton.joints)
        if name.startswith(("left", "right")) and joint not in paired
    ]
    if alone:
        are = "joint is" if len(alone) == 1 else "joints are"
        yield Oddity(
            f"skeletons.{skeleton.name}.pairs: {len(alone)} {are} in no pair ({some_of(alone)}).",
            alone,
        )
    absent = [joints[joint] for joint in np.flatnonzero(findings.present == 0)]
    still = [
        joints[joint]
        for joint in np.flatnonzero((findings.present > 0) & (findings.moving == 0))
        if joint != skeleton.centre
    ]
    of = f"of {len(joints)} joints"
    if absent:
        verb = "is" if len(absent) == 1 else "are"
        yield Oddity(f"{len(absent)} {of} {verb} zero in every clip ({some_of(absent)}).", absent)
    if still:
        verb = "never moves" if len(still) == 1 else "never move"
        yield Oddity(f"{len(still)} {of} {verb} in any clip ({some_of(still)}).", still)


def save_faults(path: Path, findings: Findings, odd: Iterable[Oddity]) -> None:
    """Write every single fault and everything that a warning is about: a line each."""
    rows = [("fault", f.file, f.place, f.found, f.expected) for f in findings.faults]
    if not rows:
        rows = [("fault", "", "", problem, "") for problem in findings.problems]
    rows += [
        ("warning", "", item, sentence, "") for sentence, items in odd for item in items or ("",)
    ]
    table = pd.DataFrame(rows, columns=["kind", "file", "place", "found", "expected"], dtype=str)
    save_table(path, table.map(neutral))


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


def main() -> None:
    """Print what is wrong and what is odd; fail if anything is wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dataset", help="its name in the config")
    add_configfiles(parser)
    parser.add_argument("--directory", type=Path, default=Path(), help="as for snakemake")
    parser.add_argument("--workers", type=int, default=1, help="processes that read")
    parser.add_argument(
        "--faults", type=Path, help="csv to write: every fault, every clip of a warning"
    )
    args = parser.parse_args()

    _, plan = plan_of(args.directory, args.configfile)
    datasets = plan.datasets
    if args.dataset not in datasets:
        raise ConfigError(
            f"{args.dataset!r} is no dataset of the config, expected one of"
            f" {', '.join(datasets)}{nearest(args.dataset, datasets)}"
        )
    dataset = datasets[args.dataset]
    runs = [run for run in plan.of_ensembles() if run.dataset.name == dataset.name]
    findings = look_at(dataset, runs, workers=args.workers)
    print(summary_of(dataset, findings))
    odd = [] if findings.problems else list(oddities(dataset, findings))
    for line in findings.notes.lines():
        print(f"Note: {line}")
    sentences = [sentence for sentence, _ in odd]
    if len(sentences) > MOST_LINES:
        more = more_kinds(len(sentences) - MOST_LINES + 1, "warnings")
        sentences[MOST_LINES - 1 :] = [more]
    for sentence in sentences:
        print(f"Warning: {sentence}")
    sys.stdout.flush()
    if args.faults is not None:
        save_faults(args.faults, findings, odd)
    if findings.problems:
        raise ContractError("\n".join(findings.problems))
    count = "1 warning" if len(odd) == 1 else f"{len(odd)} warnings"
    print(f"Nothing is wrong; {count}." if odd else "Nothing is wrong.")
