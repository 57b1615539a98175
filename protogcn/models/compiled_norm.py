"""Batch norm of weighted rows for compiled code: back through it in two passes over the features.

Autograd's way through the moments writes features in float32 and reads them again. Here the
backward pass is one reduction (both sums) and one pointwise pass. Eager code keeps autograd's way:
its kernels are other ones, and its results stay as they are.
Shapes: B rows, C channels.
"""

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import FunctionCtx, once_differentiable


class CompiledNorm(Function):
    """(features, weights of rows, guess, weight, bias, left out) -> normed, mean, variance."""

    @staticmethod
    def forward(
        ctx: FunctionCtx,
        features: Tensor,
        weights: Tensor,
        guess: Tensor,
        scale: Tensor,
        shift: Tensor,
        left_out: Tensor | None,
        eps: float,
        axis: int,
        activated: bool,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Norm features.

        Args:
            ctx: what the backward pass needs.
            features: (B, ..., C, ...).
            weights: (B, 1, ...) of each value of a row in a mean, float32 or wider.
            guess: (C,) about the mean: the moments are taken about it.
            scale: (C,).
            shift: (C,).
            left_out: (C,) a bias that the features are without; its gradient is zero.
            eps: added to the variance.
            axis: of C.
            activated: relu of the normed features instead.

        Returns:
            Features of the same kind; mean and variance (C,) of those that came in.
        """
        shape = _along(features, axis)
        values = features.to(weights.dtype)
        mean, variance = _moments(values, weights, guess, axis=axis)
        inverse = (variance + eps).rsqrt()
        normed = (values - mean.view(shape)) * (inverse * scale).view(shape) + shift.view(shape)
        normed = normed.relu() if activated else normed
        ctx.save_for_backward(features, weights, mean, inverse, scale, shift, left_out)
        ctx.axis, ctx.activated = axis, activated
        ctx.mark_non_differentiable(mean, variance)
        return _as(normed, features), mean, variance

    @staticmethod
    @once_differentiable
    def backward(ctx: FunctionCtx, gradient: Tensor, *_: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradients of features, scale, shift, and zero for what was left out."""
        features, weights, mean, inverse, scale, shift, left_out = ctx.saved_tensors
        others, shape = _others(features, ctx.axis), _along(features, ctx.axis)
        gradient = gradient.to(mean.dtype)
        centred = features.to(mean.dtype) - mean.view(shape)
        slope = inverse * scale
        if ctx.activated:  # found again from the features, which are read anyway
            active = centred * slope.view(shape) + shift.view(shape) > 0
            gradient = torch.where(active, gradient, 0)
        of_shift = gradient.sum(others)  # (C,)
        of_scale = (gradient * centred).sum(others) * inverse
        through_variance = centred * (slope * inverse * of_scale).view(shape)
        through_moments = weights * ((slope * of_shift).view(shape) + through_variance)
        of_features = _as(gradient * slope.view(shape) - through_moments, features)
        # Zero, in the kernel of another sum: a constant would be a launch of its own.
        nothing = None if left_out is None else of_shift - of_shift
        return of_features, None, None, of_scale, of_shift, nothing, None, None, None


class CompiledAffine(Function):
    """The same norm as what it multiplies features with and adds to them.

    (features, weights of rows, guess, weight, bias, left out) -> scale, shift, mean, variance.
    """

    @staticmethod
    def forward(
        ctx: FunctionCtx,
        features: Tensor,
        weights: Tensor,
        guess: Tensor,
        scale: Tensor,
        shift: Tensor,
        left_out: Tensor,
        eps: float,
        axis: int,
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return all of them, (C,); arguments as of ``CompiledNorm``."""
        mean, variance = _moments(features.to(weights.dtype), weights, guess, axis=axis)
        inverse = (variance + eps).rsqrt()
        ctx.save_for_backward(features, weights, mean, inverse, scale)
        ctx.axis = axis
        ctx.mark_non_differentiable(mean, variance)
        slope = inverse * scale
        return slope, shift - mean * slope, mean, variance

    @staticmethod
    @once_differentiable
    def backward(
        ctx: FunctionCtx, of_slope: Tensor, of_shift: Tensor, *_: Tensor
    ) -> tuple[Tensor | None, ...]:
        """Return the gradients of features, scale, shift, and zero for what was left out."""
        features, weights, mean, inverse, scale = ctx.saved_tensors
        shape = _along(features, ctx.axis)
        through_slope = of_slope - mean * of_shift  # (C,)
        of_mean = -inverse * scale * of_shift
        of_variance = -0.5 * inverse.pow(3) * scale * through_slope
        centred = features.to(mean.dtype) - mean.view(shape)
        of_features = weights * (of_mean.view(shape) + 2 * of_variance.view(shape) * centred)
        of_scale, nothing = through_slope * inverse, of_shift - of_shift
        return _as(of_features, features), None, None, of_scale, of_shift, nothing, None, None


def _moments(values: Tensor, weights: Tensor, guess: Tensor, *, axis: int) -> tuple[Tensor, Tensor]:
    """Weighted mean and variance, (C,), from one reading of the values."""
    others = _others(values, axis)
    shifted = values - guess.view(_along(values, axis))
    offset = (shifted * weights).sum(others)  # (C,)
    variance = ((shifted.square() * weights).sum(others) - offset.square()).clamp(min=0)
    return guess + offset, variance


def _others(features: Tensor, axis: int) -> list[int]:
    return [number for number in range(features.dim()) if number != axis]


def _along(features: Tensor, axis: int) -> list[int]:
    """Return the shape in which (C,) meets the features."""
    return [-1 if number == axis else 1 for number in range(features.dim())]


def _as(values: Tensor, features: Tensor) -> Tensor:
    """Cast to the dtype of the features.

    No cast to the dtype it has: torch 2.11 compiles gradients of zero out of one.
    """
    return values if values.dtype == features.dtype else values.to(features.dtype)
