"""A score file that somebody else's code wrote -> class scores, with what it tells of its clips.

Shapes: N clips, C crops, K classes. Sources: the files that PYSKL and ProtoGCN (``best_pred.pkl``),
CTR-GCN and its family (``epoch1_test_score.pkl``), and mmaction2 (``--dump``) write.
"""

import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from protogcn.contracts import load_table, reading
from protogcn.errors import ConfigError, ContractError
from protogcn.readers.malformed import show
from protogcn.readers.pickled_numpy import RefusedError
from protogcn.readers.pickled_torch import PickledTensor
from protogcn.readers.safe_pickle import load_pickle
from protogcn.readers.torch_file import find_score_name

_SCORES = ("pred_score", "pred_scores")  # mmaction2, from 1.1 and before
_LABELS = ("gt_label", "gt_labels")
_ARRAYS = ("logits", "probabilities", "scores")  # of an npz
_LARGEST = 1 << 32  # bytes of the arrays of an npz


@dataclass(frozen=True)
class ReleasedScores:
    """What a file holds.

    Attributes:
        form: whose kind of file it is.
        values: (N, C, K) float64, logits or probabilities.
        probabilities: (N, C, K) float64 if the file has them beside logits, else None.
        clips: N names of clips or samples, or None if the file has none.
        labels: (N,) class numbers, or None.
        classes: K names of columns, or None.
    """

    form: str
    values: np.ndarray
    probabilities: np.ndarray | None = None
    clips: tuple[str, ...] | None = None
    labels: np.ndarray | None = None
    classes: tuple[str, ...] | None = None


def read_scores(path: Path) -> ReleasedScores:
    """Read a pickle, npz, npy or csv file of class scores; run nothing.

    Raises:
        ConfigError: no such file, or a name that ends otherwise.
        ContractError: it is damaged, or holds no scores.
    """
    if not path.is_file():
        raise ConfigError(f"{path}: is no file, expected scores.")
    with reading(path, "scores"):
        match path.suffix.lower():
            case ".pkl" | ".pickle":
                found = _from_pickle(path, load_pickle(path, find_name=find_score_name))
            case ".npz":
                found = _from_npz(path)
            case ".npy":
                values = np.load(path, allow_pickle=False)
                found = ReleasedScores("array", _stacked(path, values))
            case ".csv":
                found = _from_csv(path)
            case suffix:
                raise ConfigError(f"{path}: ends in {suffix}, expected .pkl, .npz, .npy or .csv.")
    if not np.isfinite(found.values).all():
        row = int(np.flatnonzero(~np.isfinite(found.values).all(axis=(1, 2)))[0])
        raise ContractError(f"{path}: the scores of entry {row} are not finite.")
    return found


def _from_pickle(path: Path, content: object) -> ReleasedScores:
    if type(content) is dict and content:
        names = tuple(str(name).removesuffix(".skeleton") for name in content)
        return ReleasedScores("CTR-GCN", _stacked(path, list(content.values())), clips=names)
    if type(content) is list and content and all(type(entry) is dict for entry in content):
        return _from_mmaction(path, content)
    if type(content) is np.ndarray or (type(content) is list and content):
        return ReleasedScores("PYSKL", _stacked(path, content))
    raise ContractError(
        f"{path}: found {show(content)} with nothing known in it, expected a list of score vectors"
        " (PYSKL), a dict of them (CTR-GCN), or a list of samples (mmaction2)."
    )


def _from_mmaction(path: Path, samples: Sequence[Mapping[str, object]]) -> ReleasedScores:
    vectors, labels = [], []
    for number, sample in enumerate(samples):
        vector, label = (_item(sample, names) for names in (_SCORES, _LABELS))
        if vector is None:
            keys = ", ".join(show(key) for key in list(sample)[:5])
            raise ContractError(
                f"{path}: sample {number} has {keys or 'nothing'}, expected {_SCORES[0]}."
            )
        vectors.append(vector)
        labels.append(label)
    with_labels = all(np.size(label) == 1 and label is not None for label in labels)
    return ReleasedScores(
        "mmaction2",
        _stacked(path, vectors),
        labels=np.array([np.reshape(label, ()) for label in labels]) if with_labels else None,
    )


def _item(sample: Mapping[str, object], names: Sequence[str]) -> object:
    """Return the first of some entries; before 1.1 it is the ``item`` of a dict."""
    value = next((sample[name] for name in names if name in sample), None)
    return _plain(value.get("item") if type(value) is dict else value)


def _from_npz(path: Path) -> ReleasedScores:
    with zipfile.ZipFile(path) as archive:
        if (size := sum(entry.file_size for entry in archive.infolist())) > _LARGEST:
            raise ContractError(
                f"{path}: unpacks to {size:,} bytes, expected at most {_LARGEST:,}."
            )
    with np.load(path, allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files}
    found = [_stacked(path, arrays[name]) for name in _ARRAYS if name in arrays]
    if not found:
        raise ContractError(
            f"{path}: has {', '.join(arrays) or 'nothing'}, expected {' or '.join(_ARRAYS)},"
            " and beside it clips, labels and classes if there are any."
        )
    if len(found) > 1 and found[0].shape != found[1].shape:
        raise ContractError(f"{path}: its logits and probabilities have not the same shape.")
    clips, classes = (
        tuple(map(str, arrays[key])) if key in arrays else None for key in ("clips", "classes")
    )
    return ReleasedScores(
        "npz",
        found[0],
        probabilities=found[1] if len(found) > 1 else None,
        clips=clips,
        labels=next((arrays[key] for key in ("labels", "label") if key in arrays), None),
        classes=classes,
    )


def _from_csv(path: Path) -> ReleasedScores:
    table = load_table(path, {"clip": "str"})
    columns = [name for name in table.columns if name not in ("clip", "label")]
    if not columns:
        raise ContractError(f"{path}: has no column of a class, expected one for each.")
    labels = table["label"].to_numpy(dtype=np.int64) if "label" in table.columns else None
    values = np.stack([pd.to_numeric(table[name]).to_numpy(np.float64) for name in columns], axis=1)
    clips = tuple(table["clip"])
    return ReleasedScores(
        "csv", _stacked(path, values), clips=clips, labels=labels, classes=tuple(columns)
    )


def _stacked(path: Path, values: object) -> np.ndarray:
    """Return scores of all clips as (N, C, K), a crop each if they have no axis of crops."""
    vectors = [_plain(value) for value in values]
    try:
        array = np.array(vectors, dtype=np.float64)
    except (TypeError, ValueError):
        sizes = sorted({str(np.shape(vector)) for vector in vectors if _is_array(vector)})
        raise ContractError(
            f"{path}: found entries that are no score vectors of one size"
            f" ({', '.join(sizes[:3]) or show(vectors[0])}), expected (classes,) or (crops,"
            " classes)."
        ) from None
    if array.ndim == 2:
        array = array[:, None]  # (N, 1, K)
    if array.ndim != 3 or 0 in array.shape:
        raise ContractError(
            f"{path}: found scores of shape {array.shape}, expected (clips, classes) or (clips,"
            " crops, classes)."
        )
    return array


def _is_array(value: object) -> bool:
    return type(value) is np.ndarray


def _plain(value: object) -> object:
    if type(value) is not PickledTensor:
        return value
    try:
        return value.to_array()
    except RefusedError as error:
        raise ContractError(f"found {error}") from error
