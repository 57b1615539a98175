"""How fast the input of a training is: crops of bodies, gathered and changed in batches.

Clips per second on one CPU thread and, if one exists, on the GPU; against the yardstick, which
takes each sample through all steps anew.
"""

import argparse
import random
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from itertools import cycle

import numpy as np
import torch

from benchmarks.measure import Row, comparison, measure, print_rows, rate
from benchmarks.synthetic import make_clips, make_store, ntu25
from benchmarks.yardstick import input as plain_input
from protogcn.batches.augment import Augmentation
from protogcn.batches.batch import scoring_batch, training_batch
from protogcn.batches.clip_store import ClipStore
from protogcn.batches.prefetch import prefetched
from protogcn.batches.sampling import scoring_frames

LENGTH, BATCH, CROPS = 100, 64, 10
STRENGTHS = {
    "rotation": Augmentation(0.2, 0, 0),
    "rotation and swap": Augmentation(0.2, 0.5, 0),
    "rotation and limb drop": Augmentation(0.2, 0, 0.2),
}


def rows(*, num_clips: int, rounds: int, device: torch.device) -> list[Row]:
    """Measure the input on one device."""
    store = make_store(num_clips, device)
    where = "GPU" if device.type == "cuda" else "one CPU thread"
    found = []
    for name, strength in STRENGTHS.items():
        timing = measure(training_call(store, strength), rounds=rounds)
        found.append(rate(f"training crops, {name}, {where}", timing, BATCH, "clips/s"))
    timing = measure(scoring_call(store), rounds=rounds)
    found.append(
        rate(f"{CROPS} test crops of each clip, {where}", timing, BATCH // CROPS, "clips/s")
    )
    if device.type == "cuda":
        aside = replace(store, frames=store.frames.cpu(), ahead=True)
        found += ahead_rows(aside, rounds=rounds)
    else:
        found += yardstick_rows(store, rounds=rounds)
    return found


def training_call(store: ClipStore, strength: Augmentation) -> Callable[[], object]:
    """Return a call that makes the next training batch."""
    skeleton, batches = ntu25(), cycle(shuffled(store, BATCH))

    def call() -> None:
        training_batch(
            store,
            next(batches),
            skeleton,
            length=LENGTH,
            strength=strength,
            generator=torch.Generator().manual_seed(0),
        )
        wait_for(store.device)

    return call


def scoring_call(store: ClipStore) -> Callable[[], object]:
    """Return a call that gathers the test crops of the next clips."""
    batches = cycle(shuffled(store, BATCH // CROPS))
    frames_of = cache(lambda total: scoring_frames(total, LENGTH, CROPS))

    def call() -> None:
        clips = next(batches)
        scoring_batch(
            store, clips, np.stack([frames_of(int(n)) for n in store.table.num_frames[clips]])
        )
        wait_for(store.device)

    return call


def ahead_rows(store: ClipStore, *, rounds: int) -> list[Row]:
    """Measure the input from host memory, one batch ahead in a thread."""
    batches = shuffled(store, BATCH)

    def epoch() -> None:
        def make(clips: np.ndarray) -> tuple:
            return training_batch(
                store,
                clips,
                ntu25(),
                length=LENGTH,
                strength=STRENGTHS["rotation"],
                generator=torch.Generator().manual_seed(0),
            )

        for _ in prefetched(make, batches, store.device, ahead=True):
            pass
        wait_for(store.device)

    timing = measure(epoch, rounds=max(rounds // len(batches), 3))
    name = "training crops, rotation, from host memory to the GPU"
    return [rate(name, timing, BATCH * len(batches), "clips/s")]


def yardstick_rows(store: ClipStore, *, rounds: int) -> list[Row]:
    """Compare with the yardstick, batch by batch of the same size."""
    clips = [clip.keypoints.astype(np.float32) for clip in make_clips(BATCH)]
    generator, chances = np.random.RandomState(0), random.Random(0)
    strength = STRENGTHS["rotation"]

    def plain() -> None:
        plain_input.training_batch(
            clips, "j", ntu25(), strength, LENGTH, generator=generator, chances=chances
        )

    ratio = comparison(
        "training crops, rotation: times the yardstick",
        plain,
        training_call(store, strength),
        rounds=max(rounds // 10, 3),
    )
    timing = measure(plain, rounds=max(rounds // 10, 3))
    return [rate("training crops, rotation, the yardstick", timing, BATCH, "clips/s"), *ratio]


def shuffled(store: ClipStore, size: int) -> list[np.ndarray]:
    """Return whole batches of all clips in random order."""
    order = np.random.default_rng(0).permutation(len(store.table.ids))
    return [order[start : start + size] for start in range(0, len(order) - size + 1, size)]


def wait_for(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clips", type=int, default=4000)
    parser.add_argument("--rounds", type=int, default=100)
    args = parser.parse_args()

    torch.set_num_threads(1)
    devices = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
    for device in devices:
        print_rows(rows(num_clips=args.clips, rounds=args.rounds, device=torch.device(device)))


if __name__ == "__main__":
    main()
