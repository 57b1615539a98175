"""All networks side by side on one CPU thread: size, training step, scoring, memory.

Each at its published size, 25 joints, 100 frames, 60 classes; one clip in five has two persons.
A step is that of the network: the further losses of three of them are not in it.
"""

import argparse
import subprocess
import sys
from pathlib import Path

import torch
from torch import Tensor, nn

from benchmarks.measure import Row, measure, print_rows, rate
from benchmarks.network import (
    NUM_CLASSES,
    SETTINGS,
    make_batch,
    status_of_memory,
    step_of,
)
from benchmarks.synthetic import ntu25
from protogcn.batches.bodies import Bodies, all_bodies
from protogcn.config.settings import NETWORKS
from protogcn.config.strict_yaml import read_yaml
from protogcn.models import build_model
from protogcn.models.engine import Engine

CONFIG = Path(__file__).parents[1] / "config/config.yaml"
ONE_IN = 5


def make_network(name: str) -> nn.Module:
    """Return a network of the repository's config."""
    torch.manual_seed(0)
    settings = read_yaml(CONFIG)["models"][name]
    return build_model(settings, ntu25(), num_classes=NUM_CLASSES)


def bodies_of(name: str, num_clips: int) -> tuple[Bodies, Tensor]:
    """Return the bodies that a network computes of a batch, and labels (N,)."""
    clips, bodies, labels = make_batch(num_clips, ONE_IN)
    if name == "blockgcn":  # a row for each slot, and the positions of the joints
        bodies = all_bodies(clips)._replace(positions=clips.flatten(0, 1))
    return bodies, labels


def rows(name: str, *, num_clips: int, num_crops: int, rounds: int) -> list[Row]:
    """Measure one network; arguments as in ``benchmarks.network.rows``."""
    engine = Engine.of(SETTINGS, torch.device("cpu"), precision="float32")
    model = make_network(name)
    size = sum(parameter.numel() for parameter in model.parameters())
    bodies, labels = bodies_of(name, num_clips)
    step = measure(step_of(model, bodies, labels), rounds=rounds)
    crops, _ = bodies_of(name, num_crops)
    logits_of = engine.logits_of(model)
    with torch.inference_mode():
        scoring = measure(lambda: logits_of(crops), rounds=rounds)
    return [
        Row(f"{name}: parameters", size, size, size, ""),
        rate(f"{name}: training step", step, num_clips, "clips/s"),
        rate(f"{name}: scoring", scoring, num_crops, "crops/s"),
        _memory_row(name, num_clips),
    ]


def _memory_row(name: str, num_clips: int) -> Row:
    """Measure what a training step adds to a process, at its peak, in a separate process."""
    command = [sys.executable, "-m", "benchmarks.networks", "--peak", name]
    command += ["--clips", str(num_clips)]
    answer = subprocess.run(
        command, check=True, capture_output=True, text=True, cwd=Path(__file__).parents[1]
    )
    peak = float(answer.stdout) / num_clips
    return Row(f"{name}: memory of a training step", peak, peak, peak, "MB/clip")


def _print_peak(name: str, num_clips: int) -> None:
    model = make_network(name)
    bodies, labels = bodies_of(name, num_clips)
    step = step_of(model, bodies, labels)
    torch.randn(64, 64) @ torch.randn(64, 64)  # libraries that load at the first call
    before = status_of_memory("VmRSS")
    step()
    print((status_of_memory("VmHWM") - before) / 1e6)


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clips", type=int, default=10, help="of a training step")
    parser.add_argument("--crops", type=int, default=20, help="scored at once")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--peak", choices=tuple(NETWORKS), help=argparse.SUPPRESS)
    args = parser.parse_args()

    Engine.of(SETTINGS, torch.device("cpu"), precision="float32").start(threads=1)
    if args.peak:
        _print_peak(args.peak, args.clips)
        return
    for name in NETWORKS:
        found = rows(name, num_clips=args.clips, num_crops=args.crops, rounds=args.rounds)
        print_rows(found)


if __name__ == "__main__":
    main()
