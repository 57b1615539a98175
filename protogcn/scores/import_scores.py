"""A third-party score file -> ``scores.npz`` of a run that is neither trained nor scored here.

Shapes: N clips, C crops, K classes.
"""

import argparse
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from protogcn.config.imports import UNKNOWN
from protogcn.config.resolved import Run, load_run
from protogcn.data.clip_list import ClipList, load_clip_list
from protogcn.errors import ContractError
from protogcn.files.contracts import digest_of
from protogcn.files.provenance import commit, versions
from protogcn.files.scores import Scores
from protogcn.scores.fusion import accuracies, softmax
from protogcn.scores.released_files import ReleasedScores, read_scores

_NUMBERED = re.compile(r"(\D*)(\d+)")  # as CTR-GCN names samples: test_0, test_1, ...
_ENOUGH = 50  # clips for which no better than by chance means: in another order


def import_scores(run: Run, path: Path, clips: ClipList) -> Scores:
    """Return third-party scores of a run's test clips.

    Clips are joined by name if the file names them, else by position in the order of the list;
    the numbered samples of CTR-GCN's family are in the order of the clips' names.

    Args:
        run: the run that they are to be fused as.
        path: a pickle of PYSKL, CTR-GCN or mmaction2, or a plain npz, npy or csv file.
        clips: the test clips that the file must have scores of, no more and no fewer.

    Raises:
        ConfigError: no such file.
        ContractError: it is damaged, or its clips, labels or classes are not the run's.
    """
    found, where = read_scores(path), f"{path} as run {run.name}"
    _check_classes(where, found, run.dataset.classes)
    rows, joined_by = _rows_of(where, found, clips.ids)
    space = _space(where, found.values)
    logits, probabilities = _scores_in(space, found, rows)
    if found.labels is None:
        if joined_by == "position":
            _check_order(where, probabilities, clips.labels)
    else:
        _check_labels(where, found.labels[rows], clips)
    return Scores(
        clips=np.array(clips.ids),
        labels=clips.labels,
        classes=np.array(run.dataset.classes),
        logits=logits,
        probabilities=probabilities,
        provenance={
            "run": run.to_mapping(),
            "select": _select(run, path),
            "space": space,
            "imported": {
                "file": path.name,
                "sha256": digest_of(path),
                "form": found.form,
                "crops": found.values.shape[1],
                "clips joined by": joined_by,
            },
            "imported by": {"commit": commit(), "versions": versions()},
        },
    )


def _check_classes(where: str, found: ReleasedScores, classes: Sequence[str]) -> None:
    num_classes = found.values.shape[2]
    if num_classes != len(classes):
        raise ContractError(
            f"{where}: has scores of {num_classes} classes, expected {len(classes)}."
        )
    numbers = tuple(map(str, range(num_classes)))
    if found.classes not in (None, tuple(classes), numbers):
        names = zip(found.classes, classes, strict=True)
        number, (name, expected) = next((n, p) for n, p in enumerate(names) if p[0] != p[1])
        raise ContractError(
            f"{where}: class {number} is {name!r}, expected {expected!r} (or all numbers from 0)."
        )


def _rows_of(where: str, found: ReleasedScores, ids: Sequence[str]) -> tuple[np.ndarray, str]:
    """Return which row of the file each clip has, and by what they were joined."""
    count = len(found.values)
    if found.clips is None:
        if count != len(ids):
            raise ContractError(
                f"{where}: has scores of {count} clips without names, but the list of test clips"
                f" has {len(ids)}; give the list they were scored with."
            )
        return np.arange(count), "position"
    if len(found.clips) != count:
        raise ContractError(f"{where}: has {len(found.clips)} names for {count} scores.")
    row_of = {name: row for row, name in enumerate(found.clips)}
    if len(row_of) < count:
        twice = next(name for row, name in enumerate(found.clips) if row_of[name] != row)
        raise ContractError(f"{where}: clip {twice} appears twice.")
    if row_of.keys() == set(ids):
        return np.array([row_of[clip] for clip in ids]), "name"
    if count == len(ids) and (numbered := _numbered(row_of)) is not None:
        rows = np.empty(count, dtype=np.int64)
        rows[sorted(range(count), key=ids.__getitem__)] = numbered
        return rows, "position"
    missing = [clip for clip in ids if clip not in row_of]
    extra = [name for name in found.clips if name not in set(ids)]
    raise ContractError(
        f"{where}: has other clips than the list of test clips: {len(missing)} are missing"
        f"{_example(missing)} and {len(extra)} are too many{_example(extra)}."
    )


def _example(names: Sequence[str]) -> str:
    return f" (such as {names[0][:60]})" if names else ""


def _numbered(row_of: Mapping[str, int]) -> list[int] | None:
    """Return the rows by number if all names are one word and each number from 0, else None."""
    matches = [_NUMBERED.fullmatch(name) for name in row_of]
    if not all(matches) or len({match[1] for match in matches}) > 1:
        return None
    numbers = {int(match[2]): row for match, row in zip(matches, row_of.values(), strict=True)}
    if sorted(numbers) != list(range(len(row_of))):
        return None
    return [numbers[number] for number in range(len(row_of))]


def _space(where: str, values: np.ndarray) -> str:
    """Return whether scores (N, C, K) are a probability or a logit."""
    sums = values.sum(axis=2)
    if (values >= 0).all():
        if np.abs(sums - 1).max() <= 1e-3:
            return "probability"
        if np.ptp(sums) <= 1e-3 * sums.max():
            raise ContractError(
                f"{where}: every clip's scores are positive and sum to {sums.flat[0]:.4g}, expected"
                " probabilities, which sum to 1, or logits."
            )
    return "logit"


def _scores_in(
    space: str, found: ReleasedScores, rows: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return mean logits and mean probabilities, (N, K) each.

    Where the file has probabilities only, their logarithm replaces the logits.
    """
    values = found.values[rows]  # (N, C, K)
    if space == "probability":
        probabilities = values.mean(axis=1)
        return np.log(np.maximum(probabilities, np.finfo(np.float32).tiny)), probabilities
    if found.probabilities is not None:
        return values.mean(axis=1), found.probabilities[rows].mean(axis=1)
    return values.mean(axis=1), softmax(values).mean(axis=1)


def _check_labels(where: str, labels: np.ndarray, clips: ClipList) -> None:
    if (other := np.flatnonzero(labels != clips.labels)).size:
        first = int(other[0])
        raise ContractError(
            f"{where}: {other.size} of {len(labels)} clips have another label, the first is"
            f" {clips.ids[first]} with {labels[first]}, expected {clips.labels[first]}; give the"
            " list of clips they were scored with."
        )


def _check_order(where: str, probabilities: np.ndarray, labels: np.ndarray) -> None:
    """Refuse scores that fit the labels no better than in an order by chance."""
    predicted = probabilities.argmax(axis=1)
    counts = [np.bincount(v, minlength=probabilities.shape[1]) for v in (predicted, labels)]
    by_chance = (counts[0] * counts[1]).sum() / len(labels)
    hits = int((predicted == labels).sum())
    if len(labels) >= _ENOUGH and hits <= by_chance + 3 * np.sqrt(by_chance):
        raise ContractError(
            f"{where}: {hits} of {len(labels)} clips are right, no more than by chance"
            f" ({by_chance:.0f}): the scores follow another list of clips; give that one, or a"
            " file that names its clips."
        )


def _select(run: Run, path: Path) -> str:
    """Return which epoch was scored: ``best_pred.pkl`` is the best one on the test side."""
    select = run.settings["select"]
    return "best" if select == UNKNOWN and path.name.startswith("best") else select


def main() -> None:
    """Turn third-party scores into those of a run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", type=Path, required=True, help="config.yaml of the run")
    parser.add_argument("--source", type=Path, required=True, help="third-party scores")
    parser.add_argument(
        "--clips", type=Path, required=True, help="annotation pickle, or csv with clip and label"
    )
    parser.add_argument("--scores", type=Path, required=True, help="scores.npz to write")
    args = parser.parse_args()

    run = load_run(args.config)
    clips = load_clip_list(args.clips, run.split, run.dataset.classes)
    scores = import_scores(run, args.source, clips)
    scores.save(args.scores)
    facts = scores.provenance
    top1 = accuracies(scores.probabilities, scores.labels)["top1"]
    print(
        f"{run.name}: {len(scores.clips)} clips, joined by {facts['imported']['clips joined by']},"
        f" space {facts['space']}, top-1 {100 * top1:.2f}."
    )
