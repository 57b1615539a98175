"""How fast the full-size network is on the CPU, against the yardstick: steps, evaluation, memory.

Ratios are of processor time, measured in turn; other programs disturb them less than the seconds.
"""

import argparse
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.measure import Row, comparison, measure, print_rows, rate
from benchmarks.yardstick.network import PlainProtoGCN
from protogcn.batches.bodies import Bodies, pack_bodies
from protogcn.models.engine import Engine
from protogcn.models.protogcn import ProtoGCN
from protogcn.models.released.protogcn import from_released

NUM_JOINTS, NUM_CLASSES, NUM_FRAMES = 25, 60, 100
SETTINGS = {
    "compile": False,
    "cuda_graphs": False,
    "tf32": False,
    "fused_optimizer": False,
    "topology_kernel": False,
}
# Of how many clips each one has two persons.
MIXTURES = {"both bodies real": 1, "one clip in five with two persons": 5}
BANK = "cls_head.csc_loss.bank"


def make_networks() -> tuple[PlainProtoGCN, ProtoGCN]:
    """Return the yardstick and the fast network with the same weights."""
    torch.manual_seed(0)
    plain = PlainProtoGCN(num_classes=NUM_CLASSES, num_joints=NUM_JOINTS)
    fast = ProtoGCN(num_classes=NUM_CLASSES, num_joints=NUM_JOINTS)
    state = plain.state_dict()
    bank = state.pop(BANK).t()
    fast.load_state_dict(from_released(state, fast) | {"contrast.bank": bank})
    return plain, fast


def make_batch(num_clips: int, one_in: int) -> tuple[Tensor, Bodies, Tensor]:
    """Return clips (N, 2, T, V, 3), the bodies to compute of them, and labels (N,)."""
    clips = torch.randn(num_clips, 2, NUM_FRAMES, NUM_JOINTS, 3)
    persons = np.where(np.arange(num_clips) % one_in == 0, 2, 1)
    clips[torch.from_numpy(persons == 1), 1] = 0
    bodies = pack_bodies(clips, persons)
    return clips, bodies, torch.randint(NUM_CLASSES, (num_clips,))


def step_of(model: nn.Module, clips: Tensor | Bodies, labels: Tensor) -> Callable[[], None]:
    """Return a call that does forward, loss and backward."""
    model.train()

    def step() -> None:
        model.zero_grad(set_to_none=True)
        model.loss(clips, labels).total.backward()

    return step


def rows(*, num_clips: int, num_crops: int, rounds: int) -> list[Row]:
    """Measure ratios and rates.

    Args:
        num_clips: clips of a training step.
        num_crops: crops scored at once; scoring takes those of many clips together.
        rounds: of each measurement.
    """
    plain, fast = make_networks()
    engine = Engine.of(SETTINGS, torch.device("cpu"), precision="float32")
    found = []
    for name, one_in in MIXTURES.items():
        clips, bodies, labels = make_batch(num_clips, one_in)
        slow, quick = step_of(plain, clips, labels), step_of(fast, bodies, labels)
        what = f"training step, {name}"
        found += comparison(
            f"{what}: times the yardstick", slow, quick, rounds=rounds, clock=time.process_time
        )
        found.append(rate(what, measure(quick, rounds=rounds), num_clips, "clips/s"))
    plain.eval()
    logits_of = engine.logits_of(fast)
    with torch.inference_mode():
        for name, one_in in MIXTURES.items():
            clips, bodies, _ = make_batch(num_crops, one_in)

            def slow(clips: Tensor = clips) -> None:
                plain(clips)

            def quick(bodies: Bodies = bodies) -> None:
                logits_of(bodies)

            what = f"evaluation, {name}"
            found += comparison(
                f"{what}: times the yardstick", slow, quick, rounds=rounds, clock=time.process_time
            )
            found.append(rate(what, measure(quick, rounds=rounds), num_crops, "crops/s"))
    return found


def memory_rows(*, num_clips: int) -> list[Row]:
    """Measure how much a training step takes at its peak, each in a separate process."""
    found = []
    for name, one_in in MIXTURES.items():
        plain, fast = (peak_in_child(network, num_clips, one_in) for network in ("plain", "fast"))
        what = f"peak memory of a training step of {num_clips} clips, {name}"
        found.append(Row(what, fast, fast, fast, "MB"))
        share = fast / plain
        found.append(Row(f"{what}: share of the yardstick's", share, share, share, "x"))
    return found


def peak_in_child(network: str, num_clips: int, one_in: int) -> float:
    """Return the megabytes that a step adds to a process."""
    command = [sys.executable, "-m", "benchmarks.network", "--peak", network]
    command += ["--clips", str(num_clips), "--one-in", str(one_in)]
    answer = subprocess.run(
        command, check=True, capture_output=True, text=True, cwd=Path(__file__).parents[1]
    )
    return float(answer.stdout)


def print_peak(network: str, num_clips: int, one_in: int) -> None:
    plain, fast = make_networks()
    clips, bodies, labels = make_batch(num_clips, one_in)
    step = step_of(plain, clips, labels) if network == "plain" else step_of(fast, bodies, labels)
    torch.randn(64, 64) @ torch.randn(64, 64)  # libraries that load at the first call
    before = status_of_memory("VmRSS")
    step()
    step()
    print((status_of_memory("VmHWM") - before) / 1e6)


def status_of_memory(entry: str) -> int:
    """Return bytes; getrusage would count what the parent had before it started this process."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith(entry))


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clips", type=int, default=15)
    parser.add_argument("--crops", type=int, default=40)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--one-in", type=int, default=1, help=argparse.SUPPRESS)
    parser.add_argument("--peak", choices=("plain", "fast"), help=argparse.SUPPRESS)
    args = parser.parse_args()

    Engine.of(SETTINGS, torch.device("cpu"), precision="float32").start(threads=1)
    if args.peak:
        print_peak(args.peak, args.clips, args.one_in)
        return
    print_rows(rows(num_clips=args.clips, num_crops=args.crops, rounds=args.rounds))
    print_rows(memory_rows(num_clips=args.clips))


if __name__ == "__main__":
    main()
