"""Graph contrast clip by clip, as SkeletonGCL (Huang et al., ICLR 2023) is published.

Shapes: N clips of a step, S of the training set, H features, P positives, Q negatives.
"""

import random

import torch
import torch.nn.functional as F
from torch import Tensor


def plain_contrast(
    projected: Tensor,
    labels: Tensor,
    memory: Tensor,
    memory_labels: Tensor,
    stored: Tensor,
    *,
    positives: int,
    negatives: int,
    temperature: float,
    draws: random.Random,
) -> Tensor:
    """Return the mean over the rows of logits of all clips that take part, 0 without one.

    Args:
        projected: (N, H) of length 1.
        labels: (N,).
        memory: (S, H).
        memory_labels: (S,).
        stored: (S,) which rows of the memory have been written.
        positives: P.
        negatives: Q.
        temperature: that similarities are divided by.
        draws: the random negatives come from it.
    """
    rows = []
    for clip, label in zip(projected, labels, strict=True):
        similar = memory @ clip  # (S,)
        same = similar[stored & (memory_labels == label)]
        other = similar[stored & (memory_labels != label)]
        if len(same) < positives or len(other) < negatives:
            continue
        hardest = same.sort()[0][:positives]  # (P,)
        hard = other.sort(descending=True)[0][:negatives]  # (Q,)
        drawn = other[draws.sample(range(len(other)), k=negatives)]  # (Q,)
        for others in (hard, drawn):
            table = others.expand(positives, -1)  # (P, Q)
            rows.append(torch.cat([hardest.unsqueeze(1), table], dim=1) / temperature)
    if not rows:
        return projected.new_zeros(())
    logits = torch.cat(rows)
    return F.cross_entropy(logits, torch.zeros(len(logits), dtype=torch.long))
