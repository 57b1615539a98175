"""Stage 3: one modality of a dataset -> one trained network.

Source: paper Table 2 (SGD, cosine schedule, batch 64, rate 0.1, 150 epochs) and the released
settings. Shapes: N clips of a batch, M persons, T frames, V joints, C channels.
"""

import argparse
import json
import math
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import nn
from tqdm import tqdm

from protogcn.augment import Augmentation, apply_augmentation, draw_augmentation
from protogcn.checkpoint import save_checkpoint
from protogcn.clips import ClipStore
from protogcn.config import Run, load_run
from protogcn.contracts import save_table
from protogcn.device import autocast, pick_device
from protogcn.errors import NotFiniteError, run_stage
from protogcn.inference import predict
from protogcn.models import build_model
from protogcn.owner import Owner
from protogcn.provenance import commit, versions
from protogcn.resume import ResumeFile
from protogcn.sampling import draw_frames, training_frames

_ONLY_FOR_SCORING = ("crops",)


@dataclass
class Training:
    """A training between two epochs.

    Attributes:
        run: what is trained.
        store: its clips.
        model: the network.
        optimizer: SGD over its parameters.
        rows: training clips, rows of the clip table.
        epoch: epochs done.
        history: one row for each of them.
        best: with ``select: best`` the epoch, accuracy and weights so far best, else None.
    """

    run: Run
    store: ClipStore
    model: nn.Module
    optimizer: torch.optim.Optimizer
    rows: np.ndarray
    epoch: int = 0
    history: list[dict[str, float]] = field(default_factory=list)
    best: dict[str, Any] | None = None


def train(run: Run, store: ClipStore, folder: Path) -> Training:
    """Train one run, from its last whole epoch if there is one.

    Args:
        run: settings, network, split.
        store: the clips of its modality.
        folder: the run directory, for ``resume.pt`` and the owner token.

    Raises:
        ContractError: the split has no training clip, or a file cannot be read or written.
        NotFiniteError: a loss or a weight became infinite or not a number.
        SupersededError: another process took this run over.
    """
    owner, resume = Owner(folder), ResumeFile(folder)
    training = _start(run, store)
    facts = training_facts(run, store)
    if (state := resume.load(facts)) is not None:
        training.model.load_state_dict(state["model"])
        training.optimizer.load_state_dict(state["optimizer"])
        training.epoch, training.history = state["epoch"], state["history"]
        training.best = state["best"]
        print(f"{run.name}: goes on after epoch {training.epoch}.", file=sys.stderr)
    while training.epoch < run.settings["epochs"]:
        row = _train_epoch(training)
        if run.settings["select"] == "best":
            row["select_accuracy"] = _keep_best(training)
        training.epoch += 1
        training.history.append(row)
        _report(training)
        owner.check()
        resume.save(
            {
                "facts": facts,
                "epoch": training.epoch,
                "model": training.model.state_dict(),
                "optimizer": training.optimizer.state_dict(),
                "history": training.history,
                "best": training.best,
            }
        )
    owner.check()
    return training


def training_facts(run: Run, store: ClipStore) -> dict[str, Any]:
    """Return everything that makes two trainings the same, flat: settings and data digests."""
    settings = {k: v for k, v in run.settings.items() if k not in _ONLY_FOR_SCORING}
    return {
        **settings,
        **{f"model.{key}": value for key, value in run.network.items()},
        "split": run.split,
        "modality": run.modality,
        "classes": len(run.dataset.classes),
        "skeleton": json.dumps(run.dataset.skeleton.to_mapping(), sort_keys=True),
        "data digest": store.digest,
        "clips digest": store.table.digest,
    }


def learning_rate(base: float, step: int, num_steps: int) -> float:
    """Return the cosine schedule's rate at a step: ``base`` at 0, 0 at ``num_steps``."""
    return 0.5 * base * (1 + math.cos(math.pi * step / num_steps))


def _start(run: Run, store: ClipStore) -> Training:
    settings = run.settings
    torch.manual_seed(_seeds(settings["seed"])[0])
    model = build_model(
        run.network,
        num_joints=run.dataset.skeleton.num_joints,
        num_classes=len(run.dataset.classes),
    ).to(store.device)
    optimizer = torch.optim.SGD(
        model.parameters(),
        lr=settings["learning_rate"],
        momentum=settings["momentum"],
        weight_decay=settings["weight_decay"],
        nesterov=settings["momentum"] > 0,
        fused=store.device.type == "cuda",
    )
    return Training(run, store, model, optimizer, store.rows(run.split, "train"))


def _train_epoch(training: Training) -> dict[str, float]:
    """Train one epoch; return its row of the history."""
    run, store, model = training.run, training.store, training.model
    settings, epoch = run.settings, training.epoch
    model.train()
    order = np.random.default_rng(np.random.SeedSequence([settings["seed"], epoch])).permutation(
        training.rows
    )
    batches = np.split(order, range(settings["batch"], len(order), settings["batch"]))
    num_steps = len(batches) * settings["epochs"]
    sums: dict[str, torch.Tensor] = {}
    losses, correct = [], torch.zeros((), dtype=torch.int64, device=store.device)
    started = time.monotonic()
    for step, batch in enumerate(
        tqdm(batches, desc=f"epoch {epoch + 1}", unit="step", leave=False, disable=None)
    ):
        rate = learning_rate(settings["learning_rate"], epoch * len(batches) + step, num_steps)
        clips = torch.from_numpy(batch).to(store.frames.device)
        crops = _augmented_crops(training, clips, step)
        labels = store.labels[clips.to(store.device)]
        with autocast(store.device, settings["precision"]):
            loss = model.loss(crops, labels)
        training.optimizer.zero_grad(set_to_none=True)
        loss.total.backward()
        for group in training.optimizer.param_groups:
            group["lr"] = rate
        training.optimizer.step()
        # Sums stay on the device: reading them here would wait for the GPU at every step.
        losses.append(loss.total.detach())
        for name, part in loss.parts.items():
            sums[name] = sums.get(name, 0) + part.detach() * len(batch)
        correct += (loss.logits.argmax(dim=1) == labels).sum()
    values = torch.stack(losses).double().cpu().numpy()
    seconds = time.monotonic() - started
    _refuse_not_finite(training, values, batches)
    sizes = np.array([len(batch) for batch in batches])
    return {
        "epoch": epoch + 1,
        "learning_rate": rate,
        "loss": float(values @ sizes / len(order)),
        **{name: float(total) / len(order) for name, total in sums.items()},
        "accuracy": 100 * int(correct) / len(order),
        "clips_per_second": len(order) / seconds,
    }


def _augmented_crops(training: Training, clips: torch.Tensor, step: int) -> torch.Tensor:
    """Return (N, M, T, V, C), one changed crop of each clip; random by (seed, epoch, step)."""
    run, store = training.run, training.store
    settings, skeleton = run.settings, run.dataset.skeleton
    first, second = _seeds(settings["seed"], training.epoch, step)
    generator = torch.Generator(store.frames.device).manual_seed(first)
    torch.manual_seed(second)  # dropout inside the network has no generator of its own
    strength = Augmentation(settings["rotation"], settings["swap"], settings["limb_drop"])
    frames = training_frames(
        store.num_frames[clips], draw_frames(len(clips), settings["frames"], generator=generator)
    )
    draws = draw_augmentation(len(clips), strength, len(skeleton.limbs), generator=generator)
    return apply_augmentation(
        store.crops(clips, frames), draws.to(store.device), strength, skeleton
    )


def _seeds(*numbers: int) -> list[int]:
    return [int(seed) for seed in np.random.SeedSequence(numbers).generate_state(2, np.uint64) >> 1]


def _refuse_not_finite(training: Training, losses: np.ndarray, batches: list[np.ndarray]) -> None:
    where = f"{training.run.name}: epoch {training.epoch + 1}"
    if (bad := np.flatnonzero(~np.isfinite(losses))).size:
        step = int(bad[0])
        ids = ", ".join(training.store.table.ids[batches[step]])
        raise NotFiniteError(
            f"{where}, step {step + 1} of {len(batches)}: the loss is {losses[step]}, expected a"
            f" number. The clips of this step: {ids}. Lower train.learning_rate, or look at these"
            " clips; the epochs before are kept."
        )
    for name, value in training.model.state_dict().items():
        if value.is_floating_point() and not bool(torch.isfinite(value).all()):
            raise NotFiniteError(
                f"{where}: {name} is no longer finite. Lower train.learning_rate; the epochs"
                " before are kept."
            )


def _keep_best(training: Training) -> float:
    """Measure the accuracy on the side that ``select_on`` names; keep the weights if best."""
    run, store = training.run, training.store
    rows = store.rows(run.split, run.settings["select_on"])
    _, probabilities = predict(
        training.model,
        store,
        rows,
        length=run.settings["frames"],
        crops=1,
        precision=lambda: autocast(store.device, run.settings["precision"]),
    )
    accuracy = 100 * float((probabilities.argmax(axis=1) == store.table.labels[rows]).mean())
    if training.best is None or accuracy > training.best["accuracy"]:
        model = {name: value.clone() for name, value in training.model.state_dict().items()}
        training.best = {"epoch": training.epoch + 1, "accuracy": accuracy, "model": model}
    return accuracy


def _report(training: Training) -> None:
    row, total = training.history[-1], training.run.settings["epochs"]
    left = (total - training.epoch) * len(training.rows) / row["clips_per_second"]
    tqdm.write(
        f"epoch {training.epoch}/{total}  loss {row['loss']:.4f}  accuracy {row['accuracy']:.2f}"
        f"  rate {row['learning_rate']:.2g}  {row['clips_per_second']:.0f} clips/s"
        f"  left {time.strftime('%H:%M:%S', time.gmtime(left))}",
        file=sys.stderr,
    )


def _checkpoint(training: Training) -> Mapping[str, Any]:
    chosen = training.best if training.run.settings["select"] == "best" else None
    return {
        "model": chosen["model"] if chosen else training.model.state_dict(),
        "epoch": chosen["epoch"] if chosen else training.epoch,
        "run": training.run.to_mapping(),
        "facts": training_facts(training.run, training.store),
        "commit": commit(),
        "versions": versions(),
    }


def main() -> None:
    """Train one run, write its checkpoint and its history."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", type=Path, required=True, help="config.yaml of the run")
    parser.add_argument("--values", type=Path, required=True, help=".npy of its modality")
    parser.add_argument("--clips", type=Path, required=True)
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--history", type=Path, required=True)
    args = parser.parse_args()

    run = load_run(args.config)
    torch.set_num_threads(run.settings["cpu_threads"])
    device = pick_device(run.settings["device"])
    store = ClipStore.load(args.values, args.clips, device)
    training = train(run, store, args.checkpoint.parent)
    save_table(args.history, pd.DataFrame(training.history))
    save_checkpoint(args.checkpoint, dict(_checkpoint(training)))


if __name__ == "__main__":
    run_stage(main)
