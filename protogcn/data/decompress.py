"""Stage 0, for Kinetics only: its compressed poses -> shards that the joints stage reads.

Done once, in parallel. Every shard that was finished is kept, whatever ends the job; a second start
resumes with the others. No more than a shard for each worker is in memory.
"""

import argparse
import hashlib
import re
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path

import numpy as np

from protogcn.config.resolved import Dataset, load_dataset
from protogcn.data.pose_shards import NUM_SLOTS, is_whole, save_index, save_shard
from protogcn.data.readers import DroppedClip
from protogcn.data.readers.faults import report_malformed
from protogcn.data.readers.kinetics import CompressedClip, decompress, read_pose_table, read_records
from protogcn.data.readers.malformed import MalformedError
from protogcn.data.readers.notes import Notes
from protogcn.errors import ConfigError
from protogcn.files.refusals import refusals
from protogcn.files.sources import note_sources
from protogcn.jobs.bar import show_progress
from protogcn.jobs.workers import in_processes

_CLIPS_OF_SHARD = 512  # at least; some 30 MB of clips of 300 frames
_SHARD = re.compile(r"[0-9]{5}-[0-9a-f]{16}\.(npy|csv)")


@dataclass(frozen=True)
class _Part:
    """The clips of one shard: all that some kpfiles are needed for, so that each is read once."""

    number: int
    kpfiles: dict[str, list[CompressedClip]]

    @property
    def num_clips(self) -> int:
        return sum(map(len, self.kpfiles.values()))


@dataclass(frozen=True)
class _Outcome:
    """A finished shard, or what is wrong with its clips."""

    num_clips: int
    shard: Path
    faults: list[MalformedError]


def decompress_dataset(
    dataset: Dataset,
    *,
    index_path: Path,
    shards: Path,
    workers: int,
    clips_of_shard: int = _CLIPS_OF_SHARD,
) -> None:
    """Write the shards of a dataset that do not exist yet, and the index of all of them.

    Args:
        dataset: ``raw`` is the table of its clips, ``kpfiles`` the folder with their poses.
        index_path: ``poses.csv``.
        shards: the folder of the shards; those of other data in it are removed at the end.
        workers: processes; they change neither the shards nor the index.
        clips_of_shard: how many clips a shard has, at least.

    Raises:
        ConfigError: the pickle or the folder does not exist, or has no configured split.
        ContractError: the pickle or some kpfiles are malformed; the others are converted.
    """
    folder = Path(dataset.kpfiles)
    if not folder.is_dir():
        raise ConfigError(f"{folder}: is no folder, expected the kpfiles of {dataset.name}.")
    notes = Notes()
    table = read_pose_table(
        Path(dataset.raw), classes=dataset.classes, splits=dataset.splits, notes=notes
    )
    for line in notes.lines():
        print(f"Note: {line}", file=sys.stderr)
    clips = [clip for clip in table if isinstance(clip, CompressedClip)]
    parts = list(_parts(clips, clips_of_shard))
    make = partial(
        _write_part, folder=folder, shards=shards, num_joints=dataset.skeleton.num_raw_joints
    )
    outcomes = list(
        show_progress(
            in_processes(make, parts, workers),
            total=len(clips),
            what="clips",
            size=lambda outcome: outcome.num_clips,
        )
    )
    faults = list(chain.from_iterable(outcome.faults for outcome in outcomes))
    report_malformed(str(folder), "files and clips", faults, of=len(clips))
    files = [outcome.shard for outcome in outcomes]
    rows = [_row(clip, dataset.splits) for clip in table]
    save_index(index_path, rows, files, dataset.splits)
    _remove_others(shards, files)
    print(f"{dataset.name}: {len(clips)} clips in {len(files)} shards.", file=sys.stderr)


def _parts(clips: Iterable[CompressedClip], clips_of_shard: int) -> Iterable[_Part]:
    kpfiles: dict[str, list[CompressedClip]] = {}
    for clip in clips:
        kpfiles.setdefault(clip.kpfile, []).append(clip)
    number, part = 0, _Part(0, {})
    for name, members in kpfiles.items():
        part.kpfiles[name] = members
        if part.num_clips >= clips_of_shard:
            yield part
            number += 1
            part = _Part(number, {})
    if part.kpfiles:
        yield part


def _write_part(part: _Part, *, folder: Path, shards: Path, num_joints: int) -> _Outcome:
    names = [clip.name for clip in chain.from_iterable(part.kpfiles.values())]
    shard = shards / f"{part.number:05}-{_key(part, folder)}.npy"
    if is_whole(shard, names):
        return _Outcome(part.num_clips, shard, [])
    values: dict[str, np.ndarray] = {}
    faults: list[MalformedError] = []
    for kpfile, clips in part.kpfiles.items():
        try:
            found = read_records(folder / kpfile, clips, num_joints)
        except MalformedError as fault:
            faults.append(fault)
            continue
        for clip, records in zip(clips, found, strict=True):
            if isinstance(records, MalformedError):
                faults.append(records)
            else:
                values[clip.name] = decompress(clip.frames, records, persons=NUM_SLOTS)
    if not faults:
        save_shard(shard, values)
    return _Outcome(part.num_clips, shard, faults)


def _key(part: _Part, folder: Path) -> str:
    """Return a digest of what the shard is made from; a kpfile counts by its size and date."""
    digest = hashlib.sha256()
    for kpfile, clips in part.kpfiles.items():
        try:
            status = (folder / kpfile).stat()
            known = (status.st_size, status.st_mtime_ns)
        except OSError:  # whoever reads it says what is wrong with it
            known = None
        digest.update(repr((kpfile, known)).encode())
        for clip in clips:
            digest.update(clip.name.encode() + clip.frames.astype("<i8").tobytes())
    return digest.hexdigest()[:16]


def _row(clip: CompressedClip | DroppedClip, splits: Sequence[str]) -> dict[str, object]:
    if isinstance(clip, DroppedClip):
        empty = {"label": 0, "image_height": 0, "image_width": 0, **dict.fromkeys(splits, "-")}
        return {"clip": clip.name, "rule": clip.rule, **empty}
    height, width = clip.image_size
    return {
        "clip": clip.name,
        "rule": "",
        "label": clip.label,
        "image_height": height,
        "image_width": width,
        **clip.sides,
    }


def _remove_others(folder: Path, kept: Sequence[Path]) -> None:
    names = {path.with_suffix(suffix).name for path in kept for suffix in (".npy", ".csv")}
    with refusals(folder, folder, what="its older shards could not be removed"):
        for path in folder.iterdir() if folder.is_dir() else ():
            if _SHARD.fullmatch(path.name) and path.name not in names:
                path.unlink(missing_ok=True)


def main() -> None:
    """Decompress a dataset's poses, write their index last of all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dataset", type=Path, required=True, help="resolved dataset.yaml")
    parser.add_argument("--index", type=Path, required=True, help="poses.csv")
    parser.add_argument("--shards", type=Path, required=True, help="folder")
    parser.add_argument("--workers", type=int, default=1)
    args = parser.parse_args()

    dataset = load_dataset(args.dataset)
    note_sources(args.index, dataset.raw_sources)
    decompress_dataset(
        dataset,
        index_path=args.index,
        shards=args.shards,
        workers=args.workers,
    )
