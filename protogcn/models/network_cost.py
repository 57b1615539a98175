"""A run's settings -> what its network costs: its parameters, and the products for one crop."""

from typing import NamedTuple

import torch
from torch.utils.flop_counter import FlopCounterMode

from protogcn.batches.bodies import all_bodies
from protogcn.config.resolved import Run
from protogcn.models.trained import build_network


class NetworkCost(NamedTuple):
    """What one network costs.

    Attributes:
        parameters: how many there are; further losses of a training have others.
        multiply_adds: of matrix products and convolutions, for one crop of a clip with all persons.
            The field calls their number FLOPs.
    """

    parameters: int
    multiply_adds: int


@torch.no_grad()
def network_cost(run: Run) -> NetworkCost:
    """Build the network of a run anew and count, as it computes scores."""
    model = build_network(run).eval()
    shape = (run.dataset.persons, run.settings["frames"], run.dataset.skeleton.num_joints, 3)
    bodies = all_bodies(torch.zeros(1, *shape))
    with FlopCounterMode(display=False) as counter:
        model(bodies._replace(positions=bodies.values))
    flop = counter.get_total_flops()  # two for a product that is added
    return NetworkCost(sum(each.numel() for each in model.parameters()), flop // 2)
