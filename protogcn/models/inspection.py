"""What a trained ProtoGCN has learned about some bodies: its topology, and the one it rebuilds.

Source: the supplement of ProtoGCN (section A, "Explanation of Visualization"): matrices of pairs of
joints, averaged over channels. Shapes: N clips, B bodies, S subsets, C channels, V joints.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from protogcn.batches.bodies import Bodies
from protogcn.models.protogcn import ProtoGCN


class Topologies(NamedTuple):
    """Matrices of the last block, each the mean over persons and channels; row v gives, w takes.

    Attributes:
        learned: (N, V, V), the topology that mixes the joints: static part plus relations.
        relations: (N, V, V), its part that follows the motion.
        rebuilt: (N, V, V), the relations as mixtures of prototypes; Z in the paper.
    """

    learned: Tensor
    relations: Tensor
    rebuilt: Tensor


@torch.no_grad()
def topologies(model: ProtoGCN, bodies: Bodies) -> Topologies:
    """Run bodies through a network in evaluation mode and look at its last block."""
    _, compared = model.encode(bodies)
    last = model.blocks[-1].spatial
    relations = bodies.mean_over_persons(last.relations(compared))  # (N, C, V, V)
    pairs = relations.permute(0, 2, 3, 1)  # (N, V, V, C)
    memory = model.reconstruct
    rebuilt = memory.prototypes(memory.assignments(pairs)).mean(-1)  # (N, V, V)
    # Every subset has as many channels as another.
    return Topologies(relations.mean(1) + last.topology.mean(0), relations.mean(1), rebuilt)
