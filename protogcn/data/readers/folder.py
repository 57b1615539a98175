"""A folder with one file per clip and ``annotations.csv`` -> clips, in the order of its lines.

Shapes: M persons, T frames, V joints.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TypeVar

from protogcn.config.datasets import ANNOTATIONS, CLIP_SUFFIXES
from protogcn.data.readers import DroppedClip, RawClip
from protogcn.data.readers.annotations import Sample
from protogcn.data.readers.clip_file import read_clip_file
from protogcn.data.readers.faults import report_malformed
from protogcn.data.readers.malformed import MalformedError, show
from protogcn.data.readers.table_of_clips import read_table_of_clips, side_of
from protogcn.data.readers.values import Labels, side_of_image
from protogcn.jobs.bar import show_progress

_IMAGE_FIELDS = ("image_height", "image_width")
_HINT = "; a folder of .skeleton files needs a protocol"

_Checked = TypeVar("_Checked")


@dataclass(frozen=True)
class _Annotation:
    """One checked line of the table."""

    name: str
    path: Path
    label: int
    sides: Mapping[str, str]
    image_size: tuple[int, int] | None


def read_folder(
    folder: Path,
    *,
    joints: Sequence[str],
    classes: Sequence[str],
    splits: Sequence[str],
    in_image: bool = False,
    progress: bool = False,
    thorough: bool = False,
) -> Iterator[RawClip | DroppedClip]:
    """Read a dataset that was put together by hand.

    ``annotations.csv`` has a line for each clip: ``clip``, the name of its file without ``.npy``,
    ``.csv`` or ``.json`` (sub-folders with /); ``label``, a class name or its number from 0; for
    each split a column of its name with train, val, test or - (in neither); for 2-D poses
    ``image_height`` and ``image_width`` in pixels. For the files see ``read_clip_file``.

    Args:
        folder: holds the table and the files.
        joints: the names of the V joints of a file.
        classes: the class names in label order.
        splits: the configured splits.
        in_image: 2-D poses: x and y in pixels and a score.
        progress: report the progress on stderr.
        thorough: read the files although lines of the table are malformed.

    Returns:
        Clips with keypoints (M, T, V, 3), and what was left out by the rules ``no_split`` and
        ``no_body``. Faults of files are collected: the iterator raises ContractError for all of
        them once the folder is read.

    Raises:
        ConfigError: no such folder, no table in it, or it has no column for a split.
        ContractError: lines of the table are malformed.
    """
    table = folder / ANNOTATIONS
    lines = read_table_of_clips(
        table, ["label", *splits, *(_IMAGE_FIELDS if in_image else ())], hint=_HINT
    )
    annotations, faults = _check_lines(table, lines, classes, splits, in_image)
    if not thorough:
        report_malformed(str(table), "fields", faults, of=len(lines))
    items = show_progress(annotations, total=len(annotations), what="clips")
    return _read_clips(
        folder, items if progress else annotations, joints, in_image, faults, len(lines)
    )


def unlisted_files(folder: Path) -> list[str]:
    """Return the files of clips in a folder that its table, which can be read, does not list."""
    listed = {
        str(PurePosixPath(row["clip"])) for _, row in read_table_of_clips(folder / ANNOTATIONS, [])
    }
    names = [path.relative_to(folder) for path in sorted(_clip_files(folder))]
    return [str(name) for name in names if str(name.with_suffix("")) not in listed]


def _read_clips(
    folder: Path,
    annotations: Iterable[_Annotation],
    joints: Sequence[str],
    in_image: bool,
    faults: list[MalformedError],
    num_lines: int,
) -> Iterator[RawClip | DroppedClip]:
    for item in annotations:
        try:
            keypoints = read_clip_file(item.path, joints, in_image=in_image)
        except MalformedError as fault:
            faults.append(fault.with_traceback(None))  # which would keep arrays alive
            continue
        if set(item.sides.values()) <= {"-"}:
            yield DroppedClip(item.name, "no_split")
        elif not keypoints.any():
            yield DroppedClip(item.name, "no_body")
        else:
            yield RawClip(item.name, item.label, keypoints, item.sides, item.image_size)
    report_malformed(str(folder), "fields and files", faults, of=num_lines)


def _check_lines(
    path: Path,
    lines: Iterable[tuple[int, Mapping[str | None, str]]],
    classes: Sequence[str],
    splits: Sequence[str],
    in_image: bool,
) -> tuple[list[_Annotation], list[MalformedError]]:
    lines = list(lines)
    labels = Labels(classes, (fields["label"] for _, fields in lines))
    files = {str(file.relative_to(path.parent)): file for file in _clip_files(path.parent)}
    annotations: dict[str, _Annotation] = {}
    faults: list[MalformedError] = []

    def checked(check: Callable[..., _Checked], *arguments: object) -> _Checked | None:
        try:
            return check(*arguments)
        except MalformedError as fault:
            faults.append(fault)
            return None

    for number, fields in lines:
        sample, before = Sample(path.name, f"line {number}", fields), len(faults)
        checked(_check_length, sample)
        annotation = _Annotation(
            name=(name := checked(_name_of, sample, annotations)),
            path=name and checked(_path_of, sample, name, files),
            label=checked(sample.label, labels),
            sides={
                split: checked(side_of, sample.fields[split], sample, split) for split in splits
            },
            image_size=checked(_image_size, sample) if in_image else None,
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


def _name_of(sample: Sample, others: Iterable[str]) -> str:
    name = sample.text("clip")
    if name in others:
        raise sample.fault("clip", f"{show(name)} again", "each name once")
    return name


def _clip_files(folder: Path) -> Iterator[Path]:
    for path in folder.rglob("*"):
        if path.suffix.lower() in CLIP_SUFFIXES and path != folder / ANNOTATIONS:
            yield path


def _path_of(sample: Sample, name: str, files: Mapping[str, Path]) -> Path:
    """Return the one file of a clip; only files inside the folder are known."""
    name = str(PurePosixPath(name))
    found = [files[name + suffix] for suffix in CLIP_SUFFIXES if name + suffix in files]
    if len(found) != 1:
        many = " and ".join(path.name for path in found) or "no file of this name"
        expected = f"one of {', '.join(name + suffix for suffix in CLIP_SUFFIXES)}"
        raise sample.fault("clip", many, expected)
    return found[0]


def _image_size(sample: Sample) -> tuple[int, int]:
    height, width = (side_of_image(sample.fields[field], sample, field) for field in _IMAGE_FIELDS)
    return height, width
