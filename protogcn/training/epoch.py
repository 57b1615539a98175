"""One pass over the training clips of a run.

Order, crops, augmentation and dropout are a function of (seed, epoch, step), so that nothing random
has to be saved.
"""

import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from enum import IntEnum
from functools import partial
from itertools import chain
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from tqdm import tqdm

from protogcn.batches.augment import Augmentation
from protogcn.batches.batch import training_batch
from protogcn.batches.bodies import Bodies
from protogcn.batches.clip_store import ClipStore
from protogcn.batches.device import to_device
from protogcn.batches.parallel import is_first, summed
from protogcn.batches.prefetch import prefetched
from protogcn.config.resolved import Run
from protogcn.errors import NotFiniteError
from protogcn.models import Loss
from protogcn.models.engine import Engine
from protogcn.training.schedule import rate_of_step
from protogcn.training.start_from import Start

_TOO_LARGE = 1e9  # in a clip: its square and the square's sums are hardly float32
_UNUSUAL = 100  # times the median of the largest values of a step's clips


class SeedOf(IntEnum):
    """What random numbers are for; two purposes never share a seed."""

    WEIGHTS = 1
    ORDER = 2
    STEP = 3


@dataclass
class Training:
    """A training between two epochs.

    Attributes:
        run: what is trained.
        store: its clips.
        engine: how it is run.
        model: the network.
        step: one step of the training as the engine runs it.
        evaluation: returns the network's bodies -> logits, with the weights of the moment.
        optimizer: SGD over its parameters.
        rows: training clips, rows of the clip table.
        fingerprint: what makes two trainings the same.
        epoch: epochs done.
        history: one row for each of them.
        start: the weights that it began with, None if they were drawn.
        add_ons: further losses, of some methods.
        best: with ``select: best`` the epoch, accuracy and weights so far best, else None.
        on_step: called after each step with how many are done, of how many.
    """

    run: Run
    store: ClipStore
    engine: Engine
    model: nn.Module
    step: Callable[[Bodies, Tensor, float], Loss]
    evaluation: Callable[[], Callable[[Bodies], Tensor]]
    optimizer: torch.optim.Optimizer
    rows: np.ndarray
    fingerprint: Mapping[str, Any]
    start: Start | None = None
    add_ons: nn.ModuleList = field(default_factory=nn.ModuleList)
    epoch: int = 0
    history: list[dict[str, float]] = field(default_factory=list)
    best: dict[str, Any] | None = None
    on_step: Callable[[int, int], None] = lambda done, total: None


def train_epoch(training: Training) -> dict[str, float]:
    """Train one epoch; return its row of the history.

    Raises:
        NotFiniteError: a loss or a weight became infinite or not a number.
    """
    run, store, model = training.run, training.store, training.model
    settings, epoch, device = run.settings, training.epoch, store.device
    model.train()
    training.add_ons.train()
    for part in training.start.frozen if training.start else ():
        part.eval()  # statistics of frozen norms stay, too
    of_order = np.random.SeedSequence([SeedOf.ORDER, settings["seed"], epoch])
    order = np.random.default_rng(of_order).permutation(training.rows)
    if run.option("drop_last"):
        order = order[: len(order) - len(order) % settings["batch"]]
    batches = np.split(order, range(settings["batch"], len(order), settings["batch"]))
    sums: dict[str, torch.Tensor] = {}
    losses = torch.zeros(len(batches), device=device)
    correct = torch.zeros((), dtype=torch.int64, device=device)
    started = time.monotonic()
    inputs = prefetched(
        partial(_draw_batch, training), enumerate(batches), device, ahead=store.ahead
    )
    with closing(inputs):
        bar = tqdm(
            batches,
            desc=f"epoch {epoch + 1}",
            unit="step",
            leave=False,
            disable=None if is_first() else True,
        )
        for step, (batch, (bodies, labels)) in enumerate(zip(bar, inputs, strict=True)):
            rate = rate_of_step(run, epoch, step, len(batches))
            # Dropout inside the network has no separate generator.
            torch.manual_seed(_seeds_of_step(training, step)[1])
            loss = training.step(bodies, labels, rate)
            # Sums stay on the device: reading them here would wait for the GPU at every step.
            losses[step] = loss.total.detach()
            for name, part in loss.parts.items():
                sums[name] = sums.get(name, 0) + part.detach() * len(batch)
            correct += (loss.logits.argmax(dim=1) == labels).sum()
            training.on_step(step + 1, len(batches))
    losses, correct = summed(losses), summed(correct)
    sums = {name: summed(total) for name, total in sums.items()}
    values = losses.double().cpu().numpy()
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
        "seconds": seconds,
    }


def _draw_batch(
    training: Training, step_and_clips: tuple[int, np.ndarray]
) -> tuple[Bodies, torch.Tensor]:
    """Return one changed crop of each clip, and the labels; random by (seed, epoch, step)."""
    step, clips = step_and_clips
    run, settings = training.run, training.run.settings
    bodies, labels = training_batch(
        training.store,
        clips,
        run.dataset.skeleton,
        length=settings["frames"],
        strength=Augmentation(
            settings["rotation"],
            settings["swap"],
            settings["limb_drop"],
            mirror=settings["mirror"],
            sampled_difference=run.differences_crops,
            swap_mirrors=settings["swap_style"] == "clean",
        ),
        generator=torch.Generator().manual_seed(_seeds_of_step(training, step)[0]),
        resized=run.option("sampling") == "resized",
        bone_lengths=run.option("bone_lengths"),
        multiple=training.engine.row_multiple,
    )
    if len(training.add_ons):  # they know the clips
        part = slice(bodies.part.first, bodies.part.stop) if bodies.part else slice(None)
        numbers = torch.from_numpy(np.searchsorted(training.rows, clips[part]))
        bodies = bodies._replace(numbers=to_device(numbers, training.store.device))
    return bodies, labels


def _seeds_of_step(training: Training, step: int) -> list[int]:
    """Return the seed of the crops and the seed of dropout."""
    return seeds(SeedOf.STEP, training.run.settings["seed"], training.epoch, step)


def seeds(purpose: SeedOf, *numbers: int) -> list[int]:
    """Return two seeds for torch, other ones for every other purpose and numbers."""
    return [
        int(seed)
        for seed in np.random.SeedSequence([purpose, *numbers]).generate_state(2, np.uint64) >> 1
    ]


def _refuse_not_finite(training: Training, losses: np.ndarray, batches: list[np.ndarray]) -> None:
    where = f"{training.run.name}: epoch {training.epoch + 1}"
    if (bad := np.flatnonzero(~np.isfinite(losses))).size:
        step = int(bad[0])
        ids = ", ".join(training.store.table.ids[batches[step]])
        advice = f"The clips of this step: {ids}. Lower train.learning_rate, or look at them"
        raise NotFiniteError(
            f"{where}, step {step + 1} of {len(batches)}: the loss is {losses[step]}, expected a"
            f" number. {_cause(training.store, batches[step]) or advice}; the epochs before are"
            " kept."
        )
    states = (training.model.state_dict(), training.add_ons.state_dict())
    for name, value in chain.from_iterable(state.items() for state in states):
        if value.is_floating_point() and not bool(torch.isfinite(value).all()):
            advice = _cause(training.store, training.rows) or "Lower train.learning_rate"
            raise NotFiniteError(
                f"{where}: {name} is no longer finite. {advice}; the epochs before are kept."
            )


def _cause(store: ClipStore, rows: np.ndarray) -> str | None:
    """Say which clip is more likely the cause of infinite numbers than the learning rate is."""
    table = store.table
    places = zip(table.first_frames[rows], table.num_frames[rows], strict=True)
    clips = [store.frames[int(first) : int(first + count)] for first, count in places]
    largest = np.array([float(clip.abs().max()) for clip in clips])  # NaN is the largest of all
    worst = int(largest.argmax())
    found = f"Clip {table.ids[rows[worst]]} has values up to {largest[worst]:g}"
    if not largest[worst] < _TOO_LARGE:
        return f"{found}, which no learning rate makes up for: correct it, or leave it out"
    if largest[worst] > _UNUSUAL * (usual := np.median(largest)):
        return f"{found}, most others up to {usual:.3g}: look at it, or lower train.learning_rate"
    return None
