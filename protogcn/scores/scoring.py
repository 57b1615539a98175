"""A run's network scored as the run's settings say.

The score stage and ``protogcn.predict.predict`` score alike because both call this.
"""

from collections.abc import Callable, Iterable, Sequence

import numpy as np
from torch import nn

from protogcn.batches.clip_store import ClipStore
from protogcn.config.resolved import Run
from protogcn.models.engine import Engine
from protogcn.scores.inference import score_clips


def score_run(
    run: Run,
    model: nn.Module,
    engine: Engine,
    store: ClipStore,
    rows: np.ndarray,
    *,
    watch: Callable[[Sequence[np.ndarray]], Iterable[np.ndarray]] = iter,
) -> tuple[np.ndarray, np.ndarray]:
    """Score clips with the network of a run as its settings say.

    Returns:
        The mean logits and the mean over crops of the softmax, both (N, K) float32; see
        ``score_clips``.
    """
    return score_clips(
        engine.logits_of(engine.prepare(model)),
        store,
        rows,
        length=run.settings["frames"],
        crops=run.settings["crops"],
        sampled_difference=run.samples_first,
        across_crops=run.settings["crop_borders"] == "released",
        spread=run.settings["short_clips"] == "spread",
        row_multiple=engine.row_multiple,
        watch=watch,
    )
