"""A file of text embeddings -> what it holds, or one sentence on what is wrong with it.

An ``.npz`` without pickled objects, which ``protogcn embed_texts`` writes: ``class_names`` (K,) in
label order, ``part_names`` (4,) head, hand, hip, foot, ``parts`` (4, K, D) embeddings of a text on
each part, ``synonyms`` (R, D) of names of the classes, ``synonym_class`` (R,) their labels, and
``encoder``, what embedded them. Only the directions of the embeddings count.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from protogcn.errors import ConfigError, ContractError
from protogcn.files.contracts import reading, writing
from protogcn.files.plain_arrays import opening_npz

PART_NAMES = ("head", "hand", "hip", "foot")
ARRAYS = ("class_names", "part_names", "parts", "synonyms", "synonym_class", "encoder")


def load_texts(
    path: Path, classes: Sequence[str]
) -> tuple[np.ndarray, np.ndarray, np.ndarray, str]:
    """Return parts (4, K, D), synonyms (R, D), their classes (R,), and the encoder.

    Args:
        path: the file.
        classes: the dataset's classes in label order, which it must have.

    Raises:
        ConfigError: no such file.
        ContractError: it is no such file, or of other classes.
    """
    arrays = _read(path)
    _check(path, arrays, classes)
    labels = arrays["synonym_class"].astype(np.int64)
    parts, synonyms = (arrays[name].astype(np.float32) for name in ("parts", "synonyms"))
    return parts, synonyms, labels, str(arrays["encoder"])


def save_texts(
    path: Path,
    *,
    classes: Sequence[str],
    parts: np.ndarray,
    synonyms: np.ndarray,
    synonym_class: np.ndarray,
    encoder: str,
    part_texts: Sequence[Sequence[str]],
    synonym_texts: Sequence[str],
) -> None:
    """Write the file whole or not at all; ``part_texts`` and ``synonym_texts`` are for its readers.

    Raises:
        ContractError: an embedding is zero or not finite.
    """
    arrays = {
        "class_names": np.array(classes),
        "part_names": np.array(PART_NAMES),
        "parts": parts.astype(np.float32),
        "synonyms": synonyms.astype(np.float32),
        "synonym_class": synonym_class.astype(np.int64),
        "encoder": np.array(encoder),
        "part_texts": np.array(part_texts),
        "synonym_texts": np.array(synonym_texts),
    }
    _check(path, arrays, classes)
    with writing(path) as file:
        np.savez(file, **arrays)


def _check(path: Path, arrays: Mapping[str, np.ndarray], classes: Sequence[str]) -> None:
    """Refuse arrays that are not texts about these classes; see ``load_texts``."""
    if (names := arrays["class_names"]).ndim != 1:
        raise ContractError(
            f"{path}: class_names is of shape {names.shape}, expected ({len(classes)},)."
        )
    if names.tolist() != list(classes):
        raise ContractError(f"{path}: class_names {_difference(names.tolist(), classes)}.")
    if arrays["part_names"].tolist() != list(PART_NAMES):
        raise ContractError(
            f"{path}: part_names is {arrays['part_names'].tolist()}, expected {list(PART_NAMES)}."
        )
    parts, synonyms, labels = arrays["parts"], arrays["synonyms"], arrays["synonym_class"]
    shapes = {
        "parts": (parts, (len(PART_NAMES), len(classes), None)),
        "synonyms": (synonyms, (None, *parts.shape[-1:])),
    }
    for name, (array, shape) in shapes.items():
        fits = array.ndim == len(shape) and all(
            wanted in (None, size) for wanted, size in zip(shape, array.shape, strict=True)
        )
        if array.dtype.kind != "f" or not fits:
            raise ContractError(
                f"{path}: {name} is {array.dtype} of shape {array.shape}, expected floating point"
                f" of shape {tuple('any' if size is None else size for size in shape)}."
            )
    if labels.dtype.kind not in "iu" or labels.shape != synonyms.shape[:1]:
        raise ContractError(
            f"{path}: synonym_class is {labels.dtype} of shape {labels.shape}, expected whole"
            f" numbers of shape {synonyms.shape[:1]}."
        )
    if (wrong := labels[(labels < 0) | (labels >= len(classes))]).size:
        raise ContractError(
            f"{path}: synonym_class has {wrong[0]}, expected 0 to {len(classes) - 1}."
        )
    if missing := sorted(set(range(len(classes))) - set(labels.tolist())):
        raise ContractError(
            f"{path}: has no synonym of class {missing[0]} ({classes[missing[0]]}), expected one"
            " at least; its name will do."
        )
    _check_rows(path, arrays, classes)


def _check_rows(path: Path, arrays: Mapping[str, np.ndarray], classes: Sequence[str]) -> None:
    parts, synonyms, labels = arrays["parts"], arrays["synonyms"], arrays["synonym_class"]
    for part, rows in zip([*PART_NAMES, "synonyms"], [*parts, synonyms], strict=True):
        with np.errstate(over="ignore"):
            lengths = np.square(rows.astype(np.float32)).sum(1)  # by which a row is divided
        bad = np.flatnonzero(~np.isfinite(lengths) | (lengths == 0))
        if bad.size:
            label = labels[bad[0]] if part == "synonyms" else bad[0]
            raise ContractError(
                f"{path}: an embedding of class {label} ({classes[label]}), {part}, is zero or not"
                " finite in single precision."
            )


def _read(path: Path) -> dict[str, np.ndarray]:
    if not path.exists():
        raise ConfigError(f"{path}: does not exist, expected text embeddings (docs/methods.md).")
    with reading(path, f"an .npz of plain arrays with {', '.join(ARRAYS)} (docs/methods.md)"):
        with opening_npz(path) as file:
            found = {name: file[name] for name in ARRAYS if name in file}
    if missing := [name for name in ARRAYS if name not in found]:
        raise ContractError(
            f"{path}: lacks {', '.join(missing)}, expected {', '.join(ARRAYS)} (docs/methods.md)."
        )
    return found


def _difference(found: Sequence[str], expected: Sequence[str]) -> str:
    if len(found) != len(expected):
        return f"has {len(found)} names, expected {len(expected)}"
    number = next(i for i, pair in enumerate(zip(found, expected, strict=True)) if len({*pair}) > 1)
    return f"has {found[number]!r} for class {number}, expected {expected[number]!r}"
