"""What graph networks share: their size, an input norm, blocks, a classifier, cross entropy.

Shapes: B bodies, C channels, T frames, V joints, N clips, M persons, K classes.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from protogcn.batches.bodies import Bodies
from protogcn.models.add_on import AddOn, StepView
from protogcn.models.compiled_sums import activate_sum
from protogcn.models.loss import Loss, loss_of_step
from protogcn.models.norms import Shortcut, at_least_float32


class BlockSize(NamedTuple):
    """The size of one block; ``number`` counts from 1. The first has no shortcut if it widens."""

    number: int
    in_channels: int
    out_channels: int
    stride: int

    @property
    def residual(self) -> bool:
        """Whether there is a shortcut around the block."""
        return self.number > 1 or self.in_channels == self.out_channels


@dataclass(frozen=True)
class NetworkSize:
    """How large a network is.

    Attributes:
        num_classes: K.
        num_persons: M.
        channels: C, numbers per joint in a clip.
        width: channels of the first block.
        blocks: how many.
        downsample: the blocks, counted from 1, that double the width and halve the frames.
    """

    num_classes: int
    num_persons: int = 2
    channels: int = 3
    width: int = 64
    blocks: int = 10
    downsample: Sequence[int] = (5, 8)

    def of_blocks(self, in_channels: int | None = None) -> list[BlockSize]:
        """Return the size of each block; ``in_channels``: of the first, else those of a clip."""
        sizes, out_channels = [], self.width
        in_channels = in_channels or self.channels
        for number in range(1, self.blocks + 1):
            stride = 2 if number in self.downsample else 1
            out_channels *= stride
            sizes.append(BlockSize(number, in_channels, out_channels, stride))
            in_channels = out_channels
        return sizes


class GraphNetwork(nn.Module):
    """An input norm, blocks of a spatial and a temporal part each, and a linear classifier.

    Attributes:
        label_smoothing: the share of a label that is spread over all classes in training.
    """

    label_smoothing: float = 0.0

    def __init__(
        self,
        sizes: Sequence[BlockSize],
        num_classes: int,
        *,
        input_norm: nn.Module,
        spatial: Callable[[BlockSize], nn.Module],
        temporal: Callable[[BlockSize], nn.Module],
    ):
        """Draw the initial weights from torch's global generator.

        Args:
            sizes: of the blocks.
            num_classes: K.
            input_norm: bodies -> their values, (B, T, V, C), normed.
            spatial: makes the part of a block that sees one frame at a time. Both parts map
                (B, T, V, C) and the rows' multiplicity to (B, T', V, C').
            temporal: makes the part that sees all frames; it alone has the stride.
        """
        super().__init__()
        self.input_norm = input_norm
        self.blocks = nn.ModuleList(
            GraphBlock(each, spatial=spatial(each), temporal=temporal(each)) for each in sizes
        )
        self.classify = nn.Linear(sizes[-1].out_channels, num_classes)
        nn.init.normal_(self.classify.weight, std=0.01)
        nn.init.zeros_(self.classify.bias)

    def forward(self, bodies: Bodies) -> Tensor:
        """Bodies of N clips -> logits (N, K), at least float32."""
        return self._classified(self._pooled(self._features(bodies, ())[len(self.blocks)], bodies))

    def loss(self, bodies: Bodies, labels: Tensor, add_ons: Sequence[AddOn] = ()) -> Loss:
        """Bodies of N clips, labels (N,) -> the cross entropy, plus what add-ons have."""
        last = len(self.blocks)
        wanted = {block for add_on in add_ons for block in add_on.blocks}
        reads_relations = any(add_on.reads_relations for add_on in add_ons)
        features = self._features(bodies, wanted | {last - 1} if reads_relations else wanted)
        relations = None
        if reads_relations:
            of_rows = self.blocks[-1].spatial.relations(features[last - 1])
            with torch.autocast(of_rows.device.type, enabled=False):
                relations = bodies.mean_over_persons(of_rows)
        logits = self._classified(self._pooled(features[last], bodies))
        step = StepView(bodies, features, relations, logits, labels)
        return loss_of_step(step, add_ons, smoothing=self.label_smoothing)

    def _features(self, bodies: Bodies, wanted: Collection[int]) -> dict[int, Tensor]:
        """Return the outputs (B, T, V, C) of the wanted blocks and the last; 0 is the input."""
        features = self.input_norm(bodies)
        kept = {0: features} if 0 in wanted else {}
        for number, block in enumerate(self.blocks, start=1):
            features = block(features, bodies.multiplicity)
            if number in wanted:
                kept[number] = features
        return kept | {len(self.blocks): features}

    def _pooled(self, features: Tensor, bodies: Bodies) -> Tensor:
        """(B, T, V, C) -> the mean over frames, joints and persons (N, C), at least float32."""
        pooled = features.mean((1, 2), dtype=at_least_float32(features.dtype))  # (B, C)
        with torch.autocast(features.device.type, enabled=False):
            return bodies.mean_over_persons(pooled)

    def _classified(self, pooled: Tensor) -> Tensor:
        """(N, C) -> logits (N, K)."""
        with torch.autocast(pooled.device.type, enabled=False):
            return self.classify(pooled)


class GraphBlock(nn.Module):
    """One block: joints, then time, then a shortcut around both."""

    def __init__(self, size: BlockSize, *, spatial: nn.Module, temporal: nn.Module):
        super().__init__()
        self.stride = size.stride
        self.residual = size.residual
        self.spatial = spatial
        self.temporal = temporal
        self.shortcut = Shortcut(
            size.in_channels, size.out_channels, mapped=self.residual and size.stride > 1
        )

    def forward(self, features: Tensor, multiplicity: Tensor | None) -> Tensor:
        """(B, T, V, C) -> (B, T / stride, V, C')."""
        out = self.temporal(self.spatial(features, multiplicity), multiplicity)
        if not self.residual:
            return F.relu(out)
        kept = features[:, :: self.stride] if self.stride > 1 else features
        return activate_sum(out + self.shortcut(kept, multiplicity))


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
