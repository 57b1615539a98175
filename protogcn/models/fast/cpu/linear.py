"""Norm, addition, activation and pointwise map in one pass over the bodies.

Shapes: B bodies, C channels, O output channels, T frames, V joints, L = T * V.
"""

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import FunctionCtx, once_differentiable

from protogcn.models.fast.cpu.norm import Moments, NormPass, Statistics


class Expand(Function):
    """Pointwise map, the moments of its output, and the time mean of its input.

    Here as everywhere in these passes the bias in front of a norm is left out, since the norm takes
    it away again; its gradient is zero.
    """

    @staticmethod
    def forward(
        ctx: FunctionCtx, features: Tensor, weight: Tensor, bias: Tensor
    ) -> tuple[Tensor, ...]:
        """(B, C, T, V), (O, C), (O,) -> (B, O, T, V), moments of it, time mean (B, C, V)."""
        ctx.save_for_backward(features, weight)
        out = features.new_empty(len(features), len(weight), *features.shape[2:])
        mean = features.new_empty(*features.shape[:2], features.shape[3])
        moments = Moments.empty(len(out), len(weight), out)
        for body, values in enumerate(features):
            mapped = torch.mm(weight, values.flatten(1), out=out[body].flatten(1))
            torch.mean(values, dim=1, out=mean[body])
            moments.measure(body, mapped)
        ctx.mark_non_differentiable(*moments)
        return out, *moments, mean

    @staticmethod
    @once_differentiable
    def backward(ctx: FunctionCtx, *gradients: Tensor) -> tuple[Tensor, ...]:
        """Gradients of all inputs."""
        features, weight = ctx.saved_tensors
        of_out, _, _, of_mean = gradients
        of_out = of_out.contiguous()
        of_features, of_weight = features.new_empty(features.shape), torch.zeros_like(weight)
        per_frame = (of_mean / features.shape[2]).unsqueeze(2)  # (B, C, 1, V)
        for body, values in enumerate(features):
            gradient = of_out[body].flatten(1)
            torch.mm(weight.t(), gradient, out=of_features[body].flatten(1))
            of_features[body].add_(per_frame[body])
            of_weight.addmm_(gradient, values.flatten(1).t())
        return of_features, of_weight, weight.new_zeros(len(weight))


class NormActLinear(Function):
    """relu(norm(x) + shortcut), then a pointwise map and the moments of its output.

    With ``mean_joint`` the mean over the joints counts as one joint more in the moments.
    """

    @staticmethod
    def forward(
        ctx: FunctionCtx,
        features: Tensor,
        shortcut: Tensor | None,
        norm_weight: Tensor,
        norm_bias: Tensor,
        weight: Tensor,
        bias: Tensor,
        statistics: Statistics,
        mean_joint: bool,
    ) -> tuple[Tensor, ...]:
        """Map, its moments, and its mean over the joints or nothing.

        (B, C, T, V) twice, (C,) twice, (O, C), (O,) -> (B, O, T, V), moments of it, (B, O, T).
        """
        ctx.save_for_backward(features, shortcut, norm_weight, norm_bias, weight)
        ctx.statistics = statistics
        norm = NormPass(statistics, norm_weight, norm_bias)
        out = features.new_empty(len(features), len(weight), *features.shape[2:])
        moments = Moments.empty(len(out), len(weight), out)
        joints = out.new_empty(out.shape[:3] if mean_joint else 0)
        active = torch.empty_like(features[0].flatten(1))
        for body, values in enumerate(features):
            norm.apply(values.flatten(1), active)
            if shortcut is not None:
                active += shortcut[body].flatten(1)
            mapped = torch.mm(weight, active.relu_(), out=out[body].flatten(1))
            moments.measure(body, mapped)
            if mean_joint:
                torch.mean(out[body], dim=2, out=joints[body])
                _count_mean_joint(moments, body, joints[body], out.shape[3])
        ctx.mark_non_differentiable(*moments, joints)
        return out, *moments, joints

    @staticmethod
    @once_differentiable
    def backward(ctx: FunctionCtx, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        """Gradients of all inputs."""
        features, shortcut, norm_weight, norm_bias, weight = ctx.saved_tensors
        of_out = gradients[0].contiguous()
        norm = NormPass(ctx.statistics, norm_weight, norm_bias)
        of_active, of_weight = torch.empty_like(features), torch.zeros_like(weight)
        of_features = of_active if shortcut is None else torch.empty_like(features)
        active = torch.empty_like(features[0].flatten(1))
        for body, values in enumerate(features):
            norm.apply(values.flatten(1), active)
            if shortcut is not None:
                active += shortcut[body].flatten(1)
            active.relu_()
            gradient = of_active[body].flatten(1)
            torch.mm(weight.t(), of_out[body].flatten(1), out=gradient)
            of_weight.addmm_(of_out[body].flatten(1), active.t())
            through_relu(gradient, active, out=gradient)
            norm.collect(gradient, values.flatten(1))
        norm.through_all(of_active, features, out=of_features)
        return (
            of_features,
            None if shortcut is None else of_active,
            *norm.parameter_gradients,
            of_weight,
            weight.new_zeros(len(weight)),
            None,
            None,
        )


class NormAct(Function):
    """norm(x) + shortcut, with relu or without."""

    @staticmethod
    def forward(
        ctx: FunctionCtx,
        features: Tensor,
        shortcut: Tensor | None,
        norm_weight: Tensor,
        norm_bias: Tensor,
        statistics: Statistics,
        relu: bool,
    ) -> Tensor:
        """(B, C, T, V) twice, (C,) twice -> (B, C, T, V)."""
        norm = NormPass(statistics, norm_weight, norm_bias)
        out = torch.empty_like(features)
        for body, values in enumerate(features):
            norm.apply(values.flatten(1), out[body].flatten(1))
            if shortcut is not None:
                out[body] += shortcut[body]
            if relu:
                out[body].relu_()
        ctx.save_for_backward(features, norm_weight, norm_bias, out if relu else None)
        ctx.statistics = statistics
        ctx.has_shortcut = shortcut is not None
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: FunctionCtx, of_out: Tensor) -> tuple[Tensor | None, ...]:
        """Gradients of all inputs."""
        features, norm_weight, norm_bias, out = ctx.saved_tensors
        norm = NormPass(ctx.statistics, norm_weight, norm_bias)
        of_active = of_out.contiguous() if out is None else torch.empty_like(features)
        of_features = torch.empty_like(features)
        for body, values in enumerate(features):
            if out is not None:
                through_relu(of_out[body], out[body], out=of_active[body])
            norm.collect(of_active[body].flatten(1), values.flatten(1))
        norm.through_all(of_active, features, out=of_features)
        of_shortcut = of_active if ctx.has_shortcut else None
        return of_features, of_shortcut, *norm.parameter_gradients, None, None


def through_relu(gradient: Tensor, active: Tensor, *, out: Tensor) -> None:
    """Write the gradient where the activation is positive, zero elsewhere."""
    torch.ops.aten.threshold_backward.grad_input(gradient, active, 0, grad_input=out)


def _count_mean_joint(moments: Moments, body: int, joint: Tensor, num_joints: int) -> None:
    """Add the mean over the joints (C, T) to the moments: one joint more, of equal mean."""
    variance = moments.variance[body]
    variance.mul_(num_joints).add_(joint.var(1, correction=0)).div_(num_joints + 1)
