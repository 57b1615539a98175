"""A training in memory, of any size and run in any way, for the benchmark to time.

Steps are those of ``protogcn.training.epoch``: the same batches, engine and sums.
"""

import gc
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.gpu.card import wait_for
from benchmarks.synthetic import ntu25
from protogcn.batches.augment import Augmentation
from protogcn.batches.batch import training_batch
from protogcn.batches.bodies import Bodies, body_rows
from protogcn.batches.clip_store import ClipStore
from protogcn.models import Loss, build_model
from protogcn.models.engine import Engine

STRENGTH = Augmentation(0.2, 0, 0)  # NTU-60 X-Sub, joints
NUM_CLASSES = 60
_SWITCHES = {
    "precision": "float32",
    "compile": False,
    "cuda_graphs": False,
    "tf32": True,
    "fused_optimizer": True,
    "topology_kernel": False,
}
_COMPILED = {"precision": "bfloat16", "compile": True}
WAYS: Mapping[str, Mapping[str, Any]] = {
    "eager float32": {"tf32": False},
    "eager TF32": {},
    "eager bf16": {"precision": "bfloat16"},
    "compiled bf16": _COMPILED,
    "compiled bf16, graphs": {**_COMPILED, "cuda_graphs": True},
    "compiled bf16, graphs, kernel": {**_COMPILED, "cuda_graphs": True, "topology_kernel": True},
}


@dataclass(frozen=True)
class Size:
    """How large the network and its batches are.

    Attributes:
        network: settings of the model.
        frames: of a crop.
        batch: clips of a step.
        crops: of a clip in evaluation.
        train_clips: clips in memory.
        test_clips: how many of them are scored.
    """

    network: Mapping[str, Any]
    frames: int
    batch: int
    crops: int
    train_clips: int
    test_clips: int


_NETWORK = {"network": "protogcn", "subsets": 8, "contrast_weight": 0.2}
FULL = Size(
    network={**_NETWORK, "width": 96, "blocks": 10, "downsample": (5, 8), "prototypes": 400},
    frames=100,
    batch=64,
    crops=10,
    train_clips=40_091,
    test_clips=1920,
)
NANO = Size(
    network={**_NETWORK, "width": 24, "blocks": 3, "downsample": (3,), "prototypes": 10},
    frames=12,
    batch=4,
    crops=2,
    train_clips=18,
    test_clips=6,
)


def engine_of(way: Mapping[str, Any], device: torch.device) -> Engine:
    """Return the engine of one way to run, process-wide switches set."""
    switches = {**_SWITCHES, **way}
    engine = Engine.of(switches, device, precision=switches["precision"])
    engine.start(threads=torch.get_num_threads())
    return engine


@dataclass
class Loop:
    """A training without an end: each call takes further steps."""

    engine: Engine
    model: nn.Module
    step: Callable[[Bodies, Tensor, float], Loss]
    store: ClipStore
    size: Size
    batches: list[np.ndarray]
    number: int = 0
    correct: Tensor = field(init=False)
    losses: Tensor = field(init=False)
    rate: float = 0.01

    def __post_init__(self):
        device = self.store.device
        self.correct = torch.zeros((), dtype=torch.int64, device=device)
        self.losses = torch.zeros(len(self.batches), device=device)

    def draw(self, number: int) -> tuple[Bodies, Tensor]:
        """Return one batch of the epoch."""
        return training_batch(
            self.store,
            self.batches[number],
            ntu25(),
            length=self.size.frames,
            strength=STRENGTH,
            generator=torch.Generator().manual_seed(number),
            multiple=self.engine.row_multiple,
        )

    def train(self, bodies: Bodies, labels: Tensor, number: int) -> None:
        """Take one step, with the sums that an epoch keeps of it."""
        torch.manual_seed(number)
        loss = self.step(bodies, labels, self.rate)
        self.losses[number] = loss.total.detach()
        self.correct += (loss.logits.argmax(dim=1) == labels).sum()

    def run(self, steps: int) -> None:
        """Take the next steps, the last small batch left out."""
        for _ in range(steps):
            number = self.number % (len(self.batches) - 1)
            self.train(*self.draw(number), number)
            self.number += 1

    def rows_of(self, number: int) -> int:
        """Return how many rows of bodies a batch has."""
        persons = self.store.table.persons[self.batches[number]]
        return body_rows(persons, 2, multiple=self.engine.row_multiple).num_rows


def make_loop(way: Mapping[str, Any], size: Size, store: ClipStore, *, seed: int = 0) -> Loop:
    """Start a training; equal arguments give equal ones."""
    engine = engine_of(way, store.device)
    torch.manual_seed(seed)
    model = build_model(size.network, ntu25(), num_classes=NUM_CLASSES, spatial=engine.spatial).to(
        store.device
    )
    optimizer = engine.optimizer(
        model.parameters(), learning_rate=0.01, momentum=0.9, weight_decay=5e-4
    )
    order = np.random.default_rng(seed).permutation(len(store.table.ids))
    batches = np.split(order, range(size.batch, len(order), size.batch))
    step = engine.training_step(model.train(), optimizer)
    return Loop(engine, model, step, store, size, batches)


def forget(device: torch.device) -> None:
    """Drop compiled code, its graphs and their memory, once nothing refers to a loop any more."""
    gc.collect()
    torch.compiler.reset()
    gc.collect()
    wait_for(device)
    if device.type == "cuda":
        torch.cuda.empty_cache()


def with_batch(size: Size, batch: int | None) -> Size:
    """Return the size with another batch."""
    return size if batch is None else replace(size, batch=batch)
