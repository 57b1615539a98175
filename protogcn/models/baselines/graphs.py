"""Fixed graphs over the joints: a skeleton's edges -> what each joint takes from which, 3 ways.

In an entry [v, w] joint v gives to joint w, as in ``stack @ graph``; what a joint takes adds up
to 1. Shapes: V joints.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from protogcn.config.skeleton import Skeleton

NUM_SUBSETS = 3


def directed_graph(skeleton: Skeleton) -> Tensor:
    """Return (3, V, V): every joint takes from itself, from its parent, from its children.

    Source: what ST-GCN++ and CTR-GCN start from in PYSKL.
    """
    return _both_ways(skeleton.num_joints, skeleton.edges)


def bone_graph(skeleton: Skeleton) -> Tensor:
    """Return (3, V, V): every joint takes from itself, from its children, from its parent.

    Here what a joint gives to its children adds up to 1, and a joint takes all that its children
    give. The edges are the bones. Source: the authors' CTR-GCN and what descends from it.
    """
    bones = [(joint, parent) for joint, parent in enumerate(skeleton.parents) if joint != parent]
    return _both_ways(skeleton.num_joints, bones).transpose(1, 2)


def ancestor_matrix(skeleton: Skeleton, k: int) -> Tensor:
    """Return (V, V): entry [v, w] is 1 if joint w is the k-th ancestor of joint v.

    The tree is the bones', from the joint that is the skeleton's centre, if it declares one.
    """
    parents = skeleton.parents_from(skeleton.centre)
    matrix = torch.zeros(skeleton.num_joints, skeleton.num_joints)
    for joint in range(skeleton.num_joints):
        ancestor, steps = joint, 0
        while steps < k and parents[ancestor] != ancestor:
            ancestor, steps = parents[ancestor], steps + 1
        matrix[joint, ancestor] = float(steps == k)
    return matrix


def hop_distances(skeleton: Skeleton) -> Tensor:
    """Return (V, V): how many edges joint w is away from joint v."""
    num_joints = skeleton.num_joints
    near = torch.eye(num_joints)
    children, parents = torch.tensor(skeleton.edges).view(-1, 2).unbind(1)
    near[parents, children] = near[children, parents] = 1
    hops, reached = torch.zeros(num_joints, num_joints, dtype=torch.int64), torch.eye(num_joints)
    for distance in range(1, num_joints):
        further = (reached @ near > 0) & (reached == 0)
        hops[further] = distance
        reached[further] = 1
    return hops


def _both_ways(num_joints: int, edges: Sequence[tuple[int, int]]) -> Tensor:
    inward = torch.zeros(num_joints, num_joints)
    children, parents = torch.tensor(edges).view(-1, 2).unbind(1)
    inward[parents, children] = 1
    graph = torch.stack([torch.eye(num_joints), inward, inward.t()])
    return graph / graph.sum(1, keepdim=True).clamp(min=1)


def distance_graph(skeleton: Skeleton) -> Tensor:
    """Return (3, V, V): every joint takes from itself, from joints no nearer the root, from nearer.

    Source: ST-GCN's spatial partition with one hop, as its code has it: the distance to the root is
    counted up to one hop too, so that all joints further away are equally far.
    """
    num_joints = skeleton.num_joints
    near = torch.eye(num_joints)
    children, parents = torch.tensor(skeleton.edges).view(-1, 2).unbind(1)
    near[parents, children] = near[children, parents] = 1
    shares = near / near.sum(0)
    root = next(joint for joint, parent in enumerate(skeleton.parents) if joint == parent)
    neighbour_of_root = near[root] > 0
    hops = torch.where(neighbour_of_root, 1, 2)
    hops[root] = 0
    itself = torch.eye(num_joints, dtype=torch.bool)
    nearer = hops[:, None] < hops  # joint v is nearer the root than joint w
    return torch.stack([shares * each for each in (itself, ~itself & ~nearer, nearer)])
