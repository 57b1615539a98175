"""Motion topology enhancement: joint features mixed along a topology that follows the motion.

Source: ProtoGCN (Liu et al., CVPR 2025), motion topology enhancement; details from the released
code. Shapes: B bodies, C channels = S subsets x D features, T frames, V joints.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from protogcn.models.norms import (
    ChannelsFirstNorm,
    ChannelsLastNorm,
    Shortcut,
    at_least_float32,
    map_and_norm,
)
from protogcn.models.pointwise import ToChannelsFirst, ToChannelsLast


class MotionRelations(NamedTuple):
    """How the joints of each body move, compared pair by pair.

    Attributes:
        source: (B, S, D, V), of the joint that gives.
        target: (B, S, D, V), of the joint that takes.
        intra: (B, S, V, V), their weighted similarity.
    """

    source: Tensor
    target: Tensor
    intra: Tensor


class MotionTopology(nn.Module):
    """Spatial part of one block.

    What a joint takes from another is the sum of a learned topology, their difference in motion
    (``inter``) and their similarity (``intra``). ``alpha`` and ``beta`` have one entry per subset,
    of which the released code uses the first only.
    """

    def __init__(self, in_channels: int, out_channels: int, *, topology: Tensor):
        """Start from ``topology``, shape (S, V, V), which is copied."""
        super().__init__()
        self.num_subsets = len(topology)
        self.topology = nn.Parameter(topology.clone())
        self.alpha = nn.Parameter(torch.zeros(self.num_subsets))
        self.beta = nn.Parameter(torch.zeros(self.num_subsets))
        self.relate = nn.Linear(in_channels, 2 * out_channels)
        self.expand = ToChannelsFirst(in_channels, out_channels)
        self.expand_norm = ChannelsFirstNorm(out_channels)
        self.merge = ToChannelsLast(out_channels, out_channels)
        self.merge_norm = ChannelsLastNorm(out_channels)
        self.shortcut = Shortcut(in_channels, out_channels, mapped=in_channels != out_channels)

    def forward(
        self, features: Tensor, multiplicity: Tensor | None = None
    ) -> tuple[Tensor, MotionRelations]:
        """(B, T, V, C) -> features (B, T, V, C) without a final activation; what relations are of.

        The temporal part activates them.
        """
        # The maps to compare are linear and act on each frame alone, so that the mean of their
        # outputs is their output of the mean.
        dtype = at_least_float32(features.dtype)
        pooled = features.sum(1, dtype=dtype) / features.shape[1]  # (B, V, C)
        compared = self.compare(pooled)
        mixed = self.mix(features, compared, multiplicity)  # (B, C, T, V)
        merged = map_and_norm(self.merge, self.merge_norm, mixed, multiplicity)  # (B, T, V, C)
        return merged.add_(self.shortcut(features, multiplicity)), compared

    def mix(
        self, features: Tensor, compared: MotionRelations, multiplicity: Tensor | None
    ) -> Tensor:
        """Map, norm and activate (B, T, V, I), and mix its joints: (B, C, T, V)."""
        active = map_and_norm(self.expand, self.expand_norm, features, multiplicity, activated=True)
        relations = self.relations(compared)  # (B, C, V, V)
        topology = self.topology.repeat_interleave(relations.shape[1] // self.num_subsets, dim=0)
        return active @ (relations + topology)

    def compare(self, pooled: Tensor) -> MotionRelations:
        """Time mean of the features (B, V, C) -> what the relations are made of."""
        with torch.autocast(pooled.device.type, enabled=False):
            both = self.relate(pooled).transpose(1, 2).contiguous()  # (B, 2 * S * D, V)
            source, target = both.unflatten(1, (2, self.num_subsets, -1)).unbind(1)  # (B, S, D, V)
            similarity = source.transpose(2, 3) @ target  # (B, S, V, V)
            intra = self.beta[0] * torch.softmax(similarity, dim=2)
            return MotionRelations(source, target, intra)

    def relations(self, compared: MotionRelations) -> Tensor:
        """Return inter + intra, (B, C, V, V): what joint v gives to joint w."""
        source, target, intra = compared
        inter = torch.tanh(source.unsqueeze(-1) + (-target).unsqueeze(-2))  # (B, S, D, V, V)
        return torch.addcmul(intra.unsqueeze(2), self.alpha[0], inter).flatten(1, 2)
