"""A network's scores of whole clips: the mean over their test crops.

Shapes: N clips, K classes.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from functools import cache

import numpy as np
import torch
from torch import Tensor

from protogcn.batches.batch import scoring_batch
from protogcn.batches.bodies import Bodies
from protogcn.batches.clip_store import ClipStore
from protogcn.batches.prefetch import prefetched
from protogcn.batches.sampling import scoring_frames

_CROPS_AT_ONCE = {"cpu": 160, "cuda": 640}


@torch.inference_mode()
def score_clips(
    logits_of: Callable[[Bodies], Tensor],
    store: ClipStore,
    rows: np.ndarray,
    *,
    length: int,
    crops: int,
    sampled_difference: bool = False,
    across_crops: bool = True,
    spread: bool = False,
    row_multiple: int = 1,
    watch: Callable[[Sequence[np.ndarray]], Iterable[np.ndarray]] = iter,
) -> tuple[np.ndarray, np.ndarray]:
    """Score clips with a network in evaluation mode.

    Args:
        logits_of: a network in evaluation mode, bodies -> logits (N, K).
        store: the clips.
        rows: which of them, rows of the clip table.
        length: frames of a crop.
        crops: crops of each clip.
        sampled_difference: see ``scoring_batch``.
        across_crops: see ``scoring_batch``.
        spread: see ``scoring_frames``.
        row_multiple: what the number of bodies is filled up to a multiple of.
        watch: yields the batches of rows that it is given, to tell how far they are.

    Returns:
        The mean logits and the mean over crops of the softmax, both (N, K) float32.
    """
    frames_of = cache(lambda total: scoring_frames(total, length, crops, spread=spread))
    logits, probabilities = [], []
    batches = list(_batches(rows, max(1, _CROPS_AT_ONCE[store.device.type] // crops)))

    def gather(batch: np.ndarray) -> Bodies:
        frames = np.stack([frames_of(int(total)) for total in store.table.num_frames[batch]])
        return scoring_batch(
            store,
            batch,
            frames,
            sampled_difference=sampled_difference,
            across_crops=across_crops,
            multiple=row_multiple,
        )

    with closing(prefetched(gather, batches, store.device, ahead=store.ahead)) as inputs:
        for batch, bodies in zip(watch(batches), inputs, strict=True):
            scores = logits_of(bodies).view(len(batch), crops, -1)  # (N, crops, K)
            logits.append(scores.mean(dim=1))
            probabilities.append(scores.softmax(dim=-1).mean(dim=1))
    # Only now: reading them batch by batch would wait for the GPU every time.
    return torch.cat(logits).cpu().numpy(), torch.cat(probabilities).cpu().numpy()


def _batches(rows: np.ndarray, size: int) -> Iterator[np.ndarray]:
    for start in range(0, len(rows), size):
        yield rows[start : start + size]
