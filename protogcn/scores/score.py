"""Stage 4: a trained network -> its scores of every test clip, or of every clip held out."""

import argparse
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np

from protogcn.batches.clip_store import ClipStore
from protogcn.batches.device import pick_device
from protogcn.config.resolved import Run, add_run_files, load_run
from protogcn.errors import enough_memory
from protogcn.files.provenance import made_here
from protogcn.files.scores import Scores
from protogcn.jobs.bar import show_progress
from protogcn.jobs.claim import add_gpus, claimed_gpus
from protogcn.models.engine import Engine
from protogcn.models.trained import load_trained
from protogcn.scores.scoring import ScoringCrops, score_clips

_MADE_BY = ("commit", "versions", "hardware")  # the last one is not in older checkpoints


def score(run: Run, store: ClipStore, path: Path, side: str = "test") -> Scores:
    """Score a side of a run's split: the mean over its crops.

    Args:
        run: settings, network, split.
        store: the clips of its modality.
        path: the checkpoint that the train stage wrote for the same run, or an import.
        side: test or val.

    Raises:
        ContractError: the checkpoint is missing, damaged, or of another training.
    """
    engine = Engine.of(run.engine, store.device, precision=run.settings["precision"])
    model, checkpoint = load_trained(path, run, store, engine.spatial)
    imported = checkpoint.get("imported")
    rows = store.rows(run.split, side)
    subjects = store.table.groups.get("subject")
    logits, probabilities = score_clips(
        engine.logits_of(model),
        store,
        rows,
        ScoringCrops.of(run),
        row_multiple=engine.row_multiple,
        watch=partial(show_progress, total=len(rows), what="clips", size=len),
    )
    return Scores(
        clips=store.table.ids[rows],
        labels=store.table.labels[rows],
        classes=np.array(run.dataset.classes),
        logits=logits,
        probabilities=probabilities,
        subjects=None if subjects is None else subjects[rows],
        provenance={
            "run": run.to_mapping(),
            "select": _select(run, checkpoint.get("measured", ())),
            "epoch": checkpoint["epoch"],
            "data digest": store.digest,
            **({} if side == "test" else {"side": side}),
            "imported by" if imported else "trained by": {
                key: checkpoint[key] for key in _MADE_BY if key in checkpoint
            },
            "scored by": made_here(),
            **({} if store.copies is None else {"copies": dict(store.copies)}),
            **{key: checkpoint[key] for key in ("imported", "start") if key in checkpoint},
        },
    )


def _select(run: Run, measured: Sequence[str]) -> str:
    """Return how the epoch was chosen, and whether anybody could see test accuracies before."""
    select = run.settings["select"]
    return "watched" if select == "last" and "test" in measured else select


def main() -> None:
    """Score one run, write its score file."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_run_files(parser)
    parser.add_argument("--scores", type=Path, required=True)
    parser.add_argument("--side", choices=("test", "val"), default="test", help="of the split")
    add_gpus(parser)
    args = parser.parse_args()

    run = load_run(args.config)
    remedy = (
        "end what else runs on this machine or GPU, start it where there is more (mem_mb), or set"
        " engine: device: cpu"
    )
    with claimed_gpus(args.gpus, share=args.share), enough_memory(run.name, remedy):
        device = pick_device(run.engine["device"])
        engine = Engine.of(run.engine, device, precision=run.settings["precision"])
        engine.start(run.settings["cpu_threads"])
        store = ClipStore.load(args.values, args.clips, run, device)
        score(run, store, args.checkpoint, args.side).save(args.scores)
