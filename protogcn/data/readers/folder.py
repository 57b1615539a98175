"""A folder with the files of clips and ``annotations.csv`` -> clips, in the order of its lines.

Shapes: M persons, T frames, V joints.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from protogcn.config.datasets import ANNOTATIONS
from protogcn.data.readers import DroppedClip, RawClip
from protogcn.data.readers.annotations import Sample
from protogcn.data.readers.clip_file import read_clip_file, read_frame_files
from protogcn.data.readers.faults import report_malformed
from protogcn.data.readers.folder_files import FolderFiles
from protogcn.data.readers.malformed import MalformedError, show
from protogcn.data.readers.notes import Notes
from protogcn.data.readers.table_of_clips import read_table_of_clips, side_of
from protogcn.data.readers.values import Labels, Origin, side_of_image
from protogcn.files.clip_table import GROUPS
from protogcn.jobs.bar import show_progress

_IMAGE_FIELDS = ("image_height", "image_width")
_HINT = "; a folder of .skeleton files with NTU's names needs a protocol"

_Checked = TypeVar("_Checked")


@dataclass(frozen=True)
class _Annotation:
    """One checked line of the table; ``files`` is its one, or one for each frame."""

    name: str
    files: Path | tuple[Path, ...]
    label: int
    sides: Mapping[str, str]
    image_size: tuple[int, int] | None
    groups: Mapping[str, str]


def read_folder(
    folder: Path,
    *,
    joints: Sequence[str],
    classes: Sequence[str],
    splits: Sequence[str],
    in_image: bool = False,
    notes: Notes | None = None,
    progress: bool = False,
    thorough: bool = False,
) -> Iterator[RawClip | DroppedClip]:
    """Read a dataset that was put together by hand.

    ``annotations.csv`` has a line for each clip: ``clip``, the name of its file without its end
    (sub-folders with /), or of the folder with a file for each of its frames; ``label``, a class
    name or its number from 0; for each split a column of its name with train, val, test or - (in
    neither); for 2-D poses ``image_height`` and ``image_width`` in pixels, unless the files tell;
    and, if wanted, ``subject``, ``setup``, ``camera``, ``recording``: the name of each clip's.
    For the files see ``read_clip_file`` and ``read_frame_files``.

    Args:
        folder: holds the table and the files.
        joints: the names of the V joints of a file.
        classes: the class names in label order.
        splits: the configured splits.
        in_image: 2-D poses: x and y in pixels and a score.
        notes: what was derived or converted is added to it while the clips are read.
        progress: report the progress on stderr.
        thorough: read the files although lines of the table are malformed.

    Returns:
        Clips with keypoints (M, T, V, 3), and what was left out by the rules ``no_split``,
        ``no_body`` and those of ``arrange_bodies``. Faults of files are collected: the iterator
        raises ContractError for all of them once the folder is read.

    Raises:
        ConfigError: no such folder, no table in it, or it has no column for a split.
        ContractError: lines of the table are malformed.
    """
    table = folder / ANNOTATIONS
    lines = read_table_of_clips(
        table,
        ["label", *splits],
        optional=(*_IMAGE_FIELDS, *GROUPS) if in_image else GROUPS,
        hint=_HINT,
    )
    annotations, faults = _check_lines(table, lines, classes, splits, in_image, notes)
    if not thorough:
        report_malformed(str(table), "fields", faults, of=len(lines))
    items = show_progress(annotations, total=len(annotations), what="clips")
    return _read_clips(
        folder, items if progress else annotations, joints, in_image, notes, faults, len(lines)
    )


def unlisted_files(folder: Path) -> list[str]:
    """Return the files of clips in a folder that its table, which can be read, does not list."""
    lines = read_table_of_clips(folder / ANNOTATIONS, [])
    return FolderFiles(folder).without({row["clip"] for _, row in lines})


def _read_clips(
    folder: Path,
    annotations: Iterable[_Annotation],
    joints: Sequence[str],
    in_image: bool,
    notes: Notes | None,
    faults: list[MalformedError],
    num_lines: int,
) -> Iterator[RawClip | DroppedClip]:
    for item in annotations:
        try:
            if isinstance(item.files, Path):
                content = read_clip_file(
                    item.files, joints, in_image=in_image, clip=item.name, notes=notes
                )
            else:
                content = read_frame_files(
                    item.files, joints, in_image=in_image, clip=item.name, notes=notes
                )
            size = item.image_size
            if in_image and content.rule is None:
                size = _one_size(item, content.image_size, notes)
        except MalformedError as fault:
            faults.append(fault.with_traceback(None))  # which would keep arrays alive
            continue
        if set(item.sides.values()) <= {"-"}:
            yield DroppedClip(item.name, "no_split")
        elif not content.keypoints.any():
            yield DroppedClip(item.name, content.rule or "no_body")
        else:
            yield RawClip(item.name, item.label, content.keypoints, item.sides, size, item.groups)
    report_malformed(str(folder), "fields and files", faults, of=num_lines)


def _one_size(
    item: _Annotation, told: tuple[int, int] | None, notes: Notes | None
) -> tuple[int, int]:
    """Return the size of a clip's image: what the table says, or its file does."""
    name = item.files.name if isinstance(item.files, Path) else item.name
    origin = Origin(name, clip=item.name, notes=notes)
    if item.image_size is None and told is None:
        columns = f"{' and '.join(_IMAGE_FIELDS)} as columns of {ANNOTATIONS}"
        expected = f"it in img_shape, {columns}, or positions that are shares of it, 0 to 1"
        raise origin.fault("the file", "no size of the image", expected)
    if told == (1, 1) != item.image_size:
        origin.note("x and y are shares of the image, whose height and width are taken as 1")
    elif item.image_size not in (None, told) and told is not None:
        found = f"{told[0]} x {told[1]}"
        expected = f"{item.image_size[0]} x {item.image_size[1]} as in {ANNOTATIONS}"
        raise origin.fault("img_shape", found, expected)
    return told or item.image_size


def _check_lines(
    path: Path,
    lines: Iterable[tuple[int, Mapping[str | None, str]]],
    classes: Sequence[str],
    splits: Sequence[str],
    in_image: bool,
    notes: Notes | None,
) -> tuple[list[_Annotation], list[MalformedError]]:
    lines = list(lines)
    labels = Labels(classes, (fields["label"] for _, fields in lines))
    files = FolderFiles(path.parent)
    annotations: dict[str, _Annotation] = {}
    faults: list[MalformedError] = []

    def checked(check: Callable[..., _Checked], *arguments: object) -> _Checked | None:
        try:
            return check(*arguments)
        except MalformedError as fault:
            faults.append(fault)
            return None

    groups = [name for name in GROUPS if name in lines[0][1] and name not in splits]
    has_size = in_image and bool(lines) and not set(_IMAGE_FIELDS).isdisjoint(lines[0][1])
    for number, fields in lines:
        sample = Sample(path.name, f"line {number}", fields, clip=str(fields["clip"]), notes=notes)
        before = len(faults)
        checked(_check_length, sample)
        annotation = _Annotation(
            name=(name := checked(_name_of, sample, annotations, files)),
            files=name and checked(files.of_clip, name, sample),
            label=checked(sample.label, labels),
            sides={
                split: checked(side_of, sample.fields[split], sample, split) for split in splits
            },
            image_size=checked(_image_size, sample) if has_size else None,
            groups={group: checked(_group, sample, group) for group in groups},
        )
        if len(faults) == before:
            annotations[name] = annotation
    return list(annotations.values()), faults


def _check_length(sample: Sample) -> None:
    if further := sample.fields.get(None):
        columns = len(sample.fields) - 1
        raise MalformedError(
            sample.file, sample.place, f"{columns + len(further)} fields", f"{columns}"
        )


def _name_of(sample: Sample, others: Iterable[str], files: FolderFiles) -> str:
    """Return the name of a clip, without the end of its file's name if that was given."""
    name = files.plain_name(sample.text("clip"), sample)
    if name in others:
        raise sample.fault("clip", f"{show(name)} again", "each name once")
    return name


def _group(sample: Sample, group: str) -> str:
    return sample.text(group) if sample.fields[group] else ""


def _image_size(sample: Sample) -> tuple[int, int]:
    height, width = (
        side_of_image(sample.fields.get(field, ""), sample, field) for field in _IMAGE_FIELDS
    )
    return height, width
