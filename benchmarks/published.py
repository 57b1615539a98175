"""Two parts of the ten methods beside their published arithmetic: SkeletonGCL's loss, persistence.

At the size of NTU-60 X-Sub: 40,091 training clips in the memory, steps of 64 clips, 25 joints.
"""

import argparse
import random

import torch
import torch.nn.functional as F
from torch import Tensor

from benchmarks.measure import Row, comparison, duration, measure, print_rows
from benchmarks.yardstick.contrast import plain_contrast
from benchmarks.yardstick.persistence import plain_deaths
from protogcn.batches.bodies import all_bodies
from protogcn.models.add_on import StepView
from protogcn.models.add_ons.graph_contrast import GraphContrast
from protogcn.models.baselines.mean_pose import deaths_of

NUM_CLIPS, NUM_CLASSES, NUM_JOINTS, RELATIONS, STEP = 40_091, 60, 25, 1875, 64


def full_memory(num_clips: int, *, positives: int, negatives: int) -> GraphContrast:
    """Return the add-on with every clip stored, labels going round the classes."""
    labels = torch.arange(num_clips) % NUM_CLASSES
    contrast = GraphContrast(
        RELATIONS, labels, NUM_CLASSES, positives=positives, negatives=negatives
    )
    contrast.memory.copy_(F.normalize(torch.randn_like(contrast.memory)))
    contrast.stored.fill_(True)
    return contrast


def step_view(contrast: GraphContrast, num_clips: int) -> StepView:
    """Return a step of clips drawn from the memory, with a learned graph each."""
    numbers = torch.randperm(len(contrast.memory))[:num_clips]
    bodies = all_bodies(torch.zeros(num_clips, 1, 1, 1, 3))._replace(numbers=numbers)
    relations = torch.randn(num_clips, RELATIONS, requires_grad=True)
    logits = torch.zeros(num_clips, NUM_CLASSES)
    return StepView(bodies, {}, relations, logits, contrast.labels[numbers])


def plain_loss(contrast: GraphContrast, step: StepView, draws: random.Random) -> Tensor:
    """Return the loss of a step by the published loop; it stores the step's clips, too."""
    projected = contrast.project(step.relations)
    projected = projected / projected.norm(dim=1, keepdim=True)
    contrast.memory[step.bodies.numbers] = projected.detach()
    contrast.stored[step.bodies.numbers] = True
    return plain_contrast(
        projected,
        step.labels,
        contrast.memory,
        contrast.labels,
        contrast.stored,
        positives=contrast.positives,
        negatives=contrast.negatives,
        temperature=contrast.temperature,
        draws=draws,
    )


def rows(*, num_clips: int, rounds: int) -> list[Row]:
    """Measure both, forward and backward.

    Args:
        num_clips: in SkeletonGCL's memory.
        rounds: of each ratio.
    """
    torch.manual_seed(0)
    draws = random.Random(0)
    contrast = full_memory(num_clips, positives=min(128, num_clips // NUM_CLASSES), negatives=512)
    step = step_view(contrast, STEP)
    poses = torch.randn(STEP, NUM_JOINTS, 3)
    return [
        *comparison(
            f"SkeletonGCL's loss, {num_clips:,} clips, times the loop",
            lambda: plain_loss(contrast, step, draws).backward(),
            lambda: contrast(step).backward(),
            rounds=rounds,
        ),
        *comparison(
            f"BlockGCN's persistence, {STEP} clips, times the loop",
            lambda: plain_deaths(poses),
            lambda: deaths_of(poses),
            rounds=rounds,
        ),
        duration(
            "SkeletonGCL's loss, a step",
            measure(lambda: contrast(step).backward(), rounds=rounds),
        ),
        duration(
            "BlockGCN's persistence, a step", measure(lambda: deaths_of(poses), rounds=rounds)
        ),
    ]


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    torch.set_num_threads(1)
    print_rows(rows(num_clips=NUM_CLIPS, rounds=args.rounds))


if __name__ == "__main__":
    main()
