"""Persistence of dimension 0 clip by clip: sort the edges, join the parts (Kruskal, 1956)."""

import torch
from torch import Tensor


def plain_deaths(poses: Tensor) -> Tensor:
    """(N, V, C) -> (N, V - 1), the lengths at which two parts of a clip's points become one.

    The point of a joint is the row of its distances to all joints.
    """
    return torch.stack([torch.tensor(_deaths_of(pose), dtype=poses.dtype) for pose in poses])


def _deaths_of(pose: Tensor) -> list[float]:
    between = torch.cdist(pose, pose, compute_mode="donot_use_mm_for_euclid_dist")
    lengths = torch.cdist(between, between, compute_mode="donot_use_mm_for_euclid_dist").tolist()
    num_joints = len(lengths)
    edges = sorted((lengths[v][w], v, w) for v in range(num_joints) for w in range(v))
    parent = list(range(num_joints))

    def top(joint: int) -> int:
        while parent[joint] != joint:
            joint = parent[joint]
        return joint

    deaths = []
    for length, first, second in edges:
        one, other = top(first), top(second)
        if one != other:
            parent[one] = other
            deaths.append(length)
    return deaths
