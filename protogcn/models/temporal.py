"""Multi-scale temporal unit: six branches that see motion at different rates.

Source: ProtoGCN (Liu et al., CVPR 2025), temporal module; the six branches and the extra joint are
the released code's. Shapes: B bodies, C channels, T frames, V joints.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from protogcn.models.norms import ChannelsLastNorm

DILATIONS = (1, 2, 3, 4)
NUM_BRANCHES = len(DILATIONS) + 2  # and one maximum, one pointwise
NUM_COEFFICIENTS = 25  # of the released code, whatever the skeleton


class MultiScaleTemporal(nn.Module):
    """Temporal part of one block; ``stride`` 2 halves the frames.

    The branches' pointwise maps are one map, and the norms behind the first five one norm.
    """

    def __init__(self, channels: int, *, num_joints: int, stride: int = 1):
        super().__init__()
        self.stride = stride
        self.branch_channels = branch = channels // NUM_BRANCHES
        self.mean_weight = nn.Parameter(torch.zeros(max(num_joints, NUM_COEFFICIENTS)))
        self.reduce = nn.Linear(channels, channels)
        self.reduce_norm = ChannelsLastNorm(channels - branch)
        self.dilated = nn.ModuleList(
            dilated_convolution(branch, kernel=3, dilation=dilation, stride=stride)
            for dilation in DILATIONS
        )
        self.merge_norm = ChannelsLastNorm(channels)
        self.merge = nn.Linear(channels, channels)
        self.norm = ChannelsLastNorm(channels)

    def forward(self, features: Tensor, multiplicity: Tensor | None = None) -> Tensor:
        """(B, T, V, C) -> (B, T / stride, V, C), without a final activation."""
        num_joints = features.shape[2]
        mean = features.sum(2, keepdim=True) / num_joints  # (B, T, 1, C)
        scales = self._scales(torch.cat([features, mean], dim=2), multiplicity)  # (B, T, V + 1, C)
        local, mean = scales.split([num_joints, 1], dim=2)
        weight = self.mean_weight[:num_joints].to(scales.dtype).unsqueeze(-1)  # (V, 1)
        merged = torch.addcmul(local, weight, mean)  # (B, T, V, C)
        return self.norm(self.merge(F.relu_(self.merge_norm(merged, multiplicity))), multiplicity)

    def _scales(self, joints: Tensor, multiplicity: Tensor | None) -> Tensor:
        """(B, T, V, C) -> the six branches side by side, (B, T / stride, V, C)."""
        branch = self.branch_channels
        return side_by_side(
            joints,
            multiplicity,
            reduce=self.reduce,
            norm=self.reduce_norm,
            convolutions=self.dilated,
            widths=[branch] * NUM_BRANCHES,
            stride=self.stride,
        )


def dilated_convolution(channels: int, *, kernel: int, dilation: int, stride: int) -> nn.Conv2d:
    """Return a convolution over ``kernel`` frames that lie ``dilation`` apart."""
    return nn.Conv2d(
        channels,
        channels,
        (kernel, 1),
        stride=(stride, 1),
        padding=(kernel // 2 * dilation, 0),
        dilation=(dilation, 1),
    )


def side_by_side(
    features: Tensor,
    multiplicity: Tensor | None,
    *,
    reduce: nn.Linear,
    norm: ChannelsLastNorm,
    convolutions: nn.ModuleList,
    widths: Sequence[int],
    stride: int,
) -> Tensor:
    """(B, T, V, C) -> branches next to each other, (B, T / stride, V, C).

    Args:
        features: what every branch sees.
        multiplicity: see ``Bodies``.
        reduce: the branches' pointwise maps as one.
        norm: of all of them but the last one's, before their activation.
        convolutions: over time, one for each branch but the last two: a maximum over three frames,
            and the pointwise map alone.
        widths: channels of each branch.
        stride: in time.
    """
    parts = [sum(widths[:-1]), widths[-1]]  # with and without a norm
    reduced, pointwise = reduce(features).split(parts, dim=-1)
    reduced = F.relu_(norm(reduced.contiguous(), multiplicity))
    *inputs, pooled = reduced.permute(0, 3, 1, 2).split(widths[:-1], dim=1)  # (B, C / n, T, V)
    if stride > 1:
        pointwise = pointwise[:, ::stride]
    scales = [conv(part) for conv, part in zip(convolutions, inputs, strict=True)]
    scales.append(F.max_pool2d(pooled, (3, 1), stride=(stride, 1), padding=(1, 0)))
    scales.append(pointwise.permute(0, 3, 1, 2))
    return torch.cat(scales, dim=1).permute(0, 2, 3, 1)  # (B, T, V, C)
