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
MOST_ROOTS = 3


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


def roots(skeleton: Skeleton) -> list[int]:
    """Return up to three joints of the trunk, from where the legs are to where the arms are.

    The ends of the trunk are the two joints in no pair beside which whole pairs are that carry the
    most joints; the arms' end has the head beside it.

    Raises:
        ConfigError: the layout has no pairs that tell where its trunk is.
    """
    near: dict[int, set[int]] = {joint: set() for joint in range(skeleton.num_joints)}
    for child, parent in skeleton.edges:
        near[child].add(parent)
        near[parent].add(child)
    paired = {joint for pair in skeleton.pairs for joint in pair}

    def behind(joint: int, before: int) -> int:
        """Count the joints of the limb that begins with ``joint``."""
        return 1 + sum(behind(other, joint) for other in near[joint] if other != before)

    carried = {
        joint: sum(
            behind(left, joint) + behind(right, joint)
            for left, right in skeleton.pairs
            if {left, right} <= near[joint]
        )
        for joint in range(skeleton.num_joints)
        if joint not in paired
    }
    ends = sorted((joint for joint in carried if carried[joint]), key=lambda j: -carried[j])[:2]
    if len(ends) < 2:
        raise ConfigError(
            f"skeletons.{skeleton.name}.pairs: do not tell the trunk's two ends, each with a pair"
            " of arms or legs beside it, which network hdgcn starts from."
        )
    path = _path(near, *ends)
    if near[path[0]] - paired - set(path):  # the head is beside it
        path.reverse()
    middle = [path[len(path) // 2]] if len(path) > 2 else []
    return path if len(path) <= MOST_ROOTS else [path[0], *middle, path[-1]]


def _path(near: dict[int, set[int]], first: int, last: int) -> list[int]:
    before, waiting = {first: first}, deque([first])
    while last not in before:
        joint = waiting.popleft()
        for other in near[joint] - before.keys():
            before[other] = joint
            waiting.append(other)
    path = [last]
    while path[-1] != first:
        path.append(before[path[-1]])
    return path[::-1]
