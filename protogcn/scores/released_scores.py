"""What a score file of third-party code holds, and from arrays with names -> that.

Shapes: N clips, C crops, K classes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from protogcn.data.readers.malformed import show
from protogcn.data.readers.pickles.torch_tensors import PickledTensor
from protogcn.errors import ContractError
from protogcn.scores.spaces import named_probabilities

ARRAYS = ("logits", "probabilities", "scores")
_CLIPS, _LABELS, _CLASSES = ("clips", "names"), ("labels", "label"), ("classes",)


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
        are_logits: whether the file calls ``values`` so.
        remark: what was done to them, or nothing.
    """

    form: str
    values: np.ndarray
    probabilities: np.ndarray | None = None
    clips: tuple[str, ...] | None = None
    labels: np.ndarray | None = None
    classes: tuple[str, ...] | None = None
    are_logits: bool = False
    remark: str = ""


def from_arrays(path: Path, form: str, arrays: Mapping[str, object]) -> ReleasedScores:
    """Return the scores of a file whose arrays have names; a single one may have any.

    Raises:
        ContractError: none is of scores, or they do not fit together.
    """
    known = [name for name in ARRAYS if name in arrays] or list(arrays)[: len(arrays) == 1]
    if not known:
        raise ContractError(
            f"{path}: has {', '.join(arrays) or 'nothing'}, expected {' or '.join(ARRAYS)},"
            " and if there are any, clips, labels and classes."
        )
    found = {name: stacked(path, arrays[name]) for name in known}
    remark, probabilities = "", found.get("probabilities")
    if probabilities is not None:
        _, found["probabilities"], remark = named_probabilities(str(path), probabilities)
    if {"logits", "probabilities"} <= found.keys():
        if found["logits"].shape != probabilities.shape:
            raise ContractError(f"{path}: its logits and probabilities have not the same shape.")
    else:
        probabilities = None
    first = next(iter(found))
    labels = _entry(arrays, _LABELS)
    return ReleasedScores(
        form,
        found[first],
        probabilities=None if probabilities is None else found["probabilities"],
        clips=_names(path, arrays, _CLIPS),
        labels=None if labels is None else np.asarray(labels),
        classes=_names(path, arrays, _CLASSES),
        are_logits=first == "logits",
        remark=remark,
    )


def stacked(path: Path, values: object) -> np.ndarray:
    """Return scores of all clips as (N, C, K), a crop each if they have no axis of crops.

    Raises:
        ContractError: they are not of one size, or have another number of axes.
    """
    vectors = [plain(value) for value in plain(values)]
    try:
        array = np.array(vectors, dtype=np.float64)
    except (TypeError, ValueError):
        sizes = sorted({str(np.shape(each)) for each in vectors if type(each) is np.ndarray})
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


def plain(value: object) -> object:
    """Return the elements of a tensor, and anything else as it is.

    Raises:
        RefusedError: its elements are not there.
    """
    return value.to_array() if type(value) is PickledTensor else value


def sample_name(key: object) -> str:
    """Return the name of a sample; a number may be a float, and Python 2 has bytes."""
    if isinstance(key, bytes):
        key = key.decode("utf-8", "replace")
    if isinstance(key, float) and key.is_integer():
        key = int(key)
    return str(key).removesuffix(".skeleton")


def _entry(arrays: Mapping[str, object], names: tuple[str, ...]) -> object:
    return next((plain(arrays[name]) for name in names if name in arrays), None)


def _names(
    path: Path, arrays: Mapping[str, object], keys: tuple[str, ...]
) -> tuple[str, ...] | None:
    if (given := _entry(arrays, keys)) is None:
        return None
    names = np.asarray(given)
    if names.ndim != 1:
        raise ContractError(f"{path}: {keys[0]} has the shape {names.shape}, expected one axis.")
    return tuple(map(str, np.char.decode(names, "utf-8") if names.dtype.kind == "S" else names))
