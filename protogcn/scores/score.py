"""Stage 4: a trained network -> its scores of every test clip."""

import argparse
from functools import partial
from pathlib import Path

import numpy as np

from protogcn.batches.clip_store import ClipStore
from protogcn.batches.device import pick_device
from protogcn.config.resolved import Run, load_run
from protogcn.errors import ContractError
from protogcn.files.provenance import commit, versions
from protogcn.files.scores import Scores
from protogcn.jobs.bar import show_progress
from protogcn.jobs.claim import claimed_gpus
from protogcn.models import build_model
from protogcn.models.checkpoint import load_checkpoint
from protogcn.models.engine import Engine
from protogcn.models.trained import differing, network_facts, training_facts
from protogcn.scores.scoring import score_run

_ENTRIES = {"model": dict, "epoch": int, "facts": dict, "commit": str, "versions": dict}


def score(run: Run, store: ClipStore, checkpoint: dict) -> Scores:
    """Score the test side of a run's split: the mean over its crops.

    Args:
        run: settings, network, split.
        store: the clips of its modality.
        checkpoint: what the train stage wrote for the same run, or an import.

    Raises:
        ContractError: the checkpoint is of another training.
    """
    model = build_model(
        run.network,
        run.dataset.skeleton,
        num_classes=len(run.dataset.classes),
        num_persons=run.dataset.persons,
    )
    shapes = [(name, value.shape) for name, value in model.state_dict().items()]
    imported = checkpoint.get("imported")
    facts = network_facts(run, shapes) if imported else training_facts(run, store, shapes)
    if others := differing(checkpoint["facts"], facts):
        raise ContractError(
            f"{run.name}: the checkpoint is of a training with other {', '.join(others)};"
            f" {'import' if imported else 'train'} again."
        )
    model.load_state_dict(checkpoint["model"])
    rows = store.rows(run.split, "test")
    logits, probabilities = score_run(
        run,
        model,
        Engine.of(run.settings, store.device),
        store,
        rows,
        watch=partial(show_progress, total=len(rows), what="clips", size=len),
    )
    return Scores(
        clips=store.table.ids[rows],
        labels=store.table.labels[rows],
        classes=np.array(run.dataset.classes),
        logits=logits,
        probabilities=probabilities,
        provenance={
            "run": run.to_mapping(),
            "select": run.settings["select"],
            "epoch": checkpoint["epoch"],
            "data digest": store.digest,
            "imported by" if imported else "trained by": {
                "commit": checkpoint["commit"],
                "versions": checkpoint["versions"],
            },
            "scored by": {"commit": commit(), "versions": versions()},
            **({"imported": imported} if imported else {}),
        },
    )


def main() -> None:
    """Score one run, write its score file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", type=Path, required=True, help="config.yaml of the run")
    parser.add_argument("--values", type=Path, required=True, help=".npy of its modality")
    parser.add_argument("--clips", type=Path, required=True)
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--scores", type=Path, required=True)
    parser.add_argument(
        "--gpus",
        type=int,
        default=0,
        help="claim so many of this workstation's GPUs (default: use what is visible)",
    )
    args = parser.parse_args()

    run = load_run(args.config)
    with claimed_gpus(args.gpus, share=run.settings["trainings_per_gpu"]):
        device = pick_device(run.settings["device"])
        Engine.of(run.settings, device).start(run.settings["cpu_threads"])
        store = ClipStore.load(args.values, args.clips, run, device)
        score(run, store, load_checkpoint(args.checkpoint, _ENTRIES)).save(args.scores)
