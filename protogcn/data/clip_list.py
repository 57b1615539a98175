"""An annotation file -> the clips of a dataset in its order: id, label, and side of each split.

Released score files follow this order. Clips that are left out of training are in it too.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from protogcn.data.readers.annotations import load_annotations
from protogcn.data.readers.malformed import show
from protogcn.data.readers.pyskl_splits import read_sides
from protogcn.errors import ContractError
from protogcn.files.contracts import load_table


@dataclass(frozen=True)
class ClipList:
    """The test clips of one split.

    Attributes:
        ids: N clip ids, all different, in the order of the list.
        labels: (N,) 0-based class numbers.
    """

    ids: tuple[str, ...]
    labels: np.ndarray


def list_clips(path: Path, splits: Sequence[str]) -> pd.DataFrame:
    """Read names, labels and splits of an annotation pickle of the PYSKL family.

    Returns:
        Columns clip, label, and for each split its side: train, val, test or -.

    Raises:
        ConfigError: no such file, or a split is not in it.
        ContractError: it is no such pickle.
    """
    annotations, lists = load_annotations(path)
    sides = read_sides(str(path), lists, splits)
    rows = []
    for number, sample in enumerate(annotations, start=1):
        fields = sample if type(sample) is dict else {}
        name, label = fields.get("frame_dir"), fields.get("label")
        if not isinstance(name, str) or not isinstance(label, int | np.integer):
            raise ContractError(
                f"{path}: annotation {number} has frame_dir {show(name)} and label {show(label)},"
                " expected text and a whole number."
            )
        mine = {split: listed.get(str(name), "-") for split, listed in sides.items()}
        rows.append({"clip": str(name), "label": int(label)} | mine)
    return pd.DataFrame(rows, columns=["clip", "label", *splits])


def load_clip_list(path: Path, split: str, num_classes: int) -> ClipList:
    """Read the test clips of a list, or of a prepared dataset's ``clips.csv``.

    Args:
        path: an annotation pickle, or a csv with the columns clip, label and maybe one named as
            the split; without it, every clip is a test clip.
        split: the split.
        num_classes: labels run from 0 to one less.

    Raises:
        ConfigError: no such file, or the split is not in the pickle.
        ContractError: it is damaged, lists no test clip, or one twice, or a label has no class.
    """
    if path.suffix.lower() in (".pkl", ".pickle"):
        table = list_clips(path, [split])
    else:
        table = load_table(path, {"clip": "str", "label": "int64"})
    if split in table.columns:
        table = table[table[split] == "test"]
    if not len(table):
        raise ContractError(f"{path}: lists no test clip of split {split}, expected some.")
    if (twice := table["clip"].duplicated()).any():
        raise ContractError(f"{path}: clip {table['clip'][twice].iloc[0]} is listed twice.")
    labels = table["label"].to_numpy()
    if (wrong := (labels < 0) | (labels >= num_classes)).any():
        clip = table["clip"].iloc[int(wrong.argmax())]
        raise ContractError(
            f"{path}: clip {clip} has label {labels[wrong][0]}, expected 0 to {num_classes - 1}."
        )
    return ClipList(tuple(table["clip"]), labels)
