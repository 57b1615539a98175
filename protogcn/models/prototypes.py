"""Prototype reconstruction: relations between joints rebuilt from learned motion prototypes.

Source: ProtoGCN (Liu et al., CVPR 2025), prototype reconstruction network; the map, norm and mean
after it are the released code's. Shapes: N clips, C channels, V joints, P prototypes.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from protogcn.batches.parallel import BatchPart
from protogcn.models.norms import ChannelsLastNorm


class PrototypeReconstruction(nn.Module):
    """Rebuild a topology as a soft mixture of prototypes; one number per pair of joints is kept."""

    def __init__(self, channels: int, num_prototypes: int, *, dropout: float = 0.1):
        super().__init__()
        self.assign = nn.Linear(channels, num_prototypes, bias=False)
        self.prototypes = nn.Linear(num_prototypes, channels, bias=False)
        self.dropout = nn.Dropout(dropout)
        self.project = nn.Linear(channels, channels)
        self.norm = ChannelsLastNorm(channels)

    def forward(self, relations: Tensor, part: BatchPart | None = None) -> Tensor:
        """(N, C, V, V) -> (N, V * V), the reconstructed relation of each pair of joints.

        In float32 under autocast too: the mixtures of all pairs are nearly equal, and the norm
        after them would blow up bfloat16's rounding.
        """
        with torch.autocast(relations.device.type, enabled=False):
            pairs = relations.flatten(2).transpose(1, 2)  # (N, V * V, C)
            rebuilt = self._dropped(self.prototypes(self.assignments(pairs)), part)
            return F.relu_(self.norm(self.project(rebuilt))).mean(-1)  # (N, V * V)

    def _dropped(self, rebuilt: Tensor, part: BatchPart | None) -> Tensor:
        """(N, V * V, C), with the mask that these clips have when one process has the batch."""
        if part is None:
            return self.dropout(rebuilt)
        whole = self.dropout(rebuilt.new_ones(part.total, *rebuilt.shape[1:]))
        return rebuilt * whole[part.first : part.stop]

    def assignments(self, pairs: Tensor) -> Tensor:
        """(..., C) -> the weight of each prototype, (..., P), summing to 1."""
        return torch.softmax(self.assign(pairs), dim=-1)
