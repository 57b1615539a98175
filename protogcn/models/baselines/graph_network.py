"""What graph networks have in common: an input norm, blocks, a linear classifier, cross entropy.

Shapes: B bodies, C channels, T frames, V joints, N clips, M persons, K classes.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from protogcn.batches.bodies import Bodies
from protogcn.models.loss import Loss, mean_cross_entropy
from protogcn.models.norms import ChannelsLastNorm, at_least_float32
from protogcn.models.topology import shortcut


class BlockSize(NamedTuple):
    """The size of one block; ``first`` has no shortcut around it."""

    first: bool
    in_channels: int
    out_channels: int
    stride: int


def block_sizes(
    channels: int, width: int, blocks: int, downsample: Sequence[int]
) -> list[BlockSize]:
    """Return the size of each block; those of ``downsample``, counted from 1, double the width."""
    sizes, out_channels = [], width
    for number in range(1, blocks + 1):
        stride = 2 if number in downsample else 1
        out_channels *= stride
        in_channels = sizes[-1].out_channels if sizes else channels
        sizes.append(BlockSize(number == 1, in_channels, out_channels, stride))
    return sizes


class GraphNetwork(nn.Module):
    """A network whose blocks map (B, T, V, C) and the rows' multiplicity to (B, T', V, C')."""

    def __init__(
        self, blocks: Iterable[nn.Module], *, input_norm: nn.Module, features: int, num_classes: int
    ):
        """``features``: channels of the last block."""
        super().__init__()
        self.input_norm = input_norm
        self.blocks = nn.ModuleList(blocks)
        self.classify = nn.Linear(features, num_classes)
        nn.init.normal_(self.classify.weight, std=0.01)
        nn.init.zeros_(self.classify.bias)

    def forward(self, bodies: Bodies) -> Tensor:
        """Bodies of N clips -> logits (N, K), at least float32."""
        features = self.normed(bodies)
        for block in self.blocks:
            features = block(features, bodies.multiplicity)
        pooled = features.mean((1, 2), dtype=at_least_float32(features.dtype))  # (B, C)
        with torch.autocast(features.device.type, enabled=False):
            return self.classify(bodies.mean_over_persons(pooled))

    def loss(self, bodies: Bodies, labels: Tensor) -> Loss:
        """Bodies of N clips, labels (N,) -> the cross entropy."""
        logits = self(bodies)
        cross_entropy = mean_cross_entropy(logits, labels, bodies.part)
        return Loss(cross_entropy, {"cross_entropy": cross_entropy.detach()}, logits.detach())

    def normed(self, bodies: Bodies) -> Tensor:
        """Return the values, (B, T, V, C), normed; all persons share the statistics."""
        values = bodies.values
        return self.input_norm(values.flatten(2), bodies.multiplicity).view(values.shape)


class GraphBlock(nn.Module):
    """One block: joints, then time, then a shortcut around both."""

    def __init__(self, size: BlockSize, *, spatial: nn.Module, temporal: nn.Module):
        """Both parts take features and multiplicity; only the temporal one has the stride."""
        super().__init__()
        self.stride = size.stride
        self.residual = not size.first
        self.spatial = spatial
        self.temporal = temporal
        self.shortcut = mapped_shortcut(
            size.in_channels, size.out_channels, needed=self.residual and size.stride > 1
        )

    def forward(self, features: Tensor, multiplicity: Tensor | None) -> Tensor:
        """(B, T, V, C) -> (B, T / stride, V, C')."""
        out = self.temporal(self.spatial(features, multiplicity), multiplicity)
        if self.residual:
            kept = features[:, :: self.stride] if self.stride > 1 else features
            out = out + shortcut(self.shortcut, kept, multiplicity)
        return F.relu(out)


def mapped_shortcut(in_channels: int, out_channels: int, *, needed: bool) -> nn.Module:
    """Return a map and its norm where a shortcut has to change the channels, else nothing."""
    if not needed:
        return nn.Identity()
    return nn.Sequential(nn.Linear(in_channels, out_channels), ChannelsLastNorm(out_channels))


def graph_convolution(features: Tensor, graph: Tensor, expand: nn.Linear) -> Tensor:
    """Map (B, T, V, C) to S subsets of channels, mix the joints of each, add up: (B, T, V, C').

    Joints are mixed first, which is the same and cheaper where the map widens.

    Args:
        features: of the joints.
        graph: (S, V, V), what joint v gives to joint w.
        expand: C -> S * C', the subset outermost.
    """
    joints = graph.permute(2, 0, 1).flatten(0, 1)  # (V * S, V)
    mixed = (joints @ features).view(*features.shape[:3], -1)  # (B, T, V, S * C)
    weights = expand.weight.unflatten(0, (len(graph), -1))  # (S, C', C)
    bias = graph.sum(1).t() @ expand.bias.view(len(graph), -1)  # (V, C')
    return F.linear(mixed, weights.transpose(0, 1).flatten(1)) + bias
