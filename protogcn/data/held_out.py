"""The clips of a split -> those that its twin leaves out of training, its side ``val``.

Whole groups are left out: all clips of a subject, a camera, a recording. Which ones depends on
their names and on the seed alone, so it is the same on every machine and for every modality.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from itertools import accumulate, groupby
from types import MappingProxyType

from protogcn.config.resolved import ANNOTATIONS, Dataset
from protogcn.data.subjects import subject_of
from protogcn.errors import ConfigError, some_of

# NTU's S001C002P003R002A013: setup, camera, subject, replication, action.
_NTU = re.compile(r"S(\d{3})C(\d{3})P(\d{3})R(\d{3})A(\d{3})")
# Pieces of a video: Kinetics' ID_000010_000020, and FineGYM's ID_E_002407_002435_A_0003_0005.
_PIECE = re.compile(r"(.+?)(?:_E_\d{6}_\d{6}_A_\d{4}_\d{4}|_\d{6}_\d{6})")
_EXAMPLES = {
    "subject": "S001C002P003R002A013 or a9_s1_t1",
    "setup": "S001C002P003R002A013",
    "camera": "S001C002P003R002A013",
    "recording": "S001C002P003R002A013 or VIDEO_000010_000020",
}


def group_of(clip: str, by: str, given: Mapping[str, str] = MappingProxyType({})) -> str:
    """Return the group of a clip as its raw file tells it, else from its name, or nothing.

    Args:
        clip: its name.
        by: subject, setup, camera, recording or clip. NTU's cameras see a recording together.
        given: see ``RawClip.groups``.
    """
    if given.get(by):
        return given[by]
    if by == "clip":
        return clip
    if by == "subject":
        return subject_of(clip)
    name = clip.rsplit("/", 1)[-1]
    if match := _NTU.fullmatch(name):
        setup, camera, *others = match.groups()
        return {"setup": setup, "camera": camera, "recording": "-".join((setup, *others))}[by]
    piece = _PIECE.fullmatch(name) if by == "recording" else None
    return piece.group(1) if piece else ""


def add_twins(
    dataset: Dataset,
    sides: Mapping[str, dict[str, str]],
    labels: Mapping[str, int],
    given: Mapping[str, Mapping[str, str]] = MappingProxyType({}),
) -> None:
    """Add the side of every clip in each twin of a split to its sides, by the clip's group.

    Args:
        dataset: its twins.
        sides: of each clip, for each split its side.
        labels: of each clip; single clips are left out of every class alike.
        given: of each clip, by its name, see ``RawClip.groups``.

    Raises:
        ConfigError: nothing tells the groups, a split has a side ``val`` of its own, or fewer
            groups than it would take.
    """
    for name, (split, fold) in dataset.twins.items():
        trained = [clip for clip, of_clip in sides.items() if of_clip[split] == "train"]
        if any(of_clip[split] == "val" for of_clip in sides.values()):
            raise ConfigError(
                f"datasets.{dataset.name}.hold_out: split {split} has clips on a side val already;"
                " use them, and leave hold_out away."
            )
        left_out = _left_out(dataset, split, trained, labels, given, fold) if trained else set()
        for clip, of_clip in sides.items():
            of_clip[name] = "val" if clip in left_out else of_clip[split]


def _left_out(
    dataset: Dataset,
    split: str,
    clips: Sequence[str],
    labels: Mapping[str, int],
    given: Mapping[str, Mapping[str, str]],
    fold: int,
) -> set[str]:
    """Return the training clips of a split that one of its twins leaves out."""
    groups = _groups(dataset, clips, given)
    folds, by = dataset.hold_out.get("folds", 0), dataset.hold_out["by"]
    if len(groups) < max(2, folds if fold else 0):
        wanted = f"at least {folds}, one for each of the folds" if fold else "at least two"
        raise ConfigError(
            f"datasets.{dataset.name}.hold_out: by {by}, but the training clips of split {split}"
            f" are of {len(groups)} {by}{'s'[: len(groups) - 1]}, expected {wanted}."
        )
    names = sorted(groups, key=lambda name: _rank(dataset, name))
    if by == "clip":
        names = sorted(names, key=labels.__getitem__)
    if fold:
        chosen = names[fold - 1 :: folds]
    else:
        names = _in_turn(names, labels) if by == "clip" else names
        wanted = dataset.hold_out["share"] * len(clips)
        sums = accumulate(len(groups[name]) for name in names[:-1])  # somebody is left to train on
        away = [abs(total - wanted) for total in sums]
        chosen = names[: away.index(min(away)) + 1]
    return {clip for name in chosen for clip in groups[name]}


def _groups(
    dataset: Dataset, clips: Sequence[str], given: Mapping[str, Mapping[str, str]]
) -> dict[str, list[str]]:
    by, groups, unknown = dataset.hold_out["by"], {}, []
    for clip in clips:
        if group := group_of(clip, by, given.get(clip, {})):
            groups.setdefault(group, []).append(clip)
        else:
            unknown.append(clip)
    if unknown:
        column = f" give {ANNOTATIONS} a column {by}," if dataset.is_annotated_folder else ""
        raise ConfigError(
            f"datasets.{dataset.name}.hold_out: by {by}, but the names of {len(unknown)} of"
            f" {len(clips)} training clips ({some_of(unknown)}) do not tell the {by}, expected"
            f" names such as {_EXAMPLES[by]}; name the clips so,{column} or hold out by clip."
        )
    return groups


def _rank(dataset: Dataset, name: str) -> str:
    return hashlib.sha256(f"{dataset.hold_out['seed']} {name}".encode()).hexdigest()


def _in_turn(clips: Sequence[str], labels: Mapping[str, int]) -> list[str]:
    """Return clips in an order whose beginning has the same share of every class.

    Args:
        clips: those of a class follow each other.
        labels: of each clip.
    """
    places = {}
    for _, names in groupby(clips, labels.__getitem__):
        of_class = [*names]
        places |= {name: (place + 0.5) / len(of_class) for place, name in enumerate(of_class)}
    return sorted(clips, key=places.__getitem__)
