"""What a table fuses -> the clips whose scores float16 would turn: these stay in float32.

Shapes: N clips, K classes.
"""

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from protogcn.config.cells import table_from_mapping
from protogcn.config.ensembles import GIVEN
from protogcn.config.strict_yaml import read_yaml
from protogcn.files.contracts import check_seal, reading
from protogcn.files.manifest import Manifest
from protogcn.files.scores import Scores
from protogcn.files.weights import LearnedWeights
from protogcn.scores.fusion import in_space, predicted_classes, rows_in_order, top_k_hits
from protogcn.scores.learned_weights import tempered

_MOST_STREAMS = 10  # of which every subset is looked at: 1,023 of them


class Sum(NamedTuple):
    """Weighted score files that a table or figure adds up.

    Attributes:
        paths: the files.
        weights: of each.
        space: what is added, see ``fusion.fuse``.
        temperatures: of each, see ``learned_weights.with_temperatures``; or none.
    """

    paths: tuple[Path, ...]
    weights: tuple[float, ...]
    space: str
    temperatures: tuple[float, ...] = ()


def sums_of(manifest: Manifest) -> list[Sum]:
    """Return what the files of a manifest were computed from; a file alone is one of them.

    Weights that a table learns itself are not known here, and those of a side val stay out.
    """
    tested = {run.run: run.path for run in manifest.runs if run.side != "val"}
    sums = [Sum((path,), (1.0,), "probability") for path in tested.values()]
    paths = tuple(file.path for file in manifest.inputs.get("scores", ()))
    weights, space = manifest.options.get("weights"), str(manifest.options.get("space"))
    if isinstance(weights, list) and len(weights) == len(paths):
        sums.append(Sum(paths, (*map(float, weights),), space))
    elif (files := manifest.inputs.get("learned")) and len(files) == 1:
        learned = LearnedWeights.load(files[0].path)
        temperatures = (*learned.temperatures.values(),)
        sums.append(Sum(paths, (*learned.weights.values(),), space, temperatures))
    elif (tables := manifest.inputs.get("table")) and manifest.command == "tabulate":
        sums += _sums_of_table(tables[0].path, tested)
    return list(dict.fromkeys(sums))


def clips_to_keep(sums: Iterable[Sum]) -> dict[Path, np.ndarray]:
    """Return of each file (N,) whether a clip's scores have to stay as they are.

    They have to if float16 changes, in one of the sums or in a part of it, which class is first or
    whether the label is among the first five; or if a score is too large for it.

    Raises:
        ContractError: a score file is damaged, or files of one sum are of other clips.
    """
    keep: dict[Path, np.ndarray] = {}
    for paths, weights, space, temperatures in sums:
        members = [Scores.load(path) for path in paths]
        large = [_too_large(scores) for scores in members]
        halves = [_halved(scores) for scores in members]
        if temperatures:
            members, halves = (
                list(map(tempered, some, temperatures)) for some in (members, halves)
            )
        orders = [rows_in_order(members[0], scores, str(paths[0])) for scores in members]
        each = list(zip(weights, orders, strict=True))
        full, half = (
            [
                weight * in_space(scores, space)[rows]
                for scores, (weight, rows) in zip(some, each, strict=True)
            ]
            for some in (members, halves)
        )
        turned = _turned(full, half, members[0].labels)
        for path, mask, rows in zip(paths, large, orders, strict=True):
            mask = keep.setdefault(path, mask)
            mask[rows[turned]] = True
    return keep


def _sums_of_table(path: Path, files: Mapping[str, Path]) -> Iterator[Sum]:
    with reading(path, "a resolved table"):
        check_seal(path)
        entry = read_yaml(path)
        cells = table_from_mapping({k: entry[k] for k in entry.keys() - _NOT_OF_TABLE}).cells
    for cell in (cell for cell in cells if cell.weights == GIVEN):
        for scheme in cell.repeats:
            runs = ["/".join(run) for run in cell.runs_of(scheme)]
            if all(run in files for run in runs):
                weights = tuple(weight for _, weight in scheme)
                yield Sum(tuple(files[run] for run in runs), weights, cell.space)


_NOT_OF_TABLE = {"recipe", "digests"}


def _halved(scores: Scores) -> Scores:
    with np.errstate(over="ignore"):
        halves = {
            name: getattr(scores, name).astype(np.float16).astype(np.float32)
            for name in ("logits", "probabilities")
        }
    return replace(scores, **halves)


def _too_large(scores: Scores) -> np.ndarray:
    return (np.abs(scores.logits) > np.finfo(np.float16).max).any(axis=1)


def _turned(
    full: Sequence[np.ndarray], half: Sequence[np.ndarray], labels: np.ndarray
) -> np.ndarray:
    """Return (N,) the clips that some sum of (N, K) decides otherwise than that of halves."""
    turned = np.zeros(len(labels), dtype=bool)
    # A clip that every member is right on, by both, is so in every sum of them.
    doubtful = np.flatnonzero(~np.all([_is_clear(v, labels) for v in (*full, *half)], axis=0))
    labels = labels[doubtful]
    full, half = ([values[doubtful] for values in some] for some in (full, half))
    for one, other in zip(_partial_sums(full), _partial_sums(half), strict=True):
        turned[doubtful] |= (_outcome(one, labels) != _outcome(other, labels)).any(axis=0)
    return turned


def _is_clear(values: np.ndarray, labels: np.ndarray) -> np.ndarray:
    own = np.take_along_axis(values, labels[:, None], axis=1)  # (N, 1)
    return (values >= own).sum(axis=1) == 1


def _partial_sums(values: Sequence[np.ndarray]) -> Iterator[np.ndarray]:
    """Yield the sum of every subset; of many members those that tables and figures add up."""
    if len(values) > _MOST_STREAMS:
        yield from values
        yield from itertools.accumulate(values)
        return

    def add(total: np.ndarray | None, start: int) -> Iterator[np.ndarray]:
        for number in range(start, len(values)):
            larger = values[number] if total is None else total + values[number]
            yield larger
            yield from add(larger, number + 1)

    yield from add(None, 0)


def _outcome(values: np.ndarray, labels: np.ndarray) -> np.ndarray:
    first, five = (top_k_hits(values, labels, k) for k in (1, 5))
    return np.stack([predicted_classes(values), first, five])  # (3, N)
