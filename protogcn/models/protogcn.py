"""ProtoGCN: clips of skeletons in, class scores out; in training also the contrastive loss.

Source: ProtoGCN (Liu et al., CVPR 2025), Table 1 of its supplement for the encoding blocks; details
from the released code. Shapes: N clips, M persons, C channels, T frames, V joints, K classes.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from protogcn.batches.bodies import Bodies
from protogcn.errors import ConfigError
from protogcn.models.add_on import StepView
from protogcn.models.compiled_sums import activate_sum
from protogcn.models.contrast import ClassContrast
from protogcn.models.loss import Loss, loss_of_step
from protogcn.models.norms import InputNorm, Shortcut, at_least_float32
from protogcn.models.prototypes import PrototypeReconstruction
from protogcn.models.temporal import NUM_BRANCHES, MultiScaleTemporal
from protogcn.models.topology import MotionRelations, MotionTopology


class ProtoGCN(nn.Module):
    """The network of one stream."""

    label_smoothing: float = 0.0  # as in GraphNetwork

    def __init__(
        self,
        *,
        num_classes: int,
        num_joints: int,
        channels: int = 3,
        width: int = 96,
        blocks: int = 10,
        downsample: Sequence[int] = (5, 8),
        subsets: int = 8,
        prototypes: int = 400,
        contrast_weight: float = 0.2,
        contrast_features: int = 256,
        dropout: float = 0.1,
        spatial: type[MotionTopology] = MotionTopology,
    ):
        """Draw the initial weights from torch's global generator.

        Args:
            num_classes: K.
            num_joints: V.
            channels: numbers per joint in a clip.
            width: channels of the first block, a multiple of 6 branches and of the subsets.
            blocks: number of encoding blocks.
            downsample: the blocks, counted from 1, that double the width and halve the frames.
            subsets: topologies per block.
            prototypes: P, learned motion prototypes.
            contrast_weight: weight of the contrastive loss beside the cross entropy.
            contrast_features: size of a class's vector in the memory bank.
            dropout: share of the reconstruction's values set to zero in training.
            spatial: the spatial part of a block, or one that computes the same in another way.

        Raises:
            ConfigError: a width or a list of blocks that the network cannot have.
        """
        super().__init__()
        _check(width, blocks, downsample, subsets)
        self.input_norm = InputNorm(num_joints * channels)
        topology = 0.04 + 0.02 * torch.randn(subsets, num_joints, num_joints)
        self.blocks = nn.ModuleList()
        in_channels, out_channels = channels, width
        for number in range(1, blocks + 1):
            stride = 2 if number in downsample else 1
            out_channels *= stride
            self.blocks.append(
                EncodingBlock(
                    in_channels,
                    out_channels,
                    topology=topology,
                    stride=stride,
                    residual=number > 1,
                    spatial=spatial,
                )
            )
            in_channels = out_channels
        self.reconstruct = PrototypeReconstruction(out_channels, prototypes, dropout=dropout)
        self.contrast = ClassContrast(
            num_joints**2, num_classes, weight=contrast_weight, features=contrast_features
        )
        self.classify = nn.Linear(out_channels, num_classes)
        nn.init.normal_(self.classify.weight, std=0.01)
        nn.init.zeros_(self.classify.bias)

    def forward(self, bodies: Bodies) -> Tensor:
        """Bodies of N clips -> logits (N, K), at least float32."""
        logits, _ = self.encode(bodies)
        return logits

    def loss(self, bodies: Bodies, labels: Tensor) -> Loss:
        """Bodies of N clips, labels (N,) -> cross entropy plus contrast.

        In training mode the call also moves the memory bank. Of a part of a batch the losses are
        its share of the whole batch's.
        """
        logits, compared = self.encode(bodies)
        with torch.autocast(logits.device.type, enabled=False):
            relations = bodies.mean_over_persons(self.blocks[-1].spatial.relations(compared))
        rebuilt = self.reconstruct(relations, bodies.part)
        step = StepView(bodies, {}, rebuilt, logits, labels)
        return loss_of_step(step, [self.contrast], smoothing=self.label_smoothing)

    def encode(self, bodies: Bodies) -> tuple[Tensor, MotionRelations]:
        """Return logits (N, K), and what the last block's relations are made of."""
        features = self.input_norm(bodies)  # (B, T, V, C)
        for block in self.blocks:
            features, compared = block(features, bodies.multiplicity)
        pooled = features.mean((1, 2), dtype=at_least_float32(features.dtype))  # (B, C)
        with torch.autocast(features.device.type, enabled=False):
            return self.classify(bodies.mean_over_persons(pooled)), compared


class EncodingBlock(nn.Module):
    """One encoding block: topology, then time, then the block's own shortcut."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        topology: Tensor,
        stride: int,
        residual: bool,
        spatial: type[MotionTopology],
    ):
        super().__init__()
        self.stride = stride
        self.residual = residual
        self.spatial = spatial(in_channels, out_channels, topology=topology)
        self.temporal = MultiScaleTemporal(
            out_channels, num_joints=topology.shape[-1], stride=stride
        )
        mapped = residual and (stride > 1 or in_channels != out_channels)
        self.shortcut = Shortcut(in_channels, out_channels, mapped=mapped)

    def forward(
        self, features: Tensor, multiplicity: Tensor | None
    ) -> tuple[Tensor, MotionRelations]:
        """(B, T, V, C) -> features (B, T / stride, V, C), what the relations are made of."""
        mixed, compared = self.spatial(features, multiplicity)
        out = self.temporal(mixed, multiplicity)
        if self.residual:
            kept = features[:, :: self.stride] if self.stride > 1 else features
            out = out.add_(self.shortcut(kept, multiplicity))
        return activate_sum(out), compared


def _check(width: int, blocks: int, downsample: Sequence[int], subsets: int) -> None:
    multiple = math.lcm(NUM_BRANCHES, subsets)
    if width < 1 or width % multiple:
        raise ConfigError(
            f"model: width is {width}, but {NUM_BRANCHES} branches and {subsets} subsets need a"
            f" multiple of {multiple}."
        )
    if wrong := [number for number in downsample if not 2 <= number <= blocks]:
        raise ConfigError(
            f"model: downsample has {', '.join(map(str, wrong))}, but only blocks 2 to {blocks} can"
            " double the width."
        )
