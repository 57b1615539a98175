"""A score file of third-party code -> class scores, with the clips and labels it names.

Shapes: N clips, C crops, K classes. Pickles are read by ``released_pickles``.
"""

import json
from pathlib import Path

import numpy as np

from protogcn.data.readers.pickles.load import load_pickle
from protogcn.data.readers.pickles.numpy_arrays import RefusedError
from protogcn.data.readers.pickles.torch_file import find_score_name, is_torch_file, load_torch_file
from protogcn.errors import ConfigError, ContractError
from protogcn.files.contracts import reading
from protogcn.files.csv_table import as_numbers, load_table, separator_of
from protogcn.files.kind import kind_of, kind_to_mend
from protogcn.files.plain_arrays import load_npy, opening_npz
from protogcn.scores.released_pickles import scores_in
from protogcn.scores.released_scores import ReleasedScores, from_arrays, stacked

_LARGEST = float(np.finfo(np.float32).max)  # score files hold float32
_PICKLES = (".pkl", ".pickle", ".pt", ".pth")
_KINDS = {  # by suffix: what ``kind_of`` calls such a file, and what a message does
    ".npz": ("a .npz file of numpy", "a .npz file of numpy"),
    ".npy": ("a .npy file of numpy", "a .npy file of numpy"),
    ".csv": ("text that starts", "a csv table"),
    ".tsv": ("text that starts", "a table of text"),
    ".txt": ("text that starts", "a table of text"),
    ".json": ("a JSON file", "a JSON file"),
}


def read_scores(path: Path) -> ReleasedScores:
    """Read a pickle, npz, npy, json or csv file of class scores; run nothing.

    Raises:
        ConfigError: no such file, or a name that ends otherwise.
        ContractError: it is damaged, or holds no scores.
    """
    if not path.is_file():
        raise ConfigError(f"{path}: is no file, expected scores.")
    suffix = path.suffix.lower()
    if suffix not in (*_PICKLES, *_KINDS):
        expected = ", ".join((*_PICKLES, *_KINDS))
        raise ConfigError(f"{path}: ends in {path.suffix!r}, expected one of {expected}.")
    with reading(path, "scores"):
        if suffix in _PICKLES:
            is_torch = is_torch_file(path)
            content = (
                load_torch_file(path) if is_torch else load_pickle(path, find_name=find_score_name)
            )
            try:
                found = scores_in(path, content)
            except RefusedError as error:
                raise ContractError(f"{path}: found {error}.") from error
        else:
            found = _READERS[suffix](_of_kind(path, *_KINDS[suffix]))
    _check_numbers(path, found)
    return found


def _of_kind(path: Path, kind: str, expected: str) -> Path:
    found = kind_of(path)
    if not found.startswith(kind) or found == kind_to_mend(path):
        raise ContractError(f"{path}: found {found}, expected scores in {expected}.")
    return path


def _check_numbers(path: Path, found: ReleasedScores) -> None:
    wrong = ~(np.abs(found.values) <= _LARGEST).all(axis=(1, 2))  # (N,)
    if wrong.any():
        entry = found.values[wrong.argmax()]
        value = entry[~(np.abs(entry) <= _LARGEST)][0]
        raise ContractError(
            f"{path}: the scores of {wrong.sum()} of {len(wrong)} entries are not finite, or beyond"
            f" float32; entry {wrong.argmax()} holds {value:.4g}. Score them again."
        )
    labels, expected = found.labels, (len(found.values),)
    if labels is not None and (labels.shape != expected or labels.dtype.kind not in "iuf"):
        raise ContractError(
            f"{path}: found labels of shape {labels.shape} and type {labels.dtype}, expected"
            f" {expected}: the class number of each entry."
        )


def _from_npz(path: Path) -> ReleasedScores:
    with opening_npz(path) as arrays:
        return from_arrays(path, "npz", arrays)


def _from_npy(path: Path) -> ReleasedScores:
    return ReleasedScores("array", stacked(path, load_npy(path)))


def _from_json(path: Path) -> ReleasedScores:
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except json.JSONDecodeError as error:
        lines = "; of one object in each line, make a list" if error.msg == "Extra data" else ""
        raise ContractError(
            f"{path}: found no JSON at line {error.lineno}, column {error.colno} ({error.msg}),"
            f" expected one list or object of scores{lines}."
        ) from None
    return scores_in(path, content)


def _from_csv(path: Path) -> ReleasedScores:
    """Read a table with the column clip, one that pandas wrote, or nothing but numbers."""
    with path.open(encoding="utf-8-sig") as file:
        header = file.readline()
    separator = separator_of(header)
    names = [name.strip().strip('"') for name in header.split(separator)]
    if separator not in header:  # as numpy.savetxt writes them
        separator, names = None, header.split()
    has_clips = "clip" in map(str.lower, names)
    if not has_clips and all(map(_is_number, names)):
        is_header = names == [*map(str, range(len(names)))]
        values = np.loadtxt(path, delimiter=separator, skiprows=int(is_header), ndmin=2)
        return ReleasedScores("csv", stacked(path, values))
    table = load_table(path, {"clip": "str"} if has_clips or names[0] else {})
    clips = table["clip"].tolist() if has_clips else None
    if not names[0]:  # pandas numbers or names the lines
        first = table.columns[0]
        index = table.pop(first).tolist()
        clips = clips or (None if index == [*map(str, range(len(table)))] else index)
    label = next((name for name in table.columns if name.lower() == "label"), None)
    columns = [name for name in table.columns if name not in ("clip", label)]
    if not columns:
        raise ContractError(f"{path}: has no column of a class, expected one for each.")
    labels = None if label is None else as_numbers(path, table[label], "int64").to_numpy()
    values = np.stack([as_numbers(path, table[name], "float64") for name in columns], axis=1)
    return ReleasedScores(
        "csv",
        stacked(path, values),
        clips=None if clips is None else tuple(clips),
        labels=labels,
        classes=tuple(columns),
    )


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


_READERS = {
    ".npz": _from_npz,
    ".npy": _from_npy,
    ".csv": _from_csv,
    ".tsv": _from_csv,
    ".txt": _from_csv,
    ".json": _from_json,
}
