"""Stage 1: raw files -> the prepared joint positions of a whole dataset.

Shapes: F frames of all clips end to end, M persons, T frames, V joints, C channels.
"""

import argparse
import os
import resource
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pandas as pd

from protogcn.config.datasets import expected_clips
from protogcn.config.resolved import Dataset, load_dataset
from protogcn.config.settings import check_preparation
from protogcn.data.preparation import prepare_clip
from protogcn.data.ranges import Ranges
from protogcn.data.read_dataset import read_dataset
from protogcn.data.readers import DroppedClip, RawClip
from protogcn.data.readers.notes import Notes
from protogcn.data.scale import scale_entry
from protogcn.data.sides import without_clips
from protogcn.errors import ContractError
from protogcn.files.arrays import writing_array
from protogcn.files.clip_table import IMAGE_COLUMNS
from protogcn.files.contracts import digest_of, save_table


def write_joints(
    clips: Iterable[RawClip | DroppedClip],
    dataset: Dataset,
    preparation: str,
    *,
    joints_path: Path,
    clips_path: Path,
    dropped_path: Path,
    notes: Notes | None = None,
    workers: int = 1,
) -> None:
    """Prepare every clip and write the dataset's arrays and tables.

    Args:
        clips: what a reader yields.
        dataset: its layout, classes, splits and person slots.
        preparation: the name of a normalisation.
        joints_path: the (F, M, V, C) float32 array to write.
        clips_path: the table of the clips in it.
        dropped_path: the table of what was left out, and by which rule.
        notes: what the reader adds to while it reads; printed on stderr at the end.
        workers: with more than one, a thread hashes and writes.

    Raises:
        ContractError: no clip is left, a label has no class, or a split has no test clip.
    """
    rows: list[dict[str, object]] = []
    dropped: list[dict[str, str]] = []
    shape = (dataset.persons, dataset.skeleton.num_joints, 3)
    with ExitStack() as stack:
        threads = stack.enter_context(ThreadPoolExecutor(1)) if workers > 1 else None
        writer = stack.enter_context(writing_array(joints_path, shape, threads=threads))
        first_frame, ranges = 0, Ranges(dataset.skeleton)
        for clip in ranges.watch(clips):
            prepared = _prepare_clip(clip, dataset, preparation)
            if isinstance(prepared, DroppedClip):
                dropped.append({"clip": prepared.name, "rule": prepared.rule})
                continue
            frames, persons = prepared
            writer.append(frames)
            rows.append(_row(clip, first_frame, len(frames), persons, dataset.splits))
            first_frame += len(frames)
        writer.flush()  # a full disk is reported before any table is written
        if not rows:
            raise ContractError(
                f"{dataset.raw}: no clip is left, {len(dropped)} were left out"
                f" ({_by_rule(dropped) or 'none'})."
            )
        if problems := list(ranges.problems()):
            raise ContractError(f"{dataset.raw}: {problems[0]}")
        table = pd.DataFrame(rows)
        _check_sides(table, dataset)
        save_table(dropped_path, pd.DataFrame(dropped, columns=["clip", "rule"]))
        save_table(clips_path, table)
        inputs = {"clips": digest_of(clips_path), "preparation": preparation}
        writer.finish(inputs | scale_entry(ranges.scale()))
    _warn(table, dropped, dataset)
    for line in notes.lines() if notes is not None else ():
        print(f"Note: {line}", file=sys.stderr)
    for sentence in ranges.oddities():
        print(f"Warning: {dataset.name}: {sentence}", file=sys.stderr)


def _prepare_clip(
    clip: RawClip | DroppedClip, dataset: Dataset, preparation: str
) -> tuple[np.ndarray, int] | DroppedClip:
    """Return what ``prepare_clip`` makes of a clip, or the rule that leaves it out."""
    if isinstance(clip, DroppedClip):
        return clip
    if clip.label >= len(dataset.classes):
        raise ContractError(
            f"{dataset.raw}: sample {clip.name} has label {clip.label}, but"
            f" datasets.{dataset.name} has {len(dataset.classes)} classes (0 to"
            f" {len(dataset.classes) - 1})."
        )
    prepared = prepare_clip(clip.keypoints, preparation, dataset.skeleton, dataset.persons)
    return DroppedClip(clip.name, "no_body") if prepared is None else prepared


def _row(
    clip: RawClip, first_frame: int, num_frames: int, persons: int, splits: Sequence[str]
) -> dict[str, object]:
    """Return a row of the clip table."""
    row = {
        "clip": clip.name,
        "label": clip.label,
        "first_frame": first_frame,
        "num_frames": num_frames,
        "persons": persons,
    }
    if clip.image_size is not None:
        row |= dict(zip(IMAGE_COLUMNS, clip.image_size, strict=True))
    return row | {split: clip.sides.get(split, "-") for split in splits}


def _check_sides(table: pd.DataFrame, dataset: Dataset) -> None:
    for split in dataset.splits:
        if "test" not in set(table[split]):
            raise ContractError(f"{dataset.raw}: {without_clips(split, 'test')}.")


def _warn(table: pd.DataFrame, dropped: list[dict[str, str]], dataset: Dataset) -> None:
    """Say on stderr what a user should know although it is no mistake."""
    print(f"{dataset.name}: {len(table)} clips kept, {len(dropped)} left out.", file=sys.stderr)
    if dropped:
        print(f"Warning: left out by rule: {_by_rule(dropped)}.", file=sys.stderr)
    for split in dataset.splits:
        for side in ("train", "test"):
            found, expected = (
                int((table[split] == side).sum()),
                expected_clips(dataset, split, side),
            )
            if expected not in (None, found):
                print(
                    f"Warning: {dataset.name}_{split} has {found} {side} clips, its authors count"
                    f" {expected}: accuracies cannot be compared with published ones.",
                    file=sys.stderr,
                )
        trained = set(table["label"][table[split] == "train"])
        if not trained:
            print(f"Warning: {without_clips(split, 'train')}.", file=sys.stderr)
            continue
        for label in sorted(set(range(len(dataset.classes))) - trained):
            print(
                f"Warning: class {label} ({dataset.classes[label]}) has no training clip in"
                f" split {split}; no test clip will be recognised as it.",
                file=sys.stderr,
            )


def _by_rule(dropped: list[dict[str, str]]) -> str:
    counts = Counter(entry["rule"] for entry in dropped)
    return ", ".join(f"{count} {rule}" for rule, count in sorted(counts.items()))


def _limit_memory(raw: Path) -> None:
    """A pickle gets four times its size and 2 GB more, whatever it asks for."""
    if not sys.platform.startswith("linux"):
        return
    in_use = int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    limit = in_use + 4 * raw.stat().st_size + (2 << 30)
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    if hard == resource.RLIM_INFINITY or limit < hard:
        resource.setrlimit(resource.RLIMIT_AS, (limit, hard))


def main() -> None:
    """Read a dataset's raw files, write its prepared joints and its tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dataset", type=Path, required=True, help="resolved dataset.yaml")
    parser.add_argument("--preparation", required=True)
    parser.add_argument("--poses", type=Path, help="poses.csv, where the raw ones are compressed")
    parser.add_argument("--workers", type=int, default=1, help="processes that read")
    parser.add_argument("--joints", type=Path, required=True)
    parser.add_argument("--clips", type=Path, required=True)
    parser.add_argument("--dropped", type=Path, required=True)
    args = parser.parse_args()

    dataset = load_dataset(args.dataset)
    check_preparation(args.preparation, dataset.skeleton)
    if args.poses is None and dataset.is_pickle and Path(dataset.raw).is_file():
        _limit_memory(Path(dataset.raw))
    notes = Notes()
    write_joints(
        read_dataset(dataset, workers=args.workers, poses=args.poses, notes=notes),
        dataset,
        args.preparation,
        notes=notes,
        joints_path=args.joints,
        clips_path=args.clips,
        dropped_path=args.dropped,
        workers=args.workers,
    )
