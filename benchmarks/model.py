"""Time one training step and one evaluation pass of the networks: medians, in ms and clips/s."""

import argparse
import statistics
import time
from collections.abc import Callable, Mapping

import torch
from torch import nn

from protogcn.models import build_model

SIZES: dict[str, Mapping] = {
    "full": {"width": 96, "blocks": 10, "downsample": (5, 8), "frames": 100, "prototypes": 400},
    "demo": {"width": 24, "blocks": 5, "downsample": (3, 5), "frames": 32, "prototypes": 100},
}
NUM_JOINTS, NUM_CLASSES, NUM_PERSONS = 25, 60, 2


def main() -> None:
    """Print one line per measurement."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", choices=SIZES, default="full")
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--device", default="cpu")
    args = parser.parse_args()

    torch.set_num_threads(args.threads)
    device = torch.device(args.device)
    size = SIZES[args.size]
    settings = {"network": "protogcn", "subsets": 8, "contrast_weight": 0.2, **size}
    model = build_model(settings, num_joints=NUM_JOINTS, num_classes=NUM_CLASSES).to(device)
    shape = (args.batch, NUM_PERSONS, size["frames"], NUM_JOINTS, 3)
    clips = torch.randn(shape, device=device)
    labels = torch.randint(NUM_CLASSES, (args.batch,), device=device)

    passes = {
        "step": lambda: train_step(model.train(), clips, labels),
        "eval": lambda: evaluate(model.eval(), clips),
    }
    for name, call in passes.items():
        seconds = median_seconds(call, args.repeats, device)
        rate = args.batch / seconds
        print(f"{args.size} {name}: {seconds * 1e3:.1f} ms, {rate:.2f} clips/s", flush=True)


def train_step(model: nn.Module, clips: torch.Tensor, labels: torch.Tensor) -> None:
    model.zero_grad(set_to_none=True)
    model.loss(clips, labels).total.backward()


def evaluate(model: nn.Module, clips: torch.Tensor) -> None:
    with torch.inference_mode():
        model(clips)


def median_seconds(call: Callable[[], None], repeats: int, device: torch.device) -> float:
    call()  # the first call allocates and chooses kernels
    times = []
    for _ in range(repeats):
        begin = time.perf_counter()
        call()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        times.append(time.perf_counter() - begin)
    return statistics.median(times)


if __name__ == "__main__":
    main()
