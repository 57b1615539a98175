"""``scores.npz``: class scores of one trained stream for every clip of a split's test side.

Shapes: N clips, K classes.
"""

import hashlib
import json
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from protogcn.errors import ContractError
from protogcn.files.contracts import digest_of, reading, writing
from protogcn.files.plain_arrays import opening_npz
from protogcn.files.score_origin import check_origin

_ARRAYS = ("clips", "labels", "classes", "logits", "probabilities", "provenance")
_HALF = ("logits", "probabilities")  # what a compact file rounds to float16
_EXACT = "exact_"  # rows of it that are kept in float32
_ORIGINAL = "original"
_SELECTS = {  # worst first: how an epoch was chosen, and what captions add
    "best": " (epoch chosen by its accuracy: select best)",
    "unknown": " (imported, how its epoch was chosen is not known)",
    "watched": " (the test side was measured while it trained: validate_on test)",
    "last": "",
}

_CHOSEN_ON = ("test", "unknown", "val", "none")  # worst first


@dataclass(frozen=True)
class Scores:
    """Class scores of one stream.

    Attributes:
        clips: (N,) clip ids, all different.
        labels: (N,) 0-based class numbers.
        classes: (K,) class names.
        logits: (N, K) float32, the mean over crops; of an import in the space probability
            their logarithm.
        probabilities: (N, K) float32, the mean over crops of the softmax; rows sum to one.
        provenance: run, settings, ``select`` (which epoch was scored: last, best, watched for a
            last one of a training that was measured on test clips, or unknown for an import),
            commit, data digest; for an import ``imported`` and ``space`` (probability, logit or
            log_probability).
        subjects: (N,) who performs in each clip, where the dataset says it; else None.
    """

    clips: np.ndarray
    labels: np.ndarray
    classes: np.ndarray
    logits: np.ndarray
    probabilities: np.ndarray
    provenance: Mapping[str, Any]
    subjects: np.ndarray | None = None

    def save(self, path: Path) -> None:
        """Write the file whole or not at all; its zip container carries checksums."""
        self._check(path)
        with writing(path) as file:
            np.savez(file, **self._arrays())

    def save_compact(self, path: Path, exact: np.ndarray, original: str) -> None:
        """Write it with scores in float16, which ``load`` gives back as float32.

        Args:
            path: the file.
            exact: (N,) bool, the clips whose scores stay as they are.
            original: SHA-256 of the file that it stands for.
        """
        self._check(path)
        arrays = self._arrays()
        kept = {_EXACT + name: arrays[name][exact] for name in _HALF}
        with np.errstate(over="ignore"):  # a row that is too large for float16 is kept as well
            halves = {name: arrays[name].astype(np.float16) for name in _HALF}
        arrays |= halves | kept
        with writing(path) as file:
            np.savez(file, **arrays, exact=np.flatnonzero(exact), original=np.array(original))

    def _arrays(self) -> dict[str, np.ndarray]:
        known = {} if self.subjects is None else {"subjects": self.subjects.astype(str)}
        return {
            "clips": self.clips.astype(str),
            "labels": self.labels.astype(np.int64),
            "classes": self.classes.astype(str),
            "logits": self.logits.astype(np.float32),
            "probabilities": self.probabilities.astype(np.float32),
            "provenance": np.array(json.dumps(self.provenance, sort_keys=True)),
            **known,
        }

    @classmethod
    def load(cls, path: Path) -> "Scores":
        """Read and check a score file.

        Raises:
            ContractError: missing, damaged, incomplete, or its numbers cannot be scores.
        """
        with reading(path, "a score file"):
            with _opened(path) as file:
                arrays = {name: file[name] for name in (*_ARRAYS, "subjects") if name in file}
                if _ORIGINAL in file:
                    arrays |= {name: _as_float32(file, name) for name in _HALF}
            provenance = json.loads(str(arrays.pop("provenance")))
            scores = cls(**arrays, provenance=provenance)
            scores._check(path)
        return scores

    @property
    def run(self) -> tuple[str, str, str, str]:
        """Dataset, split, model and stream that were scored.

        Raises:
            ContractError: nothing says so.
        """
        if (run := self.provenance.get("run")) is None:
            raise ContractError("scores of no run: nothing says what was scored; score again.")
        repeat = "" if run["repeat"] == 1 else f"-{run['repeat']}"
        return run["dataset"]["name"], run["split"], run["model"], f"{run['modality']}{repeat}"

    @cached_property
    def clips_digest(self) -> str:
        """SHA-256 of the clips and their labels, in whatever order they are."""
        return _clips_digest(self.clips, self.labels)

    @property
    def space(self) -> str:
        """Of its ``logits``: logit, or probability or log_probability for what was imported so."""
        return self.provenance.get("space", "logit")

    def _check(self, path: Path) -> None:
        check_origin(path, self.provenance)
        if (select := self.provenance.get("select")) not in tuple(_SELECTS):
            raise ContractError(f"{path}: select is {select!r}, expected {', '.join(_SELECTS)}.")
        shape = (len(self.clips), len(self.classes))
        if 0 in shape:
            raise ContractError(f"{path}: found {shape[0]} clips and {shape[1]} classes.")
        for name in ("logits", "probabilities"):
            values = getattr(self, name)
            if values.shape != shape:
                raise ContractError(
                    f"{path}: {name} has shape {values.shape}, expected {shape} (clips, classes)."
                )
            if not np.isfinite(values).all():
                first = self.clips[~np.isfinite(values).all(axis=1)][0]
                raise ContractError(f"{path}: {name} of clip {first} are not finite.")
        if self.labels.shape != shape[:1] or not np.isin(self.labels, range(shape[1])).all():
            raise ContractError(f"{path}: labels are not one class of {shape[1]} for each clip.")
        if self.subjects is not None and self.subjects.shape != shape[:1]:
            raise ContractError(
                f"{path}: subjects has shape {self.subjects.shape}, expected one for each clip."
            )
        ids, counts = np.unique(self.clips.astype(str), return_counts=True)
        if (counts > 1).any():
            raise ContractError(f"{path}: clip {ids[counts > 1][0]} appears twice.")
        away = np.abs(self.probabilities.sum(axis=1, dtype=np.float64) - 1)
        if (self.probabilities < 0).any() or away.max() > 1e-3:
            raise ContractError(
                f"{path}: the probabilities of clip {self.clips[away.argmax()]} sum to"
                f" {self.probabilities[away.argmax()].sum():.4f}, expected 1."
            )


def select_of(members: Iterable[Scores]) -> str:
    """Return how the epochs of an ensemble were chosen: as the worst of its members' was."""
    return min((scores.provenance["select"] for scores in members), key=tuple(_SELECTS).index)


def chosen_on(scores: Scores) -> str:
    """Return the side whose labels chose a network's epoch: none, val, test or unknown."""
    match scores.provenance["select"]:
        case "unknown":
            return "unknown"
        case "best":
            side = scores.provenance.get("run", {}).get("settings", {}).get("select_on", "test")
            return "none" if side == "train" else side
    return "none"


def chosen_on_of(sides: Iterable[str]) -> str:
    """Return what is said of all together: the side that says least about other clips."""
    return min(sides, key=_CHOSEN_ON.index)


def mark_of(members: Iterable[Scores]) -> str:
    """Return what captions add if an epoch is not known to be the last one, else nothing."""
    return mark_of_select(select_of(members))


def mark_of_select(select: str) -> str:
    """Return the same for one of the ways in which an epoch is chosen."""
    return _SELECTS[select]


class ScoreFacts(NamedTuple):
    """What a score file says besides scores.

    Attributes:
        provenance: see ``Scores``.
        count: how many clips there are.
        clips_digest: see ``Scores``.
        original: SHA-256 of the file that a compact one stands for, else nothing.
    """

    provenance: Mapping[str, Any]
    count: int
    clips_digest: str
    original: str


def load_score_facts(path: Path) -> ScoreFacts:
    """Read from a score file what was scored and how, without the scores.

    Raises:
        ContractError: missing, damaged or incomplete.
    """
    with reading(path, "a score file"), _opened(path) as file:
        clips, original = file["clips"], str(file[_ORIGINAL]) if _ORIGINAL in file else ""
        provenance = json.loads(str(file["provenance"]))
        check_origin(path, provenance)
        return ScoreFacts(provenance, len(clips), _clips_digest(clips, file["labels"]), original)


def digest_of_scores(path: Path) -> str:
    """Return the SHA-256 of a score file, of a compact one that of the file it stands for."""
    return load_score_facts(path).original or digest_of(path)


@contextmanager
def _opened(path: Path) -> Iterator[Mapping[str, np.ndarray]]:
    _refuse_compressed(path)
    with opening_npz(path) as file:
        if missing := [name for name in _ARRAYS if name not in file]:
            raise ContractError(f"{path}: lacks {', '.join(missing)}.")
        yield file


def _as_float32(file: Mapping[str, np.ndarray], name: str) -> np.ndarray:
    values = file[name].astype(np.float32)
    values[file["exact"]] = file[_EXACT + name]
    return values


def _clips_digest(clips: np.ndarray, labels: np.ndarray) -> str:
    order = np.argsort(clips)
    named = (clips[order].tolist(), labels[order].tolist())
    return hashlib.sha256(repr(named).encode()).hexdigest()


def _refuse_compressed(path: Path) -> None:
    """Score files are stored as they are; a compressed one may hide gigabytes in a few bytes."""
    with zipfile.ZipFile(path) as archive:
        for entry in archive.infolist():
            if entry.compress_type != zipfile.ZIP_STORED:
                raise ContractError(f"{path}: {entry.filename} is compressed, expected stored.")
