"""An annotation file -> the clips of a dataset in its order: id, label, and side of each split.

Released score files follow this order. Clips that are left out of training are in it too.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from protogcn.data.label_lists import load_numbered_labels, names_and_labels
from protogcn.data.readers.annotations import annotations_in, load_annotations
from protogcn.data.readers.malformed import MalformedError
from protogcn.data.readers.pickles.load import load_pickle
from protogcn.data.readers.pickles.torch_file import find_score_name
from protogcn.data.readers.pyskl_splits import find_lists, read_sides
from protogcn.data.readers.values import Labels, Origin, name_of
from protogcn.errors import ContractError, some_of
from protogcn.files.csv_table import load_table


@dataclass(frozen=True)
class ClipList:
    """The test clips of one split.

    Attributes:
        ids: N clip ids, all different, in the order of the list.
        labels: (N,) 0-based class numbers.
    """

    ids: tuple[str, ...]
    labels: np.ndarray


def list_clips(path: Path, splits: Sequence[str], classes: Sequence[str]) -> pd.DataFrame:
    """Read names, labels and splits of an annotation pickle of the PYSKL family.

    Returns:
        Columns clip, label, and for each split its side: train, val, test or -.

    Raises:
        ConfigError: no such file, or a split is not in it.
        ContractError: it is no such pickle.
    """
    return _listed(path, load_annotations(path), splits, classes)


def _listed(
    path: Path,
    content: tuple[Sequence[object], object],
    splits: Sequence[str],
    classes: Sequence[str],
) -> pd.DataFrame:
    annotations, lists = content
    listed = find_lists(path, lists, splits)
    rows, labels = [], Labels(classes)
    for number, sample in enumerate(annotations, start=1):
        fields = sample if type(sample) is dict else {}
        origin = Origin(path.name, f"annotation {number}")
        try:
            name = name_of(fields.get("frame_dir"), origin, "frame_dir")
            label = labels.number_of(fields.get("label"), origin)
        except MalformedError as fault:
            raise ContractError(f"{path.parent}/{fault}.") from None
        rows.append({"clip": name, "label": label})
    sides = read_sides(path, listed, [row["clip"] for row in rows], complete=False)
    rows = [
        row | {split: names.get(row["clip"], "-") for split, names in sides.items()} for row in rows
    ]
    return pd.DataFrame(rows, columns=["clip", "label", *splits])


def load_clip_list(path: Path, split: str, classes: Sequence[str]) -> ClipList:
    """Read the test clips of a list, or of a prepared dataset's ``clips.csv``.

    Args:
        path: an annotation pickle, a list of labels of ST-GCN's or CTR-GCN's code, or a csv with
            the columns clip, label and maybe one named as the split; without it, every clip is a
            test clip.
        split: the split.
        classes: the class names in label order.

    Raises:
        ConfigError: no such file, or the split is not in the pickle.
        ContractError: it is damaged, lists no test clip, or one twice, or a label has no class.
    """
    match path.suffix.lower():
        case ".pkl" | ".pickle":
            content = load_pickle(path, find_name=find_score_name)
            if (pair := names_and_labels(content)) is None:
                table = _listed(path, annotations_in(path, content), [split], classes)
            else:
                table = _table_of(*pair, path, classes)
        case ".npz":
            table = _table_of(*load_numbered_labels(path), path, classes)
        case ".json":
            raise ContractError(
                f"{path}: found a list of clips in JSON, expected an annotation pickle or a csv"
                " with the columns clip and label."
            )
        case _:
            table = load_table(path, {"clip": "str", "label": "str"})
            table["label"] = _numbers_of(table["label"], path, classes)
    if split in table.columns:
        found = some_of(list(dict.fromkeys(table[split])))
        table = table[table[split] == "test"]
        if not len(table) and found:
            raise ContractError(
                f"{path}: lists no test clip of split {split}, whose sides are {found}, expected"
                " test for those that were scored (a list without this column has these alone)."
            )
    if not len(table):
        raise ContractError(f"{path}: lists no test clip of split {split}, expected some.")
    if (twice := table["clip"].duplicated()).any():
        raise ContractError(f"{path}: clip {table['clip'][twice].iloc[0]} is listed twice.")
    return ClipList(tuple(table["clip"]), table["label"].to_numpy())


def _table_of(
    names: Sequence[str], labels: Sequence[object], path: Path, classes: Sequence[str]
) -> pd.DataFrame:
    return pd.DataFrame({"clip": names, "label": _numbers_of(labels, path, classes)})


def _numbers_of(given: Sequence[object], path: Path, classes: Sequence[str]) -> list[int]:
    labels = Labels(classes, given)
    try:
        return [
            labels.number_of(label, Origin(path.name, f"row {row}"))
            for row, label in enumerate(given, start=1)
        ]
    except MalformedError as fault:
        raise ContractError(f"{path.parent}/{fault}.") from None
