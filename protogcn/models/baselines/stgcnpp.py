"""ST-GCN++: a learned graph over the joints, then six branches over time.

Source: PYSKL (Duan et al., 2022), the baseline of Figure 1 of ProtoGCN's paper. Shapes: B bodies,
C channels, T frames, V joints.
"""

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn

from protogcn.config.skeleton import Skeleton
from protogcn.models.baselines.graph_network import (
    GraphBlock,
    GraphNetwork,
    block_sizes,
    graph_convolution,
    mapped_shortcut,
)
from protogcn.models.baselines.graphs import directed_graph
from protogcn.models.norms import ChannelsLastNorm
from protogcn.models.temporal import DILATIONS, NUM_BRANCHES, dilated_convolution, side_by_side
from protogcn.models.topology import shortcut


class STGCNPP(GraphNetwork):
    """The network of one stream."""

    def __init__(
        self,
        skeleton: Skeleton,
        *,
        num_classes: int,
        channels: int = 3,
        width: int = 64,
        blocks: int = 10,
        downsample: Sequence[int] = (5, 8),
    ):
        """Draw the initial weights from torch's global generator; arguments as ``ProtoGCN``'s."""
        graph = directed_graph(skeleton)
        sizes = block_sizes(channels, width, blocks, downsample)
        super().__init__(
            (
                GraphBlock(
                    size,
                    spatial=LearnedGraph(size.in_channels, size.out_channels, graph=graph),
                    temporal=SixBranches(size.out_channels, stride=size.stride),
                )
                for size in sizes
            ),
            input_norm=ChannelsLastNorm(skeleton.num_joints * channels),
            features=sizes[-1].out_channels,
            num_classes=num_classes,
        )


class LearnedGraph(nn.Module):
    """Spatial part: joints mixed along a graph that is learned as a whole."""

    def __init__(self, in_channels: int, out_channels: int, *, graph: Tensor):
        """Start from ``graph``, (S, V, V), which is copied."""
        super().__init__()
        self.graph = nn.Parameter(graph.clone())
        self.expand = nn.Linear(in_channels, len(graph) * out_channels)
        self.norm = ChannelsLastNorm(out_channels)
        self.shortcut = mapped_shortcut(
            in_channels, out_channels, needed=in_channels != out_channels
        )

    def forward(self, features: Tensor, multiplicity: Tensor | None = None) -> Tensor:
        """(B, T, V, C) -> (B, T, V, C')."""
        mixed = self.norm(graph_convolution(features, self.graph, self.expand), multiplicity)
        return F.relu(mixed + shortcut(self.shortcut, features, multiplicity))


class SixBranches(nn.Module):
    """Temporal part: ProtoGCN's without its extra joint; the first branch has what is left over.

    The branches' pointwise maps are one map, and the norms behind the first five one norm.
    """

    def __init__(self, channels: int, *, stride: int):
        super().__init__()
        branch = channels // NUM_BRANCHES
        first = channels - (NUM_BRANCHES - 1) * branch
        self.stride = stride
        self.widths = [first] + [branch] * (NUM_BRANCHES - 1)
        self.reduce = nn.Linear(channels, channels)
        self.reduce_norm = ChannelsLastNorm(channels - branch)
        self.dilated = nn.ModuleList(
            dilated_convolution(width, kernel=3, dilation=dilation, stride=stride)
            for width, dilation in zip(self.widths, DILATIONS, strict=False)
        )
        self.merge_norm = ChannelsLastNorm(channels)
        self.merge = nn.Linear(channels, channels)
        self.norm = ChannelsLastNorm(channels)

    def forward(self, features: Tensor, multiplicity: Tensor | None = None) -> Tensor:
        """(B, T, V, C) -> (B, T / stride, V, C), without a final activation."""
        scales = side_by_side(
            features,
            multiplicity,
            reduce=self.reduce,
            norm=self.reduce_norm,
            convolutions=self.dilated,
            widths=self.widths,
            stride=self.stride,
        )
        return self.norm(self.merge(F.relu(self.merge_norm(scales, multiplicity))), multiplicity)
