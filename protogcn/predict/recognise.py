"""Recordings and a trained ensemble -> the probability of each class, as the pipeline computes it.

Shapes: N clips, M persons, T frames, V joints, C channels, K classes.
"""

from collections.abc import Sequence
from functools import partial

import numpy as np
import torch

from protogcn.batches.clip_store import ClipStore
from protogcn.config.resolved import Run
from protogcn.data.bones import compute_modality
from protogcn.data.preparation import prepare_clip
from protogcn.files.clip_table import ClipTable
from protogcn.files.scores import Scores
from protogcn.jobs.bar import show_progress
from protogcn.models.engine import Engine
from protogcn.predict.ensemble import TrainedEnsemble
from protogcn.scores.calibration import tempered
from protogcn.scores.fusion import as_probabilities, fuse
from protogcn.scores.scoring import ScoringCrops, score_clips

_QUICK = 64  # clips; that many are scored before a progress bar could be read


def recognise(
    ensemble: TrainedEnsemble, recordings: Sequence[np.ndarray], *, device: torch.device
) -> list[np.ndarray | None]:
    """Return the probabilities (K,) of each recording's classes, None for one without a person.

    Each recording goes the way of a test clip: preparation, modality, test crops, mean, fusion.

    Args:
        ensemble: networks and weights.
        recordings: raw positions (M', T', V, C), any number of persons and frames.
        device: where the networks run.
    """
    runs = [member.run for member in ensemble.members]
    prepared = {name: _prepare(recordings, name, runs[0]) for name in _preparations(runs)}
    occupied = [i for i, clip in enumerate(next(iter(prepared.values()))) if clip is not None]
    result: list[np.ndarray | None] = [None] * len(recordings)
    if not occupied:
        return result
    members, weights = {}, {}
    for number, member in enumerate(ensemble.members):
        clips = [prepared[member.run.settings["preparation"]][i] for i in occupied]
        store = _store(clips, member.run, device)
        # Compiling pays for a test set, not for a few clips; it changes rounding only.
        switches = {**member.run.engine, "compile": False}
        engine = Engine.of(switches, device, precision=member.run.settings["precision"])
        rows = np.arange(len(occupied))
        watch = partial(show_progress, total=len(rows), what="clips", size=len)
        scores = score_clips(
            engine.logits_of(member.model),
            store,
            rows,
            ScoringCrops.of(member.run),
            row_multiple=engine.row_multiple,
            watch=watch if len(rows) > _QUICK else iter,
        )
        name = f"{number} {member.run.name}"
        found = _as_scores(store, member.run, *scores)
        members[name], weights[name] = tempered(found, member.temperature), member.weight
    fused = fuse(members, weights, ensemble.space)  # (N, K)
    rows = as_probabilities(fused, weights, ensemble.space, ensemble.temperature)
    for i, row in zip(occupied, rows, strict=True):
        result[i] = row
    return result


def _preparations(runs: Sequence[Run]) -> list[str]:
    return list(dict.fromkeys(run.settings["preparation"] for run in runs))


def _prepare(
    recordings: Sequence[np.ndarray], preparation: str, run: Run
) -> list[tuple[np.ndarray, int] | None]:
    skeleton, slots = run.dataset.skeleton, run.dataset.persons
    return [
        prepare_clip(keypoints, preparation, skeleton, slots) if keypoints.size else None
        for keypoints in recordings
    ]


def _store(clips: Sequence[tuple[np.ndarray, int]], run: Run, device: torch.device) -> ClipStore:
    """Lay prepared clips end to end, in the modality that the run reads."""
    joints = np.concatenate([frames for frames, _ in clips])  # (F, M, V, C)
    num_frames = np.array([len(frames) for frames, _ in clips])
    ends = num_frames.cumsum()
    values = compute_modality(joints, run.stored_modality, run.dataset.skeleton, ends - 1)
    table = ClipTable(
        ids=np.array([str(number) for number in range(len(clips))], dtype=object),
        labels=np.zeros(len(clips), np.int64),
        first_frames=ends - num_frames,
        num_frames=num_frames,
        persons=np.array([persons for _, persons in clips]),
        sides={},
        digest="",
    )
    return ClipStore(torch.from_numpy(values).to(device), table, "", device).read_by(run)


def _as_scores(store: ClipStore, run: Run, logits: np.ndarray, probabilities: np.ndarray) -> Scores:
    """Return what fusion joins; the labels are unknown and not used."""
    return Scores(
        clips=store.table.ids,
        labels=store.table.labels,
        classes=np.array(run.dataset.classes),
        logits=logits,
        probabilities=probabilities,
        provenance={"select": run.settings["select"]},
    )
