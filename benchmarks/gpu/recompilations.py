"""How often torch compiles a network over an epoch whose batches differ in clips and in bodies.

``python -m benchmarks.gpu.recompilations`` takes batches of all kinds of sizes through the training
step and the evaluation of the engine. Operations decide what a size may be, not widths: the network
is narrow and short, with a block that halves time. It is captured and differentiated as for a GPU;
its operations then run as they are, none is written as a kernel.
"""

import argparse
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from unittest import mock

import numpy as np
import torch

from benchmarks.gpu.traffic import NETWORKS, NUM_CLASSES, settings_of
from benchmarks.synthetic import ntu25
from protogcn.batches.bodies import Bodies, pack_bodies
from protogcn.models import build_model
from protogcn.models.engine import Engine

# Clips, and how many of them have two persons: 48, 64 and 80 rows of bodies, as many as clips have
# slots, a last batch whose rows are no multiple of anything, and a single clip.
BATCHES = ((40, 4), (40, 12), (40, 30), (40, 40), (24, 0), (3, 1), (1, 0))
_FRAMES = 8
_SWITCHES = {
    "compile": True,
    "cuda_graphs": False,
    "tf32": False,
    "fused_optimizer": False,
    "topology_kernel": False,
}


@dataclass(frozen=True)
class Captures:
    """What torch captured over batches: one graph, unless something was compiled again."""

    batches: int
    numbers_of_rows: int
    graphs: int
    breaks: int

    def __str__(self) -> str:
        return (
            f"{self.batches} batches with {self.numbers_of_rows} numbers of rows: compiled again"
            f" {self.graphs - 1} times, {self.breaks} graph breaks"
        )


def narrow(network: str) -> dict[str, Any]:
    """Return settings of the same kind of network that take seconds."""
    settings = {**settings_of(network, None), "width": 48, "blocks": 2, "downsample": [2]}
    return {**settings, "prototypes": 10} if "prototypes" in settings else settings


def count(
    settings: Mapping[str, Any], batches: Sequence[tuple[int, int]] = BATCHES
) -> dict[str, Captures]:
    """Return what is captured over an epoch of such batches, and over an evaluation."""
    torch.manual_seed(0)
    engine = Engine.of(_SWITCHES, torch.device("cpu"), precision="bfloat16")
    model = build_model(settings, ntu25(), num_classes=NUM_CLASSES).train()
    bodies = [_bodies(*batch, engine, settings["network"]) for batch in batches]
    optimizer = engine.optimizer(
        model.parameters(), learning_rate=0.01, momentum=0.9, weight_decay=0.0
    )
    with _operations_as_they_are():
        step = engine.training_step(model, optimizer)
        epoch = _captures(lambda each: step(each, _labels(each), 0.01), bodies)
        with torch.no_grad():
            evaluation = _captures(engine.logits_of(model), bodies)
    return {"an epoch": epoch, "an evaluation": evaluation}


@contextmanager
def _operations_as_they_are() -> Iterator[None]:
    compile_as = torch.compile

    def captured(function: Callable, *, fullgraph: bool, options: Mapping[str, Any]) -> Callable:
        return compile_as(function, fullgraph=fullgraph, backend="aot_eager")

    with mock.patch.object(torch, "compile", captured):
        yield


def _captures(call: Callable[[Bodies], Any], batches: Sequence[Bodies]) -> Captures:
    from torch._dynamo.utils import counters  # takes a second

    torch.compiler.reset()
    counters.clear()
    for batch in batches:
        call(batch)
    return Captures(
        batches=len(batches),
        numbers_of_rows=len({len(batch.persons) for batch in batches}),
        graphs=counters["stats"]["unique_graphs"],
        breaks=sum(counters["graph_break"].values()),
    )


def _bodies(clips: int, pairs: int, engine: Engine, network: str) -> Bodies:
    values = torch.randn(clips, 2, _FRAMES, 25, 3)
    persons = 1 + (np.arange(clips) < pairs)
    bodies = pack_bodies(values, persons, multiple=engine.row_multiple)
    return bodies._replace(positions=bodies.values.clone()) if network == "blockgcn" else bodies


def _labels(bodies: Bodies) -> torch.Tensor:
    return torch.arange(len(bodies.person_weights)) % NUM_CLASSES


def main() -> None:
    """Print a line for each network and what is compiled of it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("networks", nargs="*", default=NETWORKS, help=", ".join(NETWORKS))
    for network in parser.parse_args().networks:
        for what, captures in count(narrow(network)).items():
            print(f"{network}, {what} of {captures}", flush=True)


if __name__ == "__main__":
    main()
