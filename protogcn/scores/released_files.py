"""A score file of third-party code -> class scores, with the clips and labels it names.

Shapes: N clips, C crops, K classes. Sources: the files that PYSKL and ProtoGCN (``best_pred.pkl``),
CTR-GCN and its family (``epoch1_test_score.pkl``), and mmaction2 (``--dump``) write.
"""

import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from protogcn.data.readers.malformed import show
from protogcn.data.readers.pickles.load import load_pickle
from protogcn.data.readers.pickles.numpy_arrays import RefusedError
from protogcn.data.readers.pickles.torch_file import find_score_name
from protogcn.data.readers.pickles.torch_tensors import PickledTensor
from protogcn.errors import ConfigError, ContractError
from protogcn.files.contracts import as_numbers, load_table, reading

_SCORES = ("pred_score", "pred_scores")  # mmaction2, from 1.1 and before
_LABELS = ("gt_label", "gt_labels")
_ARRAYS = ("logits", "probabilities", "scores")  # of an npz
_OF_ENTRIES = ("clips", "labels", "label", "classes")
_LARGEST_NPZ = 1 << 32  # bytes of its arrays
_LARGEST = float(np.finfo(np.float32).max)  # score files hold float32


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
                with _refusing_objects(f"{path}: the array"):
                    values = np.load(path, allow_pickle=False)
                found = ReleasedScores("array", _stacked(path, values))
            case ".csv":
                found = _from_csv(path)
            case suffix:
                raise ConfigError(f"{path}: ends in {suffix}, expected .pkl, .npz, .npy or .csv.")
    _check_numbers(path, found)
    return found


def _check_numbers(path: Path, found: ReleasedScores) -> None:
    wrong = ~(np.abs(found.values) <= _LARGEST).all(axis=(1, 2))  # (N,)
    if wrong.any():
        raise ContractError(
            f"{path}: the scores of entry {wrong.argmax()} are not finite, or beyond float32."
        )
    labels, expected = found.labels, (len(found.values),)
    if labels is not None and (labels.shape != expected or labels.dtype.kind not in "iuf"):
        raise ContractError(
            f"{path}: found labels of shape {labels.shape} and type {labels.dtype}, expected"
            f" {expected}: the class number of each entry."
        )


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
        if (size := sum(entry.file_size for entry in archive.infolist())) > _LARGEST_NPZ:
            raise ContractError(
                f"{path}: unpacks to {size:,} bytes, expected at most {_LARGEST_NPZ:,}."
            )
    with np.load(path, allow_pickle=False) as file:
        names = file.files
        arrays = {}
        for name in (name for name in (*_ARRAYS, *_OF_ENTRIES) if name in names):
            with _refusing_objects(f"{path}: {name}"):
                arrays[name] = file[name]
    found = {name: _stacked(path, arrays[name]) for name in _ARRAYS if name in arrays}
    if not found:
        raise ContractError(
            f"{path}: has {', '.join(names) or 'nothing'}, expected {' or '.join(_ARRAYS)},"
            " and if there are any, clips, labels and classes."
        )
    probabilities = found.get("probabilities")
    if probabilities is not None:
        _check_probabilities(path, probabilities)
    if {"logits", "probabilities"} <= found.keys() and found["logits"].shape != probabilities.shape:
        raise ContractError(f"{path}: its logits and probabilities have not the same shape.")
    clips, classes = (
        _names(path, key, arrays[key]) if key in arrays else None for key in ("clips", "classes")
    )
    return ReleasedScores(
        "npz",
        next(iter(found.values())),
        probabilities=probabilities if "logits" in found else None,
        clips=clips,
        labels=next((arrays[key] for key in ("labels", "label") if key in arrays), None),
        classes=classes,
    )


@contextmanager
def _refusing_objects(where: str) -> Iterator[None]:
    """Report what to do about an array that numpy does not read, as it is a pickle inside."""
    try:
        yield
    except ValueError as error:
        if "Object arrays" not in str(error):
            raise
        raise ContractError(
            f"{where} holds Python objects, which are not read, as they could run code; store names"
            " as text with .astype(str), numbers with .astype(float)."
        ) from None


def _names(path: Path, key: str, names: np.ndarray) -> tuple[str, ...]:
    if names.ndim != 1:
        raise ContractError(f"{path}: {key} has the shape {names.shape}, expected one axis.")
    return tuple(map(str, np.char.decode(names, "utf-8") if names.dtype.kind == "S" else names))


def _check_probabilities(path: Path, probabilities: np.ndarray) -> None:
    sums = probabilities.sum(axis=2)  # (N, C)
    wrong = ~((probabilities >= 0).all(axis=2) & (np.abs(sums - 1) <= 1e-3))
    if wrong.any():
        entry, crop = np.argwhere(wrong)[0]
        raise ContractError(
            f"{path}: the probabilities of entry {entry} run from"
            f" {probabilities[entry, crop].min():.4g} and sum to {sums[entry, crop]:.4g}, expected"
            " numbers from 0 that sum to 1; if these are logits, name them so."
        )


def _from_csv(path: Path) -> ReleasedScores:
    table = load_table(path, {"clip": "str"})
    columns = [name for name in table.columns if name not in ("clip", "label")]
    if not columns:
        raise ContractError(f"{path}: has no column of a class, expected one for each.")
    labels = None
    if "label" in table.columns:
        labels = as_numbers(path, table["label"], "int64").to_numpy()
    values = np.stack([as_numbers(path, table[name], "float64") for name in columns], axis=1)
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
