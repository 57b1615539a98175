"""ST-GCN++: a learned graph over the joints, then six branches over time.

Source: PYSKL (Duan et al., 2022), the baseline of Figure 1 of ProtoGCN's paper. Shapes: B bodies,
C channels, T frames, V joints.
"""

from functools import partial

from torch import Tensor, nn

from protogcn.config.skeleton import Skeleton
from protogcn.models.baselines.graph_network import (
    BlockSize,
    GraphNetwork,
    NetworkSize,
    graph_convolution,
)
from protogcn.models.baselines.graphs import directed_graph
from protogcn.models.compiled_sums import activate_sum
from protogcn.models.norms import (
    ChannelsLastNorm,
    InputNorm,
    Shortcut,
    map_and_norm,
    norm_and_activate,
)
from protogcn.models.temporal import DILATIONS, NUM_BRANCHES, Branches


class STGCNPP(GraphNetwork):
    """The network of one stream."""

    def __init__(self, skeleton: Skeleton, size: NetworkSize):
        super().__init__(
            size.of_blocks(),
            size.num_classes,
            input_norm=InputNorm(skeleton.num_joints * size.channels),
            spatial=partial(LearnedGraph, graph=directed_graph(skeleton)),
            temporal=SixBranches,
        )


class LearnedGraph(nn.Module):
    """Spatial part: joints mixed along a graph that is learned as a whole."""

    def __init__(self, size: BlockSize, *, graph: Tensor):
        """Start from ``graph``, (S, V, V), which is copied."""
        super().__init__()
        in_channels, out_channels = size.in_channels, size.out_channels
        self.graph = nn.Parameter(graph.clone())
        self.expand = nn.Linear(in_channels, len(graph) * out_channels)
        self.norm = ChannelsLastNorm(out_channels)
        self.shortcut = Shortcut(in_channels, out_channels, mapped=in_channels != out_channels)

    def forward(self, features: Tensor, multiplicity: Tensor | None = None) -> Tensor:
        """(B, T, V, C) -> (B, T, V, C')."""
        mixed = self.norm(graph_convolution(features, self.graph, self.expand), multiplicity)
        return activate_sum(mixed + self.shortcut(features, multiplicity))


class SixBranches(Branches):
    """Temporal part: ProtoGCN's without its extra joint; the first branch has what is left over."""

    def __init__(self, size: BlockSize):
        channels = size.out_channels
        branch = channels // NUM_BRANCHES
        others = [branch] * (NUM_BRANCHES - 1)
        super().__init__(
            [channels - sum(others), *others], kernel=3, dilations=DILATIONS, stride=size.stride
        )
        self.merge_norm = ChannelsLastNorm(channels)
        self.merge = nn.Linear(channels, channels)
        self.norm = ChannelsLastNorm(channels)

    def forward(self, features: Tensor, multiplicity: Tensor | None = None) -> Tensor:
        """(B, T, V, C) -> (B, T / stride, V, C), without a final activation."""
        scales = self.side_by_side(features, multiplicity)
        active = norm_and_activate(self.merge_norm, scales, multiplicity)
        return map_and_norm(self.merge, self.norm, active, multiplicity)
