"""The content of a pickle, json or torch file of scores -> class scores.

Sources: the files that PYSKL and ProtoGCN (``best_pred.pkl``), CTR-GCN and its family
(``epoch1_test_score.pkl``, ``best_acc.pkl``: names and vectors; on NW-UCLA the names are numbers),
and mmaction2 (``--dump``) write.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from protogcn.data.readers.malformed import show
from protogcn.data.readers.pickles.torch_tensors import PickledTensor
from protogcn.errors import ContractError
from protogcn.scores.released_scores import (
    ARRAYS,
    ReleasedScores,
    from_arrays,
    plain,
    sample_name,
    stacked,
)

_SCORES = ("pred_score", "pred_scores", "score", "scores")  # mmaction2, from 1.1 and before; others
_LABELS = ("gt_label", "gt_labels", "label")
_CLIPS = ("frame_dir", "sample_name", "name", "clip", "video", "video_id", "filename")
_WEIGHTS = ("state_dict", "model", "model_state_dict", "meta", "optimizer")


def scores_in(path: Path, content: object) -> ReleasedScores:
    """Return the scores that a file holds, in whatever of the known forms.

    Raises:
        ContractError: there are none.
    """
    content = plain(content)
    if type(content) is tuple and len(content) == 2 and _are_names(content[0]):
        content = dict(zip(content[0], plain(content[1]), strict=True))
    if type(content) is list and content and all(map(_is_pair, content)):
        content = dict(content)
    match content:
        case dict() if any(name in _WEIGHTS for name in content):
            raise ContractError(
                f"{path}: found the weights of a network, expected scores; give the file as"
                " checkpoint, and its clips are scored here."
            )
        case dict() if any(name in ARRAYS for name in content):
            return from_arrays(path, "arrays", content)
        case dict() if content:
            names, entries = tuple(map(sample_name, content)), list(content.values())
            if all(type(entry) is dict for entry in entries):
                return _from_samples(path, "CTR-GCN", entries, names)
            return ReleasedScores("CTR-GCN", stacked(path, entries), clips=names)
        case list() if content and all(type(entry) is dict for entry in content):
            return _from_samples(path, "mmaction2", content, None)
        case list() | tuple() | np.ndarray() if len(content):
            return ReleasedScores("PYSKL", stacked(path, content))
    raise ContractError(
        f"{path}: found {show(content)} with nothing known in it, expected a list of score vectors"
        " (PYSKL), a dict of them (CTR-GCN), or a list of samples (mmaction2)."
    )


def _from_samples(
    path: Path, form: str, samples: Sequence[Mapping[str, object]], names: tuple[str, ...] | None
) -> ReleasedScores:
    vectors, labels, clips = [], [], []
    for number, sample in enumerate(samples):
        vector, label, clip = (_item(sample, keys) for keys in (_SCORES, _LABELS, _CLIPS))
        if vector is None:
            keys = ", ".join(show(key) for key in list(sample)[:5])
            raise ContractError(
                f"{path}: sample {number} has {keys or 'nothing'}, expected {_SCORES[0]}."
            )
        vectors.append(vector)
        labels.append(label)
        clips.append(clip)
    if names is None and all(isinstance(clip, str) for clip in clips):
        names = tuple(map(sample_name, clips))
    with_labels = all(np.size(label) == 1 and label is not None for label in labels)
    return ReleasedScores(
        form,
        stacked(path, vectors),
        clips=names,
        labels=np.array([np.reshape(label, ()) for label in labels]) if with_labels else None,
    )


def _item(sample: Mapping[str, object], names: Sequence[str]) -> object:
    """Return the first of some entries; before 1.1 it is the ``item`` of a dict."""
    value = next((sample[name] for name in names if name in sample), None)
    return plain(value.get("item") if type(value) is dict else value)


def _are_names(value: object) -> bool:
    return isinstance(value, list | tuple) and bool(value) and all(type(v) is str for v in value)


def _is_pair(value: object) -> bool:
    """Whether it is a name and its scores, as an entry of a dict."""
    return (
        isinstance(value, list | tuple)
        and len(value) == 2
        and type(value[0]) is str
        and type(value[1]) in (list, np.ndarray, PickledTensor)
    )
