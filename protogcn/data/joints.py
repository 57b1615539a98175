"""Stage 1: raw files -> the prepared joint positions of a whole dataset.

Shapes: F frames of all clips end to end, M persons, T frames, V joints, C channels.
"""

import argparse
import os
import resource
import sys
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pandas as pd

from protogcn.config.resolved import Dataset, load_dataset
from protogcn.config.settings import check_preparation
from protogcn.data.held_out import group_of
from protogcn.data.inventory import Inventory
from protogcn.data.preparation import prepare_clip
from protogcn.data.read_dataset import read_dataset
from protogcn.data.readers import DroppedClip, RawClip
from protogcn.data.readers.notes import Notes
from protogcn.data.scale import scale_entry
from protogcn.errors import ContractError
from protogcn.files.arrays import writing_array
from protogcn.files.clip_table import GROUP_COLUMNS, GROUPS, IMAGE_COLUMNS
from protogcn.files.contracts import digest_of
from protogcn.files.csv_table import save_table
from protogcn.files.sources import note_sources


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
        ContractError: no clip is left, or what else ``Inventory.problems`` finds.
    """
    rows: list[dict[str, object]] = []
    inventory = Inventory(dataset)
    shape = (dataset.persons, dataset.skeleton.num_joints, 3)
    with ExitStack() as stack:
        threads = stack.enter_context(ThreadPoolExecutor(1)) if workers > 1 else None
        writer = stack.enter_context(writing_array(joints_path, shape, threads=threads))
        first_frame = 0
        for clip in map(inventory.take, clips):
            if isinstance(clip, DroppedClip):
                continue
            if (fault := inventory.label_fault(clip)) is not None:
                raise ContractError(fault)
            frames, persons = prepare_clip(
                clip.keypoints, preparation, dataset.skeleton, dataset.persons
            )
            writer.append(frames)
            rows.append(_row(clip, first_frame, len(frames), persons))
            first_frame += len(frames)
        writer.flush()  # a full disk is reported before any table is written
        inventory.finish()
        if problems := list(inventory.problems()):
            raise ContractError("\n".join(problems))
        dropped = [{"clip": clip.name, "rule": clip.rule} for clip in inventory.dropped]
        save_table(dropped_path, pd.DataFrame(dropped, columns=["clip", "rule"]), sealed=True)
        given = _columns_of_groups(inventory.groups)
        table = pd.DataFrame(
            [row | given[row["clip"]] | inventory.sides[row["clip"]] for row in rows]
        )
        save_table(clips_path, table, sealed=True)
        inputs = {"clips": digest_of(clips_path), "preparation": preparation}
        writer.finish(inputs | inventory.copies() | scale_entry(inventory.ranges.scale()))
    kept = sum(set(sides.values()) != {"-"} for sides in inventory.sides.values())
    print(f"{dataset.name}: {kept} clips kept, {len(dropped)} left out.", file=sys.stderr)
    for line in notes.lines() if notes is not None else ():
        print(f"Note: {line}", file=sys.stderr)
    for oddity in inventory.oddities():
        named = oddity.sentence.startswith(dataset.name)
        where = "" if named else f"{dataset.name}: "
        print(f"Warning: {where}{oddity.sentence}", file=sys.stderr)


def _row(clip: RawClip, first_frame: int, num_frames: int, persons: int) -> dict[str, object]:
    """Return a row of the clip table, without its sides."""
    row = {
        "clip": clip.name,
        "label": clip.label,
        "first_frame": first_frame,
        "num_frames": num_frames,
        "persons": persons,
    }
    if clip.image_size is not None:
        row |= dict(zip(IMAGE_COLUMNS, clip.image_size, strict=True))
    return row


def _columns_of_groups(groups: Mapping[str, Mapping[str, str]]) -> dict[str, dict[str, str]]:
    """Return the cells of each clip in the columns of the groups that the raw files tell."""
    known = [group for group in GROUPS if any(given.get(group) for given in groups.values())]
    return {
        clip: {GROUP_COLUMNS[group]: group_of(clip, group, given) for group in known}
        for clip, given in groups.items()
    }


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
    note_sources(args.joints, [args.poses] if args.poses else dataset.raw_sources)
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
