"""A skeleton and a root joint -> groups of joints by their distance, and graphs between them.

Source: HD-GCN (Lee et al., ICCV 2023), whose groups for NTU RGB+D these rules give, and for any
other layout. Shapes: L layers between L + 1 groups, V joints.
"""

from collections import deque

import torch
from torch import Tensor

from protogcn.config.skeleton import Skeleton
from protogcn.errors import ConfigError

_DEEPEST = 6  # joints further away are in the last group


def hierarchy(skeleton: Skeleton, root: int) -> list[list[int]]:
    """Return the L + 1 groups: joints that are 0, 1, 2, ... edges away from a root joint."""
    near: dict[int, list[int]] = {joint: [] for joint in range(skeleton.num_joints)}
    for child, parent in skeleton.edges:
        near[child].append(parent)
        near[parent].append(child)
    hops, waiting = {root: 0}, deque([root])
    while waiting:
        joint = waiting.popleft()
        for other in near[joint]:
            if other not in hops:
                hops[other] = hops[joint] + 1
                waiting.append(other)
    if len(hops) < skeleton.num_joints:
        raise ConfigError(
            f"skeletons.{skeleton.name}.edges: connect {len(hops)} of {skeleton.num_joints} joints,"
            " expected all of them."
        )
    deepest = min(max(hops.values()), _DEEPEST)
    groups: list[list[int]] = [[] for _ in range(deepest + 1)]
    for joint in range(skeleton.num_joints):
        groups[min(hops[joint], deepest)].append(joint)
    return groups


def hierarchy_graphs(groups: list[list[int]], num_joints: int) -> Tensor:
    """Return (L, 3, V, V), of each layer what joint v takes from joint w.

    A layer joins every joint of one group to every joint of the next: each takes from itself, the
    farther group from the nearer one, the nearer from the farther. What a joint gives adds up to 1.
    """
    graphs = torch.zeros(len(groups) - 1, 3, num_joints, num_joints)
    for graph, near, far in zip(graphs, groups, groups[1:], strict=False):
        both = torch.tensor([*near, *far])
        graph[0, both, both] = 1
        graph[1, torch.tensor(far)[:, None], torch.tensor(near)] = 1 / len(far)
        graph[2, torch.tensor(near)[:, None], torch.tensor(far)] = 1 / len(near)
    return graphs
