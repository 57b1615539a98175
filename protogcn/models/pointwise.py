"""Linear maps over channels that also move the channel axis: (N, T, V, C) <-> (N, C, T, V).

A matrix product reads and writes transposed matrices for free, where a copy from one layout to
the other costs as much as the product itself. Autograd alone would hand on the gradients in the
wrong layout, so the backward passes are written out. Shapes: N clips x persons, C channels (I in,
O out), T frames, V joints, L = T * V.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd import Function
from torch.autograd.function import FunctionCtx, once_differentiable


class ToChannelsFirst(nn.Linear):
    """1 x 1 convolution from channels-last to channels-first memory."""

    def forward(self, features: Tensor) -> Tensor:
        """(N, T, V, I) -> (N, O, T, V)."""
        if torch.compiler.is_compiling():  # the compiler chooses the layouts of gradients itself
            rows = F.linear(features.flatten(1, 2), self.weight, self.bias)  # (N, L, O)
            return rows.transpose(1, 2).unflatten(2, features.shape[1:3])
        rows = features.flatten(1, 2)  # (N, L, I)
        columns = _LastToFirst.apply(*_autocast(rows, self.weight, self.bias))  # (N, O, L)
        return columns.unflatten(2, features.shape[1:3])

    def without_bias(self, features: Tensor) -> Tensor:
        """(N, T, V, I) -> (N, O, T, V), for compiled code."""
        columns = (features.flatten(1, 2) @ self.weight.t()).transpose(1, 2)  # (N, O, L)
        return columns.unflatten(2, features.shape[1:3])


class ToChannelsLast(nn.Linear):
    """1 x 1 convolution from channels-first to channels-last memory."""

    def forward(self, features: Tensor) -> Tensor:
        """(N, I, T, V) -> (N, T, V, O)."""
        if torch.compiler.is_compiling():
            rows = F.linear(features.flatten(2).transpose(1, 2), self.weight, self.bias)
            return rows.unflatten(1, features.shape[2:])
        columns = features.flatten(2)  # (N, I, L)
        rows = _FirstToLast.apply(*_autocast(columns, self.weight, self.bias))  # (N, L, O)
        return rows.unflatten(1, features.shape[2:])

    def without_bias(self, features: Tensor) -> Tensor:
        """(N, I, T, V) -> (N, T, V, O), for compiled code."""
        rows = features.flatten(2).transpose(1, 2) @ self.weight.t()  # (N, L, O)
        return rows.unflatten(1, features.shape[2:])


def without_bias(linear: nn.Linear, features: Tensor) -> Tensor:
    """Return a map's result without its bias."""
    if isinstance(linear, ToChannelsFirst | ToChannelsLast):
        return linear.without_bias(features)
    return F.linear(features, linear.weight)


class _LastToFirst(Function):
    @staticmethod
    def forward(ctx: FunctionCtx, rows: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        ctx.save_for_backward(rows, weight)
        weights = weight.expand(len(rows), -1, -1)  # (N, O, I)
        return torch.baddbmm(bias.unsqueeze(1), weights, rows.transpose(1, 2))  # (N, O, L)

    @staticmethod
    @once_differentiable
    def backward(ctx: FunctionCtx, grad: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        rows, weight = ctx.saved_tensors
        weights = weight.expand(len(rows), -1, -1)  # (N, O, I)
        grad_rows = torch.bmm(grad.transpose(1, 2), weights)  # (N, L, I)
        return grad_rows, torch.bmm(grad, rows).sum(0), grad.sum((0, 2))


class _FirstToLast(Function):
    @staticmethod
    def forward(ctx: FunctionCtx, columns: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        ctx.save_for_backward(columns, weight)
        weights = weight.t().expand(len(columns), -1, -1)  # (N, I, O)
        return torch.baddbmm(bias, columns.transpose(1, 2), weights)  # (N, L, O)

    @staticmethod
    @once_differentiable
    def backward(ctx: FunctionCtx, grad: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        columns, weight = ctx.saved_tensors
        weights = weight.t().expand(len(columns), -1, -1)  # (N, I, O)
        turned = grad.transpose(1, 2)  # (N, O, L)
        grad_weight = torch.bmm(turned, columns.transpose(1, 2)).sum(0)
        return torch.bmm(weights, turned), grad_weight, grad.sum((0, 1))


def _autocast(*tensors: Tensor) -> list[Tensor]:
    """Cast as torch.autocast would, which does not look into autograd functions."""
    device = tensors[0].device.type
    if not torch.is_autocast_enabled(device):
        return list(tensors)
    dtype = torch.get_autocast_dtype(device)
    return [tensor.to(dtype) for tensor in tensors]
