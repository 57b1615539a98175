"""Multi-scale temporal unit: six branches that see motion at different rates.

Source: ProtoGCN (Liu et al., CVPR 2025), temporal module; the six branches and the extra joint are
the released code's. Shapes: B bodies, C channels, T frames, V joints.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from protogcn.models.compiled_pool import MaxOfThreeFrames
from protogcn.models.compiled_sums import activate_with_mean, add_mean
from protogcn.models.norms import (
    ChannelsLastNorm,
    map_and_norm,
    norm_and_activate,
    weighted_norm,
)
from protogcn.models.pointwise import without_bias

DILATIONS = (1, 2, 3, 4)
NUM_BRANCHES = len(DILATIONS) + 2  # and one maximum, one pointwise
NUM_COEFFICIENTS = 25  # of the released code, whatever the skeleton


class Branches(nn.Module):
    """Branches over time: dilated convolutions, a maximum over three frames, a pointwise map.

    Each branch begins with a pointwise map, followed in all but the last by a norm and an
    activation: the maps are one map here, and the norms one norm.
    """

    def __init__(
        self, widths: Sequence[int], *, kernel: int, dilations: Sequence[int], stride: int
    ):
        """``widths``: channels of each branch, one for each dilation and two more."""
        super().__init__()
        self.widths = list(widths)
        self.stride = stride
        self.reduce = nn.Linear(sum(widths), sum(widths))
        self.reduce_norm = ChannelsLastNorm(sum(widths[:-1]))
        self.dilated = nn.ModuleList(
            nn.Conv2d(
                width,
                width,
                (kernel, 1),
                stride=(stride, 1),
                padding=(kernel // 2 * dilation, 0),
                dilation=(dilation, 1),
            )
            for width, dilation in zip(widths[:-2], dilations, strict=True)
        )

    def side_by_side(self, features: Tensor, multiplicity: Tensor | None) -> Tensor:
        """(B, T, V, C) -> the branches next to each other, (B, T / stride, V, C)."""
        if torch.compiler.is_compiling():
            branches, biases = self.without_biases(features, multiplicity)
            return torch.cat(branches, dim=-1) + biases.to(branches[0].dtype)
        parts = [sum(self.widths[:-1]), self.widths[-1]]
        reduced, pointwise = self.reduce(features).split(parts, dim=-1)
        active = norm_and_activate(self.reduce_norm, reduced.contiguous(), multiplicity)
        inputs = active.permute(0, 3, 1, 2).split(self.widths[:-1], dim=1)  # (B, C / n, T, V)
        if self.stride > 1:
            pointwise = pointwise[:, :: self.stride]
        scales = [conv(part) for conv, part in zip(self.dilated, inputs[:-1], strict=True)]
        scales.append(F.max_pool2d(inputs[-1], (3, 1), stride=(self.stride, 1), padding=(1, 0)))
        scales.append(pointwise.permute(0, 3, 1, 2))
        return torch.cat(scales, dim=1).permute(0, 2, 3, 1)  # (B, T, V, C)

    def without_biases(
        self, features: Tensor, multiplicity: Tensor | None
    ) -> tuple[list[Tensor], Tensor]:
        """(B, T, V, C) -> the branches (B, T / stride, V, C / n), and the biases that they lack.

        For compiled code, where one sum is the gradient of all biases, and each branch is read in
        the layout that it was written in.
        """
        parts = [sum(self.widths[:-1]), self.widths[-1]]
        reduced, pointwise = without_bias(self.reduce, features).split(parts, dim=-1)
        bias, last_bias = self.reduce.bias.split(parts)
        norm = self.reduce_norm
        if self.training and multiplicity is not None:
            active = weighted_norm(
                norm, reduced, multiplicity, axis=features.dim() - 1, bias=bias, activated=True
            )
        else:
            active = F.relu(norm(reduced + bias.to(reduced.dtype), multiplicity))
        *inputs, largest = active.split(self.widths[:-1], dim=-1)  # (B, T, V, C / n)
        branches = [
            F.conv2d(
                part.contiguous().permute(0, 3, 1, 2),  # (B, C / n, T, V); cuDNN would copy a slice
                conv.weight,
                stride=conv.stride,
                padding=conv.padding,
                dilation=conv.dilation,
            ).permute(0, 2, 3, 1)
            for conv, part in zip(self.dilated, inputs, strict=True)
        ]
        branches.append(MaxOfThreeFrames.apply(largest, self.stride))
        branches.append(pointwise[:, :: self.stride] if self.stride > 1 else pointwise)
        none = bias.new_zeros(self.widths[-2])
        return branches, torch.cat([*(conv.bias for conv in self.dilated), none, last_bias])


class MultiScaleTemporal(Branches):
    """Temporal part of one block; ``stride`` 2 halves the frames."""

    def __init__(self, channels: int, *, num_joints: int, stride: int = 1):
        widths = [channels // NUM_BRANCHES] * NUM_BRANCHES
        super().__init__(widths, kernel=3, dilations=DILATIONS, stride=stride)
        self.mean_weight = nn.Parameter(torch.zeros(max(num_joints, NUM_COEFFICIENTS)))
        self.merge_norm = ChannelsLastNorm(channels)
        self.merge = nn.Linear(channels, channels)
        self.norm = ChannelsLastNorm(channels)

    def forward(self, features: Tensor, multiplicity: Tensor | None = None) -> Tensor:
        """(B, T, V, C) -> (B, T / stride, V, C): from before an activation to before the next."""
        num_joints = features.shape[2]
        with_mean = activate_with_mean(features)  # (B, T, V + 1, C)
        weight = self.mean_weight[:num_joints]
        if torch.compiler.is_compiling():
            merged = add_mean(*self.without_biases(with_mean, multiplicity), weight)
        else:
            scales = self.side_by_side(with_mean, multiplicity)
            local, mean = scales.split([num_joints, 1], dim=2)
            weight = weight.to(scales.dtype).unsqueeze(-1)  # (V, 1)
            merged = torch.addcmul(local, weight, mean)  # (B, T, V, C)
        active = norm_and_activate(self.merge_norm, merged, multiplicity)
        return map_and_norm(self.merge, self.norm, active, multiplicity)
