"""What a trained network has learned about some bodies: the graph along which it mixes joints.

Source: the supplement of ProtoGCN (section A, "Explanation of Visualization"): matrices of pairs of
joints, averaged over channels. Shapes: N clips, B bodies, S subsets, H heads, C channels, T frames,
V joints.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from protogcn.batches.bodies import Bodies
from protogcn.models.baselines.blockgcn import HopGraph
from protogcn.models.baselines.ctrgcn import RefinedGraph
from protogcn.models.baselines.graph_network import GraphNetwork
from protogcn.models.baselines.hdgcn import HierarchyGraph
from protogcn.models.baselines.infogcn import AttentionGraph
from protogcn.models.baselines.stgcn import WeightedGraph
from protogcn.models.protogcn import ProtoGCN


class Topologies(NamedTuple):
    """Matrices of the last block, each the mean over persons and channels; row v gives, w takes.

    Attributes:
        learned: (N, V, V), what mixes the joints.
        relations: (N, V, V), its part that follows the motion; None if it is alike for all clips.
        rebuilt: (N, V, V), the relations as mixtures of prototypes, Z in the paper; None but of
            ProtoGCN.
    """

    learned: Tensor
    relations: Tensor | None = None
    rebuilt: Tensor | None = None


@torch.no_grad()
def topologies(model: ProtoGCN | GraphNetwork, bodies: Bodies) -> Topologies:
    """Run bodies through a network in evaluation mode and look at its last block."""
    return _of_prototypes(model, bodies) if isinstance(model, ProtoGCN) else _plain(model, bodies)


def _of_prototypes(model: ProtoGCN, bodies: Bodies) -> Topologies:
    _, compared = model.encode(bodies)
    last = model.blocks[-1].spatial
    relations = bodies.mean_over_persons(last.relations(compared))  # (N, C, V, V)
    pairs = relations.permute(0, 2, 3, 1)  # (N, V, V, C)
    memory = model.reconstruct
    rebuilt = memory.prototypes(memory.assignments(pairs)).mean(-1)  # (N, V, V)
    # Every subset has as many channels as another.
    return Topologies(relations.mean(1) + last.topology.mean(0), relations.mean(1), rebuilt)


def _plain(model: GraphNetwork, bodies: Bodies) -> Topologies:
    last, inputs = model.blocks[-1].spatial, []
    hook = last.register_forward_pre_hook(lambda _, given: inputs.append(given[0]))
    try:
        model(bodies)
    finally:
        hook.remove()
    [features] = inputs  # (B, T, V, C)
    match last:
        case RefinedGraph():
            of_subsets = torch.stack(last.topologies(features.mean(1)), dim=1)  # (B, S, C, V, V)
            learned = bodies.mean_over_persons(of_subsets.mean((1, 2)))
            return Topologies(learned, learned - last.graph.mean(0))
        case AttentionGraph():  # whose rows take
            attention = last.attention(features)  # (B, T, H, V, V)
            pair = [(attention * last.graph).mean((1, 2)), attention.mean((1, 2))]
            return Topologies(*(bodies.mean_over_persons(each).transpose(1, 2) for each in pair))
    return Topologies(_fixed_graph(last).expand(len(bodies.person_weights), -1, -1))


def _fixed_graph(spatial: nn.Module) -> Tensor:
    """Return the graph (V, V) of a block whose graph is alike for all clips."""
    match spatial:
        case WeightedGraph():
            return (spatial.graph * spatial.importance).mean(0)
        case HopGraph():
            return spatial.graphs().mean((0, 1))
        case HierarchyGraph():  # whose rows take
            return spatial.graph.mean((0, 1)).t()
    return spatial.graph.mean(0)
