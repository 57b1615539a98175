"""Sums over features for compiled code, whose gradients are stored once.

Where several kernels read a value, the compiler would compute it in each of them again, from all
that it is made of; asked for an order in memory, it stores the value. (``as_strided`` would ask for
memory, too, but torch 2.13 then reads it in another order than it was stored in.)
Shapes: B rows, T frames, V joints, C channels.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import FunctionCtx, once_differentiable

from protogcn.models.norms import at_least_float32


def activate_sum(features: Tensor) -> Tensor:
    """Return the relu of features; it may take their memory."""
    return _StoredRelu.apply(features) if torch.compiler.is_compiling() else F.relu_(features)


def activate_with_mean(features: Tensor) -> Tensor:
    """Relu of (B, T, V, C), and its mean over joints as one joint more: (B, T, V + 1, C)."""
    if torch.compiler.is_compiling():
        rows = _ReluWithMean.apply(features)  # (B * T * (V + 1), C)
        return rows.unflatten(0, (*features.shape[:2], -1))
    active = F.relu_(features)
    # A GPU's autocast sums in float32, and would go on in it.
    mean = (active.sum(2, keepdim=True) / features.shape[2]).to(active.dtype)  # (B, T, 1, C)
    return torch.cat([active, mean], dim=2)


def add_mean(branches: Sequence[Tensor], biases: Tensor, weight: Tensor) -> Tensor:
    """Branches (B, T, V + 1, C / n) side by side; each joint with its part of the last one.

    Args:
        branches: each without its bias.
        biases: (C,).
        weight: (V,) of the last joint in each of the others.

    Returns:
        (B, T, V, C).
    """
    return _AddMean.apply(biases, weight, *branches)


class _StoredRelu(Function):
    @staticmethod
    def forward(ctx: FunctionCtx, features: Tensor) -> Tensor:
        active = features.relu()
        ctx.save_for_backward(active)
        return active

    @staticmethod
    @once_differentiable
    def backward(ctx: FunctionCtx, gradient: Tensor) -> Tensor:
        (active,) = ctx.saved_tensors
        return stored(torch.where(active > 0, gradient, 0))


class _ReluWithMean(Function):
    @staticmethod
    def forward(ctx: FunctionCtx, features: Tensor) -> Tensor:
        active = features.relu()
        dtype = at_least_float32(active.dtype)
        mean = active.sum(2, keepdim=True, dtype=dtype) / features.shape[2]
        # In the shape that the map reads and keeps: else a mask would be kept beside it.
        rows = torch.cat([active, mean.to(active.dtype)], dim=2).flatten(0, 2)
        ctx.save_for_backward(rows)
        ctx.shape = features.shape
        return rows

    @staticmethod
    @once_differentiable
    def backward(ctx: FunctionCtx, gradient: Tensor) -> Tensor:
        (rows,) = ctx.saved_tensors
        joints = ctx.shape[2]
        whole = (*ctx.shape[:2], -1)
        of_active, of_mean = gradient.unflatten(0, whole).split([joints, 1], dim=2)
        is_active = (rows > 0).unflatten(0, whole)[:, :, :joints]
        return torch.where(is_active, of_active + of_mean / joints, 0)


class _AddMean(Function):
    @staticmethod
    def forward(ctx: FunctionCtx, biases: Tensor, weight: Tensor, *branches: Tensor) -> Tensor:
        joints, dtype = len(weight), branches[0].dtype
        # Apart, so that the branches are read where they are and not put together first.
        local = torch.cat([branch[:, :, :joints] for branch in branches], dim=-1)
        mean = torch.cat([branch[:, :, joints:] for branch in branches], dim=-1) + biases.to(dtype)
        ctx.save_for_backward(mean, weight)
        ctx.widths = [branch.shape[-1] for branch in branches]
        return local + biases.to(dtype) + weight.to(dtype).unsqueeze(-1) * mean

    @staticmethod
    @once_differentiable
    def backward(ctx: FunctionCtx, gradient: Tensor) -> tuple[Tensor, ...]:
        mean, weight = ctx.saved_tensors
        of_mean = (gradient * weight.unsqueeze(-1)).sum(2, keepdim=True)  # (B, T, 1, C)
        both = stored(torch.cat([gradient, of_mean.to(gradient.dtype)], dim=2))
        of_weight = (both[:, :, :-1].to(weight.dtype) * mean).sum((0, 1, 3))  # (V,)
        of_biases = both.sum((0, 1, 2), dtype=weight.dtype)  # (C,)
        return of_biases, of_weight, *both.split(ctx.widths, dim=-1)


def stored(values: Tensor) -> Tensor:
    """Return the values, which the compiler is to keep in memory."""
    from torch._inductor.inductor_prims import force_stride_order  # takes a second

    values = values.contiguous()
    return force_stride_order(values, values.stride())
