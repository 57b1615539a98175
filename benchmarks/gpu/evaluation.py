"""Scoring: clips per second of ``score_clips``, and seconds of a whole test set."""

import time

import numpy as np
import torch

from benchmarks.gpu.card import wait_for
from benchmarks.gpu.loop import NUM_CLASSES, WAYS, Size, engine_of
from benchmarks.gpu.report import Report
from benchmarks.measure import measure
from benchmarks.synthetic import ntu25
from protogcn.batches.clip_store import ClipStore
from protogcn.models import build_model
from protogcn.scores.scoring import ScoringCrops, score_clips

NUM_TEST_CLIPS = 16_487  # of NTU-60 X-Sub


def measure_evaluation(
    report: Report, way: str, size: Size, store: ClipStore, *, rounds: int
) -> float:
    """Return seconds to score one clip with all its crops; compiling comes extra."""
    engine = engine_of(WAYS[way], store.device)
    torch.manual_seed(0)
    model = build_model(size.network, ntu25(), num_classes=NUM_CLASSES, spatial=engine.spatial).to(
        store.device
    )
    logits_of = engine.logits_of(model)
    rows = np.arange(min(size.test_clips, len(store.table.ids)))

    def score() -> None:
        score_clips(
            logits_of,
            store,
            rows,
            ScoringCrops(size.frames, size.crops),
            row_multiple=engine.row_multiple,
        )
        wait_for(store.device)

    begin = time.perf_counter()
    score()
    report.add(f"first scoring, {way}", time.perf_counter() - begin, "s")
    seconds = measure(score, rounds=rounds).median / len(rows)
    report.add(f"scoring, {way}", size.crops / seconds, "crops/s")
    target = 40 if way.startswith("compiled") and store.device.type == "cuda" else None
    name = f"{NUM_TEST_CLIPS:,} clips x {size.crops} crops, {way}, projected"
    report.add(name, seconds * NUM_TEST_CLIPS, "s", at_most=target)
    return seconds
