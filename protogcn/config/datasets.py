"""The config's skeletons and datasets -> resolved ones, or what does not fit."""

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from protogcn.config.facts import ntu_facts
from protogcn.config.hold_out import resolve_hold_out
from protogcn.config.resolved import ANNOTATIONS, Dataset
from protogcn.config.skeleton import Skeleton, built_in_skeletons
from protogcn.errors import ConfigError, has_hidden, nearest, some_of
from protogcn.files import paths
from protogcn.files.first_look import glance_at
from protogcn.files.kind import is_pipe_or_device, kind_of

CLIP_SUFFIXES = (".npy", ".csv", ".json", ".skeleton")  # of a file that holds one clip
_ACTIONS = 12  # of the simulator
_COLUMNS = (  # of the table of a dataset's clips, beside one for each split
    "clip", "label", "first_frame", "num_frames", "persons", "image_height", "image_width"
)  # fmt: skip
_LONGEST_NAME = 200  # characters
_SIMULATED = {  # what the simulator writes in its folder: raw and kpfiles of each of its formats
    "skeletons": ("", None),
    "poses": ("/poses.pkl", None),
    "kpfiles": ("/poses.pkl", "/kpfiles"),
}


def resolve_skeletons(entries: Mapping[str, Any]) -> dict[str, Skeleton]:
    """Return the built-in layouts and the config's own.

    Raises:
        ConfigError: an entry is no tree, or has the name of a built-in layout.
    """
    known = built_in_skeletons()
    for name, entry in entries.items():
        if name in known:
            raise ConfigError(f"skeletons.{name}: this layout is built in, choose another name.")
        known[name] = Skeleton.from_mapping(name, entry)
    return known


def resolve_dataset(
    name: str, entry: Mapping[str, Any], skeletons: Mapping[str, Skeleton]
) -> Dataset:
    """Return one entry of ``datasets`` with every default filled in.

    Raises:
        ConfigError: unknown layout or split, no classes, raw and simulate both or neither.
    """
    where = f"datasets.{name}"
    if entry["skeleton"] not in skeletons:
        raise ConfigError(
            f"{where}.skeleton: {entry['skeleton']!r} is not a layout, expected one of"
            f" {', '.join(skeletons)}{nearest(entry['skeleton'], skeletons)}"
        )
    simulate = entry.get("simulate")
    if (entry.get("raw") is not None) == (simulate is not None):
        found = "both; raw: null takes it back" if simulate else "neither"
        raise ConfigError(f"{where}: expected either raw or simulate, found {found}.")
    raw, kpfiles = entry.get("raw"), entry.get("kpfiles")
    if simulate is not None:
        folder = f"{paths.of_dataset(name)}/raw"
        raw, kpfiles = (
            None if place is None else folder + place
            for place in _SIMULATED[simulate.get("format", "skeletons")]
        )
    protocol = ntu_facts().get(entry.get("protocol"))
    known = ntu_facts()["classes"][: protocol["classes"]] if protocol else ()
    classes = class_names(where, entry, known)
    if simulate is not None and simulate["classes"] != len(classes):
        raise ConfigError(
            f"{where}: simulate.classes is {simulate['classes']}, but classes has"
            f" {len(classes)} names."
        )
    if simulate is not None and simulate.get("first_class", 1) + simulate["classes"] - 1 > _ACTIONS:
        raise ConfigError(
            f"{where}: simulate has {simulate['classes']} classes from number"
            f" {simulate['first_class']} on, but the simulator has {_ACTIONS} actions."
        )
    dataset = Dataset(
        name=name,
        raw=raw,
        simulate=simulate,
        source=entry.get("source", ""),
        skeleton=skeletons[entry["skeleton"]],
        persons=entry.get("persons", 2),
        protocol=entry.get("protocol"),
        leave_out_missing=entry.get("leave_out_missing", True),
        classes=classes,
        splits=tuple(entry["splits"]),
        kpfiles=kpfiles,
        text_embeddings=entry.get("text_embeddings"),
        leave_out_copies=entry.get("leave_out_copies", False),
        hold_out=resolve_hold_out(where, entry.get("hold_out"), entry["splits"]),
    )
    if kpfiles is not None and not (dataset.is_pickle and dataset.skeleton.in_image):
        raise ConfigError(
            f"{where}.kpfiles: goes with an annotation pickle (.pkl) as raw and a skeleton that is"
            " in_image, such as coco20."
        )
    if taken := [split for split in dataset.splits if split in _COLUMNS]:
        raise ConfigError(
            f"{where}.splits: {taken[0]} is the name of another column of clips.csv, expected"
            " another name."
        )
    is_ntu_folder = not dataset.is_pickle and (protocol is not None or simulate is not None)
    if is_ntu_folder and (protocol is None or dataset.skeleton.name != "ntu25"):
        raise ConfigError(
            f"{where}: a folder of .skeleton files needs a protocol (ntu60 or ntu120) and the"
            " skeleton ntu25; a pickle's name ends in .pkl, other clips have no protocol."
        )
    if protocol and (unknown := set(dataset.splits) - protocol["splits"].keys()):
        raise ConfigError(
            f"{where}.splits: {', '.join(sorted(unknown))} is not a split of"
            f" {dataset.protocol}, expected {', '.join(protocol['splits'])}."
        )
    return dataset


def class_names(where: str, entry: Mapping[str, Any], protocol: Sequence[str]) -> tuple[str, ...]:
    """Return the name of every class, in label order.

    Names are for people: two classes may share one, as two of FineGYM's do. Everything else goes by
    the number.

    Args:
        where: the entry, for messages.
        entry: ``classes`` are the names or their number; ``class_names`` is a text file with one
            name a line. With a number alone, names are ``class_017`` and so on.
        protocol: the names of the dataset's protocol, used if the entry has none.

    Raises:
        ConfigError: there are none, the file cannot be read, or the two do not agree.
    """
    classes, file = entry.get("classes"), entry.get("class_names")
    if file is None:
        if isinstance(classes, int):
            return tuple(f"class_{number:03}" for number in range(classes))
        if not (names := tuple(classes or protocol)):
            raise ConfigError(
                f"{where}: lacks classes, the class names in label order or how many there are."
            )
        for number, name in enumerate(names):
            _check_class_name(f"{where}.classes: name {number}", name)
        return names
    if isinstance(classes, list):
        raise ConfigError(f"{where}: has class names in classes and in class_names, expected one.")
    names = _names_in(f"{where}.class_names", Path(file))
    if classes is not None and len(names) != classes:
        raise ConfigError(
            f"{where}.class_names: {file} has {len(names)} lines, expected {classes}, one for each"
            " class, the first one for label 0."
        )
    return names


def missing_raw(dataset: Dataset) -> str | None:
    """Return the sentence a user needs if a dataset's raw files do not exist, else None."""
    if dataset.simulate is not None:
        return None
    kinds = {"raw": "file" if dataset.is_pickle else "folder", "kpfiles": "folder"}
    for key, kind in kinds.items():
        path = getattr(dataset, key)
        where = f"datasets.{dataset.name}.{key}"
        if path is None:
            continue
        if Path(path).exists():
            if sentence := _not_usable(Path(path), kind):
                return f"{where}: {sentence}"
            continue
        if Path(slashed := re.sub(r"\\+", "/", path)).exists():
            return f"{where}: found {path}, expected / between folders: {slashed}"
        place = "" if Path(path).is_absolute() else f" in {Path.cwd()}"
        source = f" Where to get it: {dataset.source}." if dataset.source else ""
        folder = Path(path).parent
        others = {each.name for each in folder.glob("*")} - {Path(path).name}  # a link to nowhere
        hint = nearest(Path(path).name, others)
        return (
            f"{where}: the {kind} {path} does not exist{place}{hint or '.'}{source} Put it there,"
            f" or set {where} to where it is."
        )
    if not dataset.is_pickle and Path(dataset.raw).is_file():
        return f"datasets.{dataset.name}.raw: {dataset.raw} {_other_file(Path(dataset.raw))}"
    if dataset.is_annotated_folder and not (Path(dataset.raw) / ANNOTATIONS).is_file():
        below = sorted(Path(dataset.raw).glob(f"*/{ANNOTATIONS}"))
        hint = f"; its folder {below[0].parent.name} has one: set raw to it" if below else ""
        pickles = [] if below else sorted(path.name for path in Path(dataset.raw).glob("*.pkl"))
        if pickles:
            hint = f"; it holds {some_of(pickles)}: a pickle is named itself as raw"
        return (
            f"datasets.{dataset.name}.raw: the folder {dataset.raw} has no {ANNOTATIONS}, the table"
            f" of its clips (docs/own-dataset.md){hint}. A folder of .skeleton files with NTU's"
            " names needs a protocol instead."
        )
    return None


def _not_usable(path: Path, kind: str) -> str | None:
    """Return what is wrong with a file or folder that exists, if anything is."""
    if kind == "file" and path.is_dir():
        return f"{path} is a folder, expected the pickle itself."
    if is_pipe_or_device(path):
        return f"{path} is a pipe or device, expected a {kind}."
    if not os.access(path, os.R_OK | os.X_OK if path.is_dir() else os.R_OK):
        return (
            f"user {os.geteuid()} may not read the {kind} {path}; ask its owner for the right to."
        )
    return None


def _other_file(path: Path) -> str:
    """Return what a file is that is neither a pickle nor a folder, and what is expected."""
    try:
        kind = kind_of(path)
    except OSError as error:
        return f"cannot be read: {error.strerror}."
    expected = "expected an annotation pickle (.pkl) or a folder of clips (docs/own-dataset.md)"
    if kind.endswith("of numpy"):
        expected += "; save each clip as a .npy of its own, (persons, frames, joints, 3)"
    return f"is {kind}, {expected}."


def expected_clips(dataset: Dataset, split: str, side: str) -> int | None:
    """Return how many clips the authors of NTU RGB+D count on a side; None if nobody has."""
    if dataset.simulate is not None or not dataset.leave_out_missing:
        return None
    return ntu_facts()["counts"].get(f"{dataset.protocol}_{split}", {}).get(side)


def _names_in(where: str, path: Path) -> tuple[str, ...]:
    try:
        glance_at(path, "a text file with one name a line")
        lines = path.read_text("utf-8-sig").splitlines()
    except OSError as error:
        raise ConfigError(
            f"{where}: {path}: {error.strerror}, expected a text file with one name a line."
        ) from None
    except UnicodeDecodeError:
        raise ConfigError(f"{where}: {path} is not UTF-8 text, expected one name a line.") from None
    names = tuple(line.strip() for line in lines)
    kind = path.suffix.lower()
    if names and (kind == ".json" or (kind == ".csv" and all("," in name for name in names))):
        raise ConfigError(
            f"{where}: {path}, line 1: found {names[0][:40]!a} in a {kind} file, expected a text"
            " file with one name a line and nothing else."
        )
    while names and not names[-1]:
        names = names[:-1]
    for number, name in enumerate(names, start=1):
        _check_class_name(f"{where}: {path}, line {number}", name)
    if len(names) < 2:
        raise ConfigError(f"{where}: {path} has {len(names)} names, expected 2 or more.")
    return names


def _check_class_name(where: str, name: str) -> None:
    """Refuse line ends, control and bidi characters: names go to terminals, tables and pages."""
    if not 1 <= len(name) <= _LONGEST_NAME or has_hidden(name):
        raise ConfigError(
            f"{where}: found {name[:40]!a}, expected a name of 1 to {_LONGEST_NAME} characters,"
            " no control or bidi characters."
        )
