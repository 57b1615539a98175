"""The blocks of the yardstick network: spatial part, temporal part, shortcut, as released.

Shapes: N clips x persons, C channels = S subsets x D features, T frames, V joints.
"""

import torch
from torch import Tensor, nn

DILATIONS = (1, 2, 3, 4)
NUM_BRANCHES = 6
NUM_COEFFICIENTS = 25  # of the extra joint, whatever the skeleton


class Block(nn.Module):
    """Spatial part, temporal part, shortcut."""

    def __init__(
        self, in_channels: int, out_channels: int, topology: Tensor, stride: int, *, residual: bool
    ):
        super().__init__()
        self.gcn = Spatial(in_channels, out_channels, topology)
        self.tcn = Temporal(out_channels, topology.shape[-1], stride)
        self.relu = nn.ReLU(inplace=True)
        self.has_residual = residual
        self.residual = nn.Identity()
        if residual and (in_channels != out_channels or stride > 1):
            self.residual = StridedConv(in_channels, out_channels, stride)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(N, C, T, V) -> features (N, C, T / stride, V), relations (N, C, V, V)."""
        y, graph = self.gcn(x)
        y = self.tcn(y)
        if self.has_residual:
            y = y + self.residual(x)
        return self.relu(y), graph


class StridedConv(nn.Module):
    """Pointwise convolution and norm, on every second frame."""

    def __init__(self, in_channels: int, out_channels: int, stride: int):
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, 1, stride=(stride, 1))
        self.bn = nn.BatchNorm2d(out_channels)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, T, V) -> (N, C, T / stride, V)."""
        return self.bn(self.conv(x))


class Spatial(nn.Module):
    """Motion topology enhancement."""

    def __init__(self, in_channels: int, out_channels: int, topology: Tensor):
        super().__init__()
        subsets = len(topology)
        self.A = nn.Parameter(topology.clone())
        self.alpha = nn.Parameter(torch.zeros(subsets))
        self.beta = nn.Parameter(torch.zeros(subsets))
        self.relu = nn.ReLU(inplace=True)
        self.pre = nn.Sequential(
            nn.Conv2d(in_channels, out_channels, 1), nn.BatchNorm2d(out_channels), self.relu
        )
        self.post = nn.Conv2d(out_channels, out_channels, 1)
        self.conv1 = nn.Conv2d(in_channels, out_channels, 1)
        self.conv2 = nn.Conv2d(in_channels, out_channels, 1)
        self.down = nn.Identity()
        if in_channels != out_channels:
            self.down = nn.Sequential(
                nn.Conv2d(in_channels, out_channels, 1), nn.BatchNorm2d(out_channels)
            )
        self.bn = nn.BatchNorm2d(out_channels)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(N, C, T, V) -> features (N, C, T, V), inter + intra (N, C, V, V)."""
        n, _, t, v = x.shape
        s = len(self.A)
        pre = self.pre(x).reshape(n, s, -1, t, v)  # (N, S, D, T, V)
        query = self.conv1(x).reshape(n, s, -1, t, v).mean(-2)  # (N, S, D, V)
        key = self.conv2(x).reshape(n, s, -1, t, v).mean(-2)  # (N, S, D, V)

        inter = torch.tanh(query.unsqueeze(-1) - key.unsqueeze(-2))  # (N, S, D, V, V)
        inter = inter * self.alpha[0]
        intra = torch.einsum("nsdv,nsdw->nsvw", query, key).softmax(-2)  # (N, S, V, V)
        intra = (intra * self.beta[0]).unsqueeze(2)  # (N, S, 1, V, V)
        topology = self.A.unsqueeze(1) + inter + intra  # (N, S, D, V, V)

        y = torch.einsum("nsdtv,nsdvw->nsdtw", pre, topology).reshape(n, -1, t, v)
        y = self.bn(self.post(y)) + self.down(x)
        return self.relu(y), (inter + intra).reshape(n, -1, v, v)


class Temporal(nn.Module):
    """Six branches, each with its own maps and norms."""

    def __init__(self, channels: int, num_joints: int, stride: int):
        super().__init__()
        width = channels // NUM_BRANCHES
        self.add_coeff = nn.Parameter(torch.zeros(max(num_joints, NUM_COEFFICIENTS)))
        branches = [
            nn.Sequential(*_reduce(channels, width), DilatedConv(width, stride, dilation))
            for dilation in DILATIONS
        ]
        pool = nn.MaxPool2d((3, 1), stride=(stride, 1), padding=(1, 0))
        branches.append(nn.Sequential(*_reduce(channels, width), pool))
        branches.append(nn.Conv2d(channels, width, 1, stride=(stride, 1)))
        self.branches = nn.ModuleList(branches)
        self.transform = nn.Sequential(
            nn.BatchNorm2d(channels), nn.ReLU(), nn.Conv2d(channels, channels, 1)
        )
        self.bn = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, T, V) -> (N, C, T / stride, V), without a final activation."""
        v = x.shape[-1]
        x = torch.cat([x, x.mean(-1, keepdim=True)], dim=-1)  # (N, C, T, V + 1)
        x = torch.cat([branch(x) for branch in self.branches], dim=1)  # (N, C, T, V + 1)
        extra = torch.einsum("nct,v->nctv", x[..., v], self.add_coeff[:v])
        x = x[..., :v] + extra  # (N, C, T, V)
        return self.bn(self.transform(x))


class DilatedConv(nn.Module):
    """Three frames, ``dilation`` apart."""

    def __init__(self, channels: int, stride: int, dilation: int):
        super().__init__()
        self.conv = nn.Conv2d(
            channels,
            channels,
            (3, 1),
            stride=(stride, 1),
            padding=(dilation, 0),
            dilation=(dilation, 1),
        )

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, T, V) -> (N, C, T / stride, V)."""
        return self.conv(x)


def _reduce(channels: int, width: int) -> tuple[nn.Module, nn.Module, nn.Module]:
    return nn.Conv2d(channels, width, 1), nn.BatchNorm2d(width), nn.ReLU()
