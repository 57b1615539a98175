"""Kinetics' compressed poses: the table of all clips, and the files with what was seen in them.

The annotation pickle has no poses; it names for each clip a *kpfile*, a pickle with the poses of
one or more clips, each a list of *records*: one person in one frame. Source: PYSKL
(tools/data/README.md there) and its DecompressPose as ProtoGCN uses it, which leaves no box out
whatever its score.
Shapes: N records, M persons, T frames, V joints, C channels: x, y, score.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

import numpy as np

from protogcn.data.readers import DroppedClip, RawClip
from protogcn.data.readers.annotations import Sample, check_samples, load_annotations
from protogcn.data.readers.faults import report_malformed
from protogcn.data.readers.malformed import MalformedError, show
from protogcn.data.readers.notes import Notes
from protogcn.data.readers.pickles.load import load_pickle
from protogcn.data.readers.positions import check_finite, numbers_of
from protogcn.data.readers.pyskl_splits import find_lists, read_sides
from protogcn.data.readers.values import Labels
from protogcn.errors import ConfigError, ContractError
from protogcn.jobs.bar import show_progress

_FIELDS = ("label", "raw_file", "frame_inds", "img_shape")
_LARGEST = float(np.finfo(np.float16).max)  # what the poses are kept as
_MOST_PERSONS = 10  # of a frame, unless no frame of the clip has more


@dataclass(frozen=True)
class CompressedClip:
    """One clip of the table.

    Attributes:
        name: the clip id.
        label: 0-based class number.
        image_size: height and width in pixels.
        sides: its side of each split.
        kpfile: the name of the file that has its poses.
        frames: (N,) the frame of each of its records, rising.
    """

    name: str
    label: int
    image_size: tuple[int, int]
    sides: Mapping[str, str]
    kpfile: str
    frames: np.ndarray


def read_pose_table(
    path: Path, *, classes: Sequence[str], splits: Sequence[str], notes: Notes | None = None
) -> list[CompressedClip | DroppedClip]:
    """Read and check the annotation pickle.

    Args:
        path: a dict with ``split`` and ``annotations``.
        classes: the class names in label order.
        splits: the configured splits; see ``find_lists`` for their names in the pickle.
        notes: what was derived or converted is added to it.

    Returns:
        Its clips in order, and what was left out by the rules ``no_split`` (in none of ``splits``)
        and ``no_body`` (no record).

    Raises:
        ConfigError: no such file, or a split is not in it.
        ContractError: it is no such pickle, or samples of it are malformed.
    """
    annotations, lists = load_annotations(path)
    listed = find_lists(path, lists, splits)
    labels = Labels(classes, (entry.get("label") for entry in annotations if type(entry) is dict))

    def check(name: str, sample: Sample) -> CompressedClip:
        frames = _frames(sample)
        label, image_size = sample.label(labels), sample.image_size()
        # The folder is the config's: what precedes the name is the authors' own folder.
        kpfile = PurePosixPath(sample.text("raw_file").replace("\\", "/")).name
        if not kpfile:
            raise sample.fault("raw_file", "a folder", "the path of a pickle")
        return CompressedClip(name, label, image_size, {}, kpfile, frames)

    clips = check_samples(path, annotations, _FIELDS, check, notes=notes)
    sides = read_sides(path, listed, [clip.name for clip in clips], notes=notes)
    return [_with_sides(clip, sides) for clip in clips]


def read_records(
    path: Path, clips: Sequence[CompressedClip], num_joints: int
) -> list[np.ndarray | MalformedError]:
    """Read the records of some clips from their kpfile: (N, V, 3) each, or what is wrong.

    The arrays may be read-only.

    Raises:
        MalformedError: the file as a whole is missing or malformed.
    """
    place = f"for sample {show(clips[0].name)}"
    if len(clips) > 1:
        place += f" and {len(clips) - 1} more"
    try:
        content = load_pickle(path)
    except (ConfigError, ContractError) as error:
        text = str(error).removeprefix(f"{path}: ").removesuffix(".")
        found, _, expected = text.removeprefix("found ").rpartition(", expected ")
        raise MalformedError(path.name, place, found, expected) from error
    if type(content) is not dict:
        raise MalformedError(path.name, place, show(content), "a dict of samples")
    return [_records_of(path, content, clip, num_joints) for clip in clips]


def read_compressed(
    table: Sequence[CompressedClip | DroppedClip], folder: Path, num_joints: int, *, persons: int
) -> Iterator[RawClip | DroppedClip]:
    """Yield what the shards will hold, without writing them; clips of one kpfile together.

    Args:
        table: what ``read_pose_table`` returns.
        folder: the kpfiles.
        num_joints: V.
        persons: the largest M.

    Raises:
        ContractError: some kpfiles are malformed, after all others.
    """
    members: dict[str, list[CompressedClip]] = {}
    for clip in table:
        if isinstance(clip, DroppedClip):
            yield clip
        else:
            members.setdefault(clip.kpfile, []).append(clip)
    faults: list[MalformedError] = []
    for kpfile, clips in show_progress(members.items(), total=len(members), what="kpfiles"):
        try:
            found = read_records(folder / kpfile, clips, num_joints)
        except MalformedError as fault:
            faults.append(fault)
            continue
        for clip, records in zip(clips, found, strict=True):
            if isinstance(records, MalformedError):
                faults.append(records)
            else:
                values = decompress(clip.frames, records, persons=persons)
                yield RawClip(clip.name, clip.label, values, clip.sides, clip.image_size)
    num_clips = sum(map(len, members.values()))
    report_malformed(str(folder), "files and clips", faults, of=num_clips)


def decompress(frames: np.ndarray, records: np.ndarray, *, persons: int) -> np.ndarray:
    """Put records into frames and person slots: (N, V, 3) -> (M, T, V, 3) float16.

    Frames without a record are left out. The p-th record of a frame is person p: nobody is
    followed from frame to frame. Where a frame of the clip has more than ten records, those of
    every frame are first sorted by the sum of their scores, the highest first.

    Args:
        frames: (N,) the frame of each record, rising.
        records: poses.
        persons: the largest M; the clip's own may be smaller.
    """
    records = records.astype(np.float16)
    _, ranks, counts = np.unique(frames, return_inverse=True, return_counts=True)
    if counts.max() > _MOST_PERSONS:
        score_sums = records[..., 2].sum(axis=-1)  # (N,) float16, as released
        order = np.lexsort((-score_sums, ranks))  # equal sums stay in the order of the file
        records = records[order]
    places = np.arange(len(ranks)) - np.repeat(counts.cumsum() - counts, counts)  # (N,)
    num_persons = min(int(counts.max()), _MOST_PERSONS, persons)
    kept = places < num_persons
    values = np.zeros((num_persons, len(counts), *records.shape[1:]), np.float16)
    values[places[kept], ranks[kept]] = records[kept]
    return values


def _with_sides(
    clip: CompressedClip, sides: Mapping[str, Mapping[str, str]]
) -> CompressedClip | DroppedClip:
    mine = {split: listed.get(clip.name, "-") for split, listed in sides.items()}
    if set(mine.values()) <= {"-"}:
        return DroppedClip(clip.name, "no_split")
    if not len(clip.frames):
        return DroppedClip(clip.name, "no_body")
    return replace(clip, sides=mine)


def _frames(sample: Sample) -> np.ndarray:
    frames = sample.fields["frame_inds"]
    if isinstance(frames, list | tuple) and all(type(frame) is int for frame in frames):
        frames = np.array(frames, dtype=np.int64)
    if type(frames) is not np.ndarray or frames.dtype.kind not in "iu" or frames.ndim != 1:
        raise sample.fault("frame_inds", show(frames), "an array of whole numbers, one a pose")
    if (frames[1:] < frames[:-1]).any():
        raise sample.fault("frame_inds", "a number below the one before", "rising frame numbers")
    return frames


def _records_of(
    path: Path, content: Mapping[str, object], clip: CompressedClip, num_joints: int
) -> np.ndarray | MalformedError:
    place = f"sample {show(clip.name)}"
    entry = content.get(clip.name)
    if type(entry) is not dict or "keypoint" not in entry:
        found = "nothing" if entry is None else show(entry)
        return MalformedError(path.name, place, found, "a dict with keypoint")
    layout = f"({len(clip.frames)}, {num_joints}, 3), a pose for each of its frame_inds"
    try:
        shape = (len(clip.frames), num_joints, 3)
        sample = Sample(path.name, place, entry)
        records = numbers_of(entry["keypoint"], sample, "keypoint")
        if records.shape != shape:
            raise sample.fault("keypoint", f"the shape {records.shape}", layout)
        check_finite(records, sample, "keypoint", axes=("pose", "joint"))
        if (largest := np.abs(records).max(initial=0)) > _LARGEST:
            expected = f"pixels and scores, at most {_LARGEST:.0f}"
            raise sample.fault("keypoint", f"{largest:.4g}", expected)
        return records
    except MalformedError as fault:
        return fault
