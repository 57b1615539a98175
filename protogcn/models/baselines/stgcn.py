"""ST-GCN: a fixed graph over the joints with learned weights, then one convolution over time.

Source: ST-GCN (Yan et al., AAAI 2018) in the form of PYSKL, which Table 4 of ProtoGCN's paper
lists: no dropout, shared input statistics. Shapes: B bodies, C channels, T frames, V joints.
"""

from functools import partial

import torch
from torch import Tensor, nn

from protogcn.config.skeleton import Skeleton
from protogcn.models.baselines.graph_network import (
    BlockSize,
    GraphNetwork,
    NetworkSize,
    graph_convolution,
)
from protogcn.models.baselines.graphs import distance_graph
from protogcn.models.norms import ChannelsLastNorm, InputNorm, norm_and_activate

KERNEL = 9  # frames


class STGCN(GraphNetwork):
    """The network of one stream."""

    def __init__(self, skeleton: Skeleton, size: NetworkSize):
        super().__init__(
            size.of_blocks(),
            size.num_classes,
            input_norm=InputNorm(skeleton.num_joints * size.channels),
            spatial=partial(WeightedGraph, graph=distance_graph(skeleton)),
            temporal=PlainTemporal,
        )


class WeightedGraph(nn.Module):
    """Spatial part: joints mixed along a fixed graph, each of whose edges has a learned weight."""

    graph: Tensor

    def __init__(self, size: BlockSize, *, graph: Tensor):
        """``graph``: (S, V, V), which is copied."""
        super().__init__()
        self.importance = nn.Parameter(torch.ones_like(graph))
        self.register_buffer("graph", graph.clone())
        self.expand = nn.Linear(size.in_channels, len(graph) * size.out_channels)
        self.norm = ChannelsLastNorm(size.out_channels)

    def forward(self, features: Tensor, multiplicity: Tensor | None = None) -> Tensor:
        """(B, T, V, C) -> (B, T, V, C')."""
        mixed = graph_convolution(features, self.graph * self.importance, self.expand)
        return norm_and_activate(self.norm, mixed, multiplicity)


class PlainTemporal(nn.Module):
    """Temporal part: one convolution and its norm, without an activation."""

    def __init__(self, size: BlockSize):
        super().__init__()
        channels = size.out_channels
        self.convolve = nn.Conv2d(
            channels, channels, (KERNEL, 1), stride=(size.stride, 1), padding=(KERNEL // 2, 0)
        )
        self.norm = ChannelsLastNorm(channels)

    def forward(self, features: Tensor, multiplicity: Tensor | None = None) -> Tensor:
        """(B, T, V, C) -> (B, T / stride, V, C)."""
        convolved = self.convolve(features.permute(0, 3, 1, 2))  # (B, C, T, V)
        return self.norm(convolved.permute(0, 2, 3, 1), multiplicity)
