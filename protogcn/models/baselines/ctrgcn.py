"""CTR-GCN: a graph over the joints that every channel refines by the motion, then four branches.

Source: CTR-GCN (Chen et al., ICCV 2021), channel-wise topology refinement, in the form of PYSKL,
which Table 4 of ProtoGCN's paper lists. Shapes: B bodies, C channels, R reduced channels, S
subsets, T frames, V joints, M persons.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from protogcn.batches.bodies import Bodies
from protogcn.config.skeleton import Skeleton
from protogcn.models.baselines.graph_network import (
    GraphBlock,
    GraphNetwork,
    block_sizes,
    mapped_shortcut,
)
from protogcn.models.baselines.graphs import directed_graph
from protogcn.models.norms import ChannelsLastNorm, at_least_float32, moments, track_moments
from protogcn.models.pointwise import ToChannelsFirst
from protogcn.models.temporal import dilated_convolution, side_by_side
from protogcn.models.topology import shortcut

KERNEL = 5  # frames
DILATIONS = (1, 2)
NUM_BRANCHES = len(DILATIONS) + 2  # and one maximum, one pointwise


class CTRGCN(GraphNetwork):
    """The network of one stream. Its input norm has statistics of their own for each person."""

    def __init__(
        self,
        skeleton: Skeleton,
        *,
        num_classes: int,
        num_persons: int = 2,
        channels: int = 3,
        width: int = 64,
        blocks: int = 10,
        downsample: Sequence[int] = (5, 8),
    ):
        """Draw the initial weights from torch's generator; arguments as ``build_model``'s."""
        graph = directed_graph(skeleton)
        sizes = block_sizes(channels, width, blocks, downsample)
        super().__init__(
            (
                GraphBlock(
                    size,
                    spatial=RefinedGraph(size.in_channels, size.out_channels, graph=graph),
                    temporal=FourBranches(size.out_channels, stride=size.stride),
                )
                for size in sizes
            ),
            input_norm=PersonNorm(num_persons, skeleton.num_joints * channels),
            features=sizes[-1].out_channels,
            num_classes=num_classes,
        )

    def normed(self, bodies: Bodies) -> Tensor:
        """Return the values, (B, T, V, C), normed person by person."""
        normed = self.input_norm(bodies.values.flatten(2), bodies.multiplicity, bodies.persons)
        return normed.view(bodies.values.shape)


class PersonNorm(nn.BatchNorm1d):
    """Batch norm with one set of C statistics, scales and shifts for each of M person slots.

    With one person it is the norm that the other networks have.
    """

    def __init__(self, num_persons: int, channels: int):
        super().__init__(num_persons * channels)
        self.num_persons = num_persons

    def forward(self, features: Tensor, multiplicity: Tensor | None, persons: Tensor) -> Tensor:
        """(B, T, C), and the slot of each row, (B,) -> (B, T, C)."""
        if self.training:
            multiplicity = torch.ones_like(persons) if multiplicity is None else multiplicity
            found = [
                moments(features, multiplicity * (persons == person), axis=2)
                for person in range(self.num_persons)
            ]
            mean, variance = (torch.cat(parts) for parts in list(zip(*found, strict=True))[:2])
            track_moments(self, mean, variance, found[0][2])  # every clip has every slot
        else:
            mean, variance = self.running_mean, self.running_var
        scale = self.weight * (variance + self.eps).rsqrt()
        mean, scale, shift = (
            each.view(self.num_persons, 1, -1)[persons] for each in (mean, scale, self.bias)
        )  # (B, 1, C)
        return ((features - mean) * scale + shift).to(features.dtype)


class RefinedGraph(nn.Module):
    """Spatial part: each channel mixes the joints along its own graph.

    That is a learned graph, plus ``alpha`` times a map of the difference in motion of two joints.
    """

    def __init__(self, in_channels: int, out_channels: int, *, graph: Tensor):
        """Start from ``graph``, (S, V, V), which is copied."""
        super().__init__()
        reduced = 8 if in_channels <= 16 else in_channels // 8
        self.graph = nn.Parameter(graph.clone())
        self.alpha = nn.Parameter(torch.zeros(1))
        self.relate = nn.Linear(in_channels, len(graph) * 2 * reduced)
        self.expand = ToChannelsFirst(in_channels, len(graph) * out_channels)
        self.refine = nn.ModuleList(nn.Linear(reduced, out_channels) for _ in graph)
        self.norm = ChannelsLastNorm(out_channels)
        self.shortcut = mapped_shortcut(
            in_channels, out_channels, needed=in_channels != out_channels
        )
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
        return F.relu(normed + shortcut(self.shortcut, features, multiplicity))

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


class FourBranches(nn.Module):
    """Temporal part: two dilated convolutions, a maximum and a pointwise map, each with its norm.

    The branches' pointwise maps are one map, and so are the norms in front and behind.
    """

    def __init__(self, channels: int, *, stride: int):
        super().__init__()
        branch = channels // NUM_BRANCHES
        last = channels - (NUM_BRANCHES - 1) * branch
        self.stride = stride
        self.widths = [branch] * (NUM_BRANCHES - 1) + [last]
        self.reduce = nn.Linear(channels, channels)
        self.reduce_norm = ChannelsLastNorm(channels - last)
        self.dilated = nn.ModuleList(
            dilated_convolution(branch, kernel=KERNEL, dilation=dilation, stride=stride)
            for dilation in DILATIONS
        )
        self.merge_norm = ChannelsLastNorm(channels)
        for weight, width in zip(self.reduce.weight.split(self.widths), self.widths, strict=True):
            nn.init.normal_(weight.detach(), std=(2 / width) ** 0.5)
        nn.init.zeros_(self.reduce.bias)
        for convolution in self.dilated:
            _draw(convolution, fan_out=branch * KERNEL)

    def forward(self, features: Tensor, multiplicity: Tensor | None = None) -> Tensor:
        """(B, T, V, C) -> (B, T / stride, V, C), activated."""
        scales = side_by_side(
            features,
            multiplicity,
            reduce=self.reduce,
            norm=self.reduce_norm,
            convolutions=self.dilated,
            widths=self.widths,
            stride=self.stride,
        )
        return F.relu(self.merge_norm(scales, multiplicity))


def _draw(module: nn.Linear | nn.Conv2d, *, fan_out: int) -> None:
    """Draw a weight that keeps the size of gradients through an activation; no bias."""
    nn.init.normal_(module.weight, std=(2 / fan_out) ** 0.5)
    nn.init.zeros_(module.bias)
