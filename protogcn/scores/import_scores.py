"""A third-party score file -> ``scores.npz`` of a run that is neither trained nor scored here.

Shapes: N clips, C crops, K classes.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from protogcn.config.imports import SCORE_SPACE, UNKNOWN
from protogcn.config.resolved import Run, load_run
from protogcn.data.clip_list import ClipList, load_clip_list
from protogcn.errors import ContractError
from protogcn.files.contracts import digest_of
from protogcn.files.provenance import commit, versions
from protogcn.files.scores import Scores
from protogcn.files.sources import note_sources
from protogcn.scores.fusion import accuracies, softmax
from protogcn.scores.order import OF_GIVEN, Joined, doubt_about_order, join
from protogcn.scores.released_files import ReleasedScores, read_scores
from protogcn.scores.spaces import in_known_space, remark_on_shape


def import_scores(run: Run, path: Path, clips: ClipList) -> Scores:
    """Return third-party scores of a run's test clips.

    Clips are joined by name if the file names them, else by position in the order of the list; so
    are numbered samples, as CTR-GCN's family has them, if the run has a list of its own, and in
    the order of the clips' names if not.

    Args:
        run: the run that they are to be fused as.
        path: a pickle of PYSKL, CTR-GCN or mmaction2, or a plain npz, npy or csv file.
        clips: the test clips that the file must have scores of, no more and no fewer.

    Raises:
        ConfigError: no such file.
        ContractError: it is damaged, or its clips, labels or classes are not the run's.
    """
    found, where = read_scores(path), f"{path} as run {run.name}"
    _check_classes(where, found, run.dataset.classes, len(clips.ids))
    count, is_given = len(found.values), "clips" in run.settings
    joined = join(where, found.clips, count, clips.ids, is_given=is_given)
    told = run.settings.get(SCORE_SPACE)
    space, values, remark = in_known_space(
        where, found.values, told, are_named_logits=found.are_logits
    )
    logits, probabilities = _scores_in(space, values, found.probabilities, joined.rows)
    has_labels = found.labels is not None
    if has_labels:
        _check_labels(where, found.labels[joined.rows], clips)
    shape = remark_on_shape(probabilities)
    remarks = [text for text in (remark, found.remark, joined.remark, shape) if text]
    remarks += _remarks_on_order(where, probabilities, clips, joined, has_labels=has_labels)
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
                "clips joined by": joined.by,
                **({"in the order of": joined.order} if joined.order else {}),
                "space": "as told by the config" if told else "as its numbers show",
                "remarks": remarks,
            },
            "imported by": {"commit": commit(), "versions": versions()},
        },
    )


def _check_classes(
    where: str, found: ReleasedScores, classes: Sequence[str], num_clips: int
) -> None:
    count, num_crops, num_classes = found.values.shape
    if num_classes != len(classes):
        is_turned = num_crops == 1 and (count, num_classes) == (len(classes), num_clips)
        remedy = "; rows are clips: transpose the scores" if is_turned else ""
        raise ContractError(
            f"{where}: has scores of {num_classes} classes, expected {len(classes)}{remedy}."
        )
    numbers = tuple(map(str, range(num_classes)))
    if found.classes not in (None, tuple(classes), numbers):
        names = zip(found.classes, classes, strict=True)
        number, (name, expected) = next((n, p) for n, p in enumerate(names) if p[0] != p[1])
        raise ContractError(
            f"{where}: class {number} is {name!r}, expected {expected!r} (or all numbers from 0)."
        )


def _scores_in(
    space: str, values: np.ndarray, given: np.ndarray | None, rows: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return mean logits and mean probabilities, (N, K) each.

    Where the file has probabilities only, their logarithm replaces the logits.
    """
    values = values[rows]  # (N, C, K)
    if space == "probability":
        probabilities = values.mean(axis=1)
        return np.log(np.maximum(probabilities, np.finfo(np.float32).tiny)), probabilities
    if given is not None:
        return values.mean(axis=1), given[rows].mean(axis=1)
    return values.mean(axis=1), softmax(values).mean(axis=1)


def _check_labels(where: str, labels: np.ndarray, clips: ClipList) -> None:
    if (other := np.flatnonzero(labels != clips.labels)).size:
        first = int(other[0])
        remedy = "give the list of clips they were scored with"
        if (labels - 1 == clips.labels).all():
            remedy = "labels seem to start at 1: subtract 1 from those of the file"
        raise ContractError(
            f"{where}: {other.size} of {len(labels)} clips have another label, the first is"
            f" {clips.ids[first]} with {labels[first]}, expected {clips.labels[first]}; {remedy}."
        )


def _remarks_on_order(
    where: str,
    probabilities: np.ndarray,
    clips: ClipList,
    joined: Joined,
    *,
    has_labels: bool,
) -> list[str]:
    """Return what there is to say of the order; refuse scores without names in one by chance."""
    doubt, is_certain = doubt_about_order(probabilities.argmax(axis=1), clips.labels)
    if not doubt:
        return []
    if joined.by == "name" or has_labels:
        return [f"{doubt}; are the classes of the file in the order of the config's?"]
    if not is_certain:
        return [f"{doubt}: too few clips to tell whether the scores follow {joined.order}"]
    by_name = np.empty_like(probabilities)  # as if they followed the list sorted by name
    by_name[np.argsort(np.array(clips.ids))] = probabilities
    is_sorted = not doubt_about_order(by_name.argmax(axis=1), clips.labels)[0]
    follow = "but that list sorted by name" if is_sorted else "but another list of clips"
    remedy = "sort it" if is_sorted else "put it in the order of the scores"
    if joined.order != OF_GIVEN:
        remedy = "give that one as clips"
    raise ContractError(
        f"{where}: {doubt}: the scores do not follow {joined.order}, {follow}; {remedy}, or give a"
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
    note_sources(args.scores, [args.source, args.clips])
    clips = load_clip_list(args.clips, run.split, run.dataset.classes)
    scores = import_scores(run, args.source, clips)
    scores.save(args.scores)
    facts, imported = scores.provenance, scores.provenance["imported"]
    top1 = accuracies(scores.probabilities, scores.labels)["top1"]
    order = imported.get("in the order of")
    by = f"{imported['clips joined by']}{f' in the order of {order}' if order else ''}"
    print(
        f"{run.name}: {len(scores.clips)} clips, joined by {by}, space {facts['space']}"
        f" ({imported['space']}), top-1 {100 * top1:.2f}."
    )
    for remark in imported["remarks"]:
        print(f"Warning: {args.source} as run {run.name}: {remark}.")
