"""Motion topology enhancement: joint features mixed along a topology that follows the motion.

Source: ProtoGCN (Liu et al., CVPR 2025), motion topology enhancement; details from the released
code. Shapes: N clips x persons, C channels = S subsets x D features, T frames, V joints.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from protogcn.models.channels import ChannelNorm, precise
from protogcn.models.pointwise import ToChannelsFirst, ToChannelsLast


class MotionTopology(nn.Module):
    """Spatial part of one block.

    A joint takes from another what a learned topology, their difference in motion (``inter``)
    and their similarity (``intra``) say. ``alpha`` and ``beta`` have one entry per subset, of which
    the released code uses the first only.
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
        self.expand_norm = nn.BatchNorm2d(out_channels)
        self.merge = ToChannelsLast(out_channels, out_channels)
        self.merge_norm = ChannelNorm(out_channels)
        self.shortcut = nn.Identity()
        if in_channels != out_channels:
            self.shortcut = nn.Sequential(
                nn.Linear(in_channels, out_channels), ChannelNorm(out_channels)
            )

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """(N, T, V, C) -> features (N, T, V, C), the motion's part of the topology (N, C, V, V)."""
        relations = self.relations(features)  # (N, C, V, V)
        topology = self.topology.repeat_interleave(relations.shape[1] // self.num_subsets, dim=0)
        expanded = F.relu_(self.expand_norm(self.expand(features)))  # (N, C, T, V)
        mixed = expanded @ (relations + topology)  # (N, C, T, V)
        merged = self.merge_norm(self.merge(mixed))  # (N, T, V, C)
        return F.relu_(merged.add_(self.shortcut(features))), relations

    def relations(self, features: Tensor) -> Tensor:
        """(N, T, V, C) -> inter + intra, (N, C, V, V): what joint v gives to joint w.

        The time mean comes first: the two maps are linear and act on each frame alone, so that
        the mean of their outputs is their output of the mean.
        """
        pooled = features.sum(1, dtype=precise(features.dtype)) / features.shape[1]  # (N, V, C)
        with torch.autocast(features.device.type, enabled=False):
            both = self.relate(pooled).transpose(1, 2).contiguous()  # (N, 2 * S * D, V)
            source, target = both.unflatten(1, (2, self.num_subsets, -1)).unbind(1)  # (N, S, D, V)
            inter = torch.tanh(source.unsqueeze(-1) + (-target).unsqueeze(-2))  # (N, S, D, V, V)
            similarity = source.transpose(2, 3) @ target  # (N, S, V, V)
            intra = self.beta[0] * torch.softmax(similarity, dim=2).unsqueeze(2)  # (N, S, 1, V, V)
            return torch.addcmul(intra, self.alpha[0], inter).flatten(1, 2)  # (N, C, V, V)
