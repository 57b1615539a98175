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

        Returns:
            Features of the same kind; mean and variance (C,) of those that came in.
        """
        others = [number for number in range(features.dim()) if number != axis]
        shape = [-1 if number == axis else 1 for number in range(features.dim())]
        values = features.to(weights.dtype)
        shifted = values - guess.view(shape)
        offset = (shifted * weights).sum(others)  # (C,)
        variance = ((shifted.square() * weights).sum(others) - offset.square()).clamp(min=0)
        mean = guess + offset
        inverse = (variance + eps).rsqrt()
        normed = (values - mean.view(shape)) * (inverse * scale).view(shape) + shift.view(shape)
        ctx.save_for_backward(features, weights, mean, inverse, scale, left_out)
        ctx.axis = axis
        ctx.mark_non_differentiable(mean, variance)
        return _as(normed, features), mean, variance

    @staticmethod
    @once_differentiable
    def backward(ctx: FunctionCtx, gradient: Tensor, *_: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradients of features, scale, shift, and zero for what was left out."""
        features, weights, mean, inverse, scale, left_out = ctx.saved_tensors
        others = [number for number in range(features.dim()) if number != ctx.axis]
        shape = [-1 if number == ctx.axis else 1 for number in range(features.dim())]
        gradient = gradient.to(mean.dtype)
        centred = features.to(mean.dtype) - mean.view(shape)
        of_shift = gradient.sum(others)  # (C,)
        of_scale = (gradient * centred).sum(others) * inverse
        slope = scale * inverse
        through_variance = centred * (slope * inverse * of_scale).view(shape)
        through_moments = weights * ((slope * of_shift).view(shape) + through_variance)
        of_features = _as(gradient * slope.view(shape) - through_moments, features)
        nothing = None if left_out is None else torch.zeros_like(left_out)
        return of_features, None, None, of_scale, of_shift, nothing, None, None


def _as(values: Tensor, features: Tensor) -> Tensor:
    """Cast to the dtype of the features.

    No cast to the dtype it has: torch 2.11 compiles gradients of zero out of one.
    """
    return values if values.dtype == features.dtype else values.to(features.dtype)
