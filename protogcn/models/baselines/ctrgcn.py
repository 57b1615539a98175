"""CTR-GCN: a graph over the joints that every channel refines by the motion, then four branches.

Source: CTR-GCN (Chen et al., ICCV 2021), channel-wise topology refinement, in two forms: PYSKL's,
which Table 4 of ProtoGCN's paper lists, and the authors' own, on which later methods stand. Shapes:
B bodies, C channels, R reduced channels, S subsets, T frames, V joints.
"""

from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from protogcn.config.skeleton import Skeleton
from protogcn.models.baselines.graph_network import BlockSize, GraphNetwork, NetworkSize
from protogcn.models.baselines.graphs import bone_graph, directed_graph
from protogcn.models.compiled_sums import activate_sum
from protogcn.models.norms import (
    ChannelsLastNorm,
    PersonNorm,
    Shortcut,
    at_least_float32,
    norm_and_activate,
)
from protogcn.models.pointwise import ToChannelsFirst
from protogcn.models.temporal import Branches

KERNEL = 5  # frames
DILATIONS = (1, 2)
NUM_BRANCHES = len(DILATIONS) + 2  # and one maximum, one pointwise


class CTRGCN(GraphNetwork):
    """The network of one stream. Its input norm has separate statistics for each person."""

    def __init__(self, skeleton: Skeleton, size: NetworkSize, *, form: str):
        """Draw the initial weights from torch's global generator.

        Args:
            skeleton: the joint layout.
            size: of the network.
            form: ``pyskl``, or ``authors``: no activation after the four branches, a graph over the
                bones in which a joint adds up what its children give, and other initial weights.
        """
        of_authors = form == "authors"
        graph = bone_graph(skeleton) if of_authors else directed_graph(skeleton)
        super().__init__(
            size.of_blocks(),
            size.num_classes,
            input_norm=PersonNorm(size.num_persons, skeleton.num_joints * size.channels),
            spatial=partial(RefinedGraph, graph=graph),
            temporal=partial(FourBranches, activated=not of_authors),
        )
        self.form = form
        if of_authors:
            draw_as_authors(self)


class RefinedGraph(nn.Module):
    """Spatial part: each channel mixes the joints along its own graph.

    That is a learned graph, plus ``alpha`` times a map of the difference in motion of two joints.
    """

    def __init__(self, size: BlockSize, *, graph: Tensor):
        """Start from ``graph``, (S, V, V), which is copied."""
        super().__init__()
        in_channels, out_channels = size.in_channels, size.out_channels
        reduced = 8 if in_channels <= 16 else in_channels // 8
        self.graph = nn.Parameter(graph.clone(memory_format=torch.contiguous_format))
        self.alpha = nn.Parameter(torch.zeros(1))
        self.relate = nn.Linear(in_channels, len(graph) * 2 * reduced)
        self.expand = ToChannelsFirst(in_channels, len(graph) * out_channels)
        self.refine = nn.ModuleList(nn.Linear(reduced, out_channels) for _ in graph)
        self.norm = ChannelsLastNorm(out_channels)
        self.shortcut = Shortcut(in_channels, out_channels, mapped=in_channels != out_channels)
        draw_by_fan_out(self.relate, reduced)
        for linear in (self.expand, *self.refine, *self.shortcut.children()):
            if isinstance(linear, nn.Linear):
                draw_by_fan_out(linear, out_channels)
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
        return activate_sum(normed + self.shortcut(features, multiplicity))

    def topologies(self, pooled: Tensor) -> list[Tensor]:
        """Time mean (B, V, C) -> for each subset what joint v gives to joint w, (B, C', V, V)."""
        with torch.autocast(pooled.device.type, enabled=False):
            return [
                (graph.unsqueeze(2) + self.alpha * refine(part)).permute(0, 3, 1, 2)
                for graph, refine, part in zip(
                    self.graph, self.refine, self._differences(pooled), strict=True
                )
            ]

    def relations(self, features: Tensor) -> Tensor:
        """Input (B, T, V, C) -> the refinement alone, its mean over channels, (B, S * V * V).

        Row w of a subset is what joint w takes. The map to channels is linear, so that its mean is
        one row.
        """
        pooled = features.mean(1, dtype=at_least_float32(features.dtype))  # (B, V, C)
        with torch.autocast(features.device.type, enabled=False):
            means = [
                F.linear(part, refine.weight.mean(0, keepdim=True), refine.bias.mean().view(1))
                for refine, part in zip(self.refine, self._differences(pooled), strict=True)
            ]  # each (B, V, V, 1)
            return torch.cat([mean.squeeze(3).transpose(1, 2).flatten(1) for mean in means], dim=1)

    def _differences(self, pooled: Tensor) -> tuple[Tensor, ...]:
        """Time mean (B, V, C) -> for each subset the difference of joints v and w, (B, V, V, R)."""
        both = self.relate(pooled).unflatten(2, (2, len(self.graph), -1))  # (B, V, 2, S, R)
        source, target = both.unbind(2)
        return torch.tanh(source.unsqueeze(2) - target.unsqueeze(1)).unbind(3)


class FourBranches(Branches):
    """Temporal part: two dilated convolutions, a maximum and a pointwise map, each with its norm.

    The last branch has the channels that are left over.
    """

    def __init__(self, size: BlockSize, *, activated: bool = True):
        channels = size.out_channels
        others = [channels // NUM_BRANCHES] * (NUM_BRANCHES - 1)
        widths = [*others, channels - sum(others)]
        super().__init__(widths, kernel=KERNEL, dilations=DILATIONS, stride=size.stride)
        self.activated = activated
        self.merge_norm = ChannelsLastNorm(channels)
        for weight, width in zip(self.reduce.weight.split(widths), widths, strict=True):
            nn.init.normal_(weight.detach(), std=(2 / width) ** 0.5)
        nn.init.zeros_(self.reduce.bias)
        for convolution in self.dilated:
            draw_by_fan_out(convolution, convolution.out_channels * KERNEL)

    def draw_by_default(self) -> None:
        """Draw the maps again as torch does."""
        nn.init.kaiming_uniform_(self.reduce.weight, a=5**0.5)
        bound = self.reduce.in_features**-0.5
        nn.init.uniform_(self.reduce.bias, -bound, bound)
        for convolution in self.dilated:
            convolution.reset_parameters()

    def forward(self, features: Tensor, multiplicity: Tensor | None = None) -> Tensor:
        """(B, T, V, C) -> (B, T / stride, V, C)."""
        scales = self.side_by_side(features, multiplicity)
        if self.activated:
            return norm_and_activate(self.merge_norm, scales, multiplicity)
        return self.merge_norm(scales, multiplicity)


def draw_as_authors(network: GraphNetwork, *, of_graphs: bool = False) -> None:
    """Draw the norms of the four branches, the blocks' shortcuts and the classifier.

    Networks that stand on the authors' form draw these as they do.

    Args:
        network: whose temporal parts are ``FourBranches``.
        of_graphs: the shortcuts of the spatial parts, too.
    """
    for block in network.blocks:
        for norm in (block.temporal.reduce_norm, block.temporal.merge_norm):
            nn.init.normal_(norm.weight, 1, 0.02)
        draw_shortcut(block.shortcut)
        if of_graphs:
            draw_shortcut(block.spatial.shortcut)
    draw_classifier(network.classify)


def draw_shortcut(shortcut: Shortcut) -> None:
    """Draw its map, if it has one."""
    for layer in shortcut.children():
        if isinstance(layer, nn.Linear):
            draw_by_fan_out(layer, layer.out_features)


def draw_classifier(classify: nn.Linear) -> None:
    """Draw a weight by the number of classes, and a bias as torch does."""
    nn.init.normal_(classify.weight, std=(2 / classify.out_features) ** 0.5)
    bound = classify.in_features**-0.5
    nn.init.uniform_(classify.bias, -bound, bound)


def draw_by_fan_out(module: nn.Linear | nn.Conv2d, fan_out: int) -> None:
    """Draw a weight that keeps the size of gradients through an activation; no bias."""
    nn.init.normal_(module.weight, std=(2 / fan_out) ** 0.5)
    nn.init.zeros_(module.bias)
