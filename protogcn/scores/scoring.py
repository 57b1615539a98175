"""A trained network and clips -> their scores: the mean over the test crops of each clip.

Shapes: N clips, T frames of a crop, K classes.
"""

from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from protogcn.batches.batch import scoring_batch
from protogcn.batches.bodies import Bodies
from protogcn.batches.clip_store import ClipStore
from protogcn.batches.prefetch import prefetched
from protogcn.batches.resizing import scoring_places
from protogcn.batches.sampling import scoring_frames

if TYPE_CHECKING:  # scoring needs nothing that reading a config does
    from protogcn.config.resolved import Run

_CROPS_AT_ONCE = {"cpu": 160, "cuda": 640}
_frames_of = lru_cache(maxsize=1024)(scoring_frames)  # many clips have equally many frames
_places_of = lru_cache(maxsize=1024)(scoring_places)


@dataclass(frozen=True)
class ScoringCrops:
    """How the test crops of clips are cut.

    Attributes:
        length: T.
        crops: of each clip.
        sampled_difference: see ``scoring_batch``.
        across_crops: see ``scoring_batch``.
        spread: see ``scoring_frames``.
        resized: the one crop is the middle of a clip, resized.
        at_once: how many are scored together where that changes the scores; None: any number.
    """

    length: int
    crops: int
    sampled_difference: bool = False
    across_crops: bool = True
    spread: bool = False
    resized: bool = False
    at_once: int | None = None

    @classmethod
    def of(cls, run: "Run") -> "ScoringCrops":
        """Return those that a run's settings ask for."""
        resized = run.option("sampling") == "resized"
        return cls(
            length=run.settings["frames"],
            crops=1 if resized else run.settings["crops"],  # predict asks all members for as many
            sampled_difference=run.differences_crops,
            across_crops=run.settings["crop_borders"] == "released",
            spread=run.settings["short_clips"] == "spread",
            resized=resized,
            at_once=run.settings["batch"] if run.network.get("encoding") == "released" else None,
        )

    def cut(self, store: ClipStore, rows: np.ndarray, *, row_multiple: int = 1) -> Bodies:
        """Return the bodies of the N * crops crops of clips; ``rows`` are those of the table."""
        totals = store.table.num_frames[rows].tolist()
        frames = [
            _places_of(total, self.length)
            if self.resized
            else _frames_of(total, self.length, self.crops, spread=self.spread)
            for total in totals
        ]
        return scoring_batch(
            store,
            rows,
            np.stack(frames),  # (N, crops, T)
            sampled_difference=self.sampled_difference,
            across_crops=self.across_crops,
            multiple=row_multiple,
        )


@torch.inference_mode()
def score_clips(
    logits_of: Callable[[Bodies], Tensor],
    store: ClipStore,
    rows: np.ndarray,
    crops: ScoringCrops,
    *,
    row_multiple: int = 1,
    watch: Callable[[Sequence[np.ndarray]], Iterable[np.ndarray]] = iter,
) -> tuple[np.ndarray, np.ndarray]:
    """Score clips with a network in evaluation mode.

    Args:
        logits_of: the network, bodies -> logits (N, K); see ``Engine.logits_of``.
        store: the clips.
        rows: which of them, rows of the clip table.
        crops: what is scored of each clip.
        row_multiple: what the number of bodies is filled up to a multiple of.
        watch: yields the batches of rows that it is given, to report how many are done.

    Returns:
        The mean logits and the mean over crops of the softmax, both (N, K) float32.
    """
    at_once = crops.at_once or _CROPS_AT_ONCE[store.device.type]
    size = max(1, at_once // crops.crops)
    batches = [rows[start : start + size] for start in range(0, len(rows), size)]

    def gather(batch: np.ndarray) -> Bodies:
        return crops.cut(store, batch, row_multiple=row_multiple)

    logits, probabilities = [], []
    with closing(prefetched(gather, batches, store.device, ahead=store.ahead)) as inputs:
        for batch, bodies in zip(watch(batches), inputs, strict=True):
            scores = logits_of(bodies).view(len(batch), crops.crops, -1)  # (N, crops, K)
            logits.append(scores.mean(dim=1))
            probabilities.append(scores.softmax(dim=-1).mean(dim=1))
    # Only now: reading them batch by batch would wait for the GPU every time.
    return torch.cat(logits).cpu().numpy(), torch.cat(probabilities).cpu().numpy()
