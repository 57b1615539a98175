"""CTR-GCN: a graph over the joints that every channel refines by the motion, then four branches.

Source: CTR-GCN (Chen et al., ICCV 2021), channel-wise topology refinement, in the form of PYSKL,
which Table 4 of ProtoGCN's paper lists. Shapes: B bodies, C channels, R reduced channels, S
subsets, T frames, V joints.
"""

from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from protogcn.config.skeleton import Skeleton
from protogcn.models.baselines.graph_network import BlockSize, GraphNetwork, NetworkSize
from protogcn.models.baselines.graphs import directed_graph
from protogcn.models.norms import ChannelsLastNorm, PersonNorm, Shortcut, at_least_float32
from protogcn.models.pointwise import ToChannelsFirst
from protogcn.models.temporal import Branches

KERNEL = 5  # frames
DILATIONS = (1, 2)
NUM_BRANCHES = len(DILATIONS) + 2  # and one maximum, one pointwise


class CTRGCN(GraphNetwork):
    """The network of one stream. Its input norm has separate statistics for each person."""

    def __init__(self, skeleton: Skeleton, size: NetworkSize):
        super().__init__(
            size,
            input_norm=PersonNorm(size.num_persons, skeleton.num_joints * size.channels),
            spatial=partial(RefinedGraph, graph=directed_graph(skeleton)),
            temporal=FourBranches,
        )


class RefinedGraph(nn.Module):
    """Spatial part: each channel mixes the joints along its own graph.

    That is a learned graph, plus ``alpha`` times a map of the difference in motion of two joints.
    """

    def __init__(self, size: BlockSize, *, graph: Tensor):
        """Start from ``graph``, (S, V, V), which is copied."""
        super().__init__()
        in_channels, out_channels = size.in_channels, size.out_channels
        reduced = 8 if in_channels <= 16 else in_channels // 8
        self.graph = nn.Parameter(graph.clone())
        self.alpha = nn.Parameter(torch.zeros(1))
        self.relate = nn.Linear(in_channels, len(graph) * 2 * reduced)
        self.expand = ToChannelsFirst(in_channels, len(graph) * out_channels)
        self.refine = nn.ModuleList(nn.Linear(reduced, out_channels) for _ in graph)
        self.norm = ChannelsLastNorm(out_channels)
        self.shortcut = Shortcut(in_channels, out_channels, mapped=in_channels != out_channels)
        _draw(self.relate, fan_out=reduced)
        for linear in (self.expand, *self.refine, *self.shortcut.children()):
            if isinstance(linear, nn.Linear):
                _draw(linear, fan_out=out_channels)
        nn.init.constant_(self.norm.weight, 1e-6)  # a block starts as its shortcuts

    def forward(self, features: Tensor, multiplicity: Tensor | None = None) -> Tensor:
        """(B, T, V, C) -> (B, T, V, C')."""
        # The maps to compare are linear and act on each frame alone, so that the mean of their
        # outputs is their output of the mean.
        pooled = features.mean(1, dtype=at_least_float32(features.dtype))  # (B, V, C)
        given = self.expand(features).unflatten(1, (len(self.graph), -1)).unbind(1)
        pairs = zip(given, self.topologies(pooled), strict=True)
        mixed = sum(joints @ topology for joints, topology in pairs)  # (B, C', T, V)
        normed = self.norm(mixed.permute(0, 2, 3, 1), multiplicity)  # (B, T, V, C')
        return F.relu(normed + self.shortcut(features, multiplicity))

    def topologies(self, pooled: Tensor) -> list[Tensor]:
        """Time mean (B, V, C) -> for each subset what joint v gives to joint w, (B, C', V, V)."""
        with torch.autocast(pooled.device.type, enabled=False):
            both = self.relate(pooled).unflatten(2, (2, len(self.graph), -1))  # (B, V, 2, S, R)
            source, target = both.unbind(2)
            motion = torch.tanh(source.unsqueeze(2) - target.unsqueeze(1))  # (B, V, V, S, R)
            return [
                (graph.unsqueeze(2) + self.alpha * refine(part)).permute(0, 3, 1, 2)
                for graph, refine, part in zip(
                    self.graph, self.refine, motion.unbind(3), strict=True
                )
            ]


class FourBranches(Branches):
    """Temporal part: two dilated convolutions, a maximum and a pointwise map, each with its norm.

    The last branch has the channels that are left over.
    """

    def __init__(self, size: BlockSize):
        channels = size.out_channels
        others = [channels // NUM_BRANCHES] * (NUM_BRANCHES - 1)
        widths = [*others, channels - sum(others)]
        super().__init__(widths, kernel=KERNEL, dilations=DILATIONS, stride=size.stride)
        self.merge_norm = ChannelsLastNorm(channels)
        for weight, width in zip(self.reduce.weight.split(widths), widths, strict=True):
            nn.init.normal_(weight.detach(), std=(2 / width) ** 0.5)
        nn.init.zeros_(self.reduce.bias)
        for convolution in self.dilated:
            _draw(convolution, fan_out=convolution.out_channels * KERNEL)

    def forward(self, features: Tensor, multiplicity: Tensor | None = None) -> Tensor:
        """(B, T, V, C) -> (B, T / stride, V, C), activated."""
        return F.relu(self.merge_norm(self.side_by_side(features, multiplicity), multiplicity))


def _draw(module: nn.Linear | nn.Conv2d, *, fan_out: int) -> None:
    """Draw a weight that keeps the size of gradients through an activation; no bias."""
    nn.init.normal_(module.weight, std=(2 / fan_out) ** 0.5)
    nn.init.zeros_(module.bias)
