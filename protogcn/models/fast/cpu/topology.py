"""Norm, activation, mixing along a topology and the map behind it, in one pass over the bodies.

Shapes: B bodies, C channels = S subsets x D features, O output channels, T frames, V joints.
"""

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import FunctionCtx, once_differentiable

from protogcn.models.fast.cpu.linear import through_relu
from protogcn.models.fast.cpu.norm import Moments, NormPass, Statistics


class NormMixLinear(Function):
    """relu(norm(x)) mixed along ``static + alpha * tanh(source - target)``, then a pointwise map.

    The topology of a body is made when it is used and never kept.
    """

    @staticmethod
    def forward(
        ctx: FunctionCtx,
        features: Tensor,
        norm_weight: Tensor,
        norm_bias: Tensor,
        source: Tensor,
        target: Tensor,
        static: Tensor,
        alpha: Tensor,
        weight: Tensor,
        bias: Tensor,
        statistics: Statistics,
    ) -> tuple[Tensor, ...]:
        """Features and moments of the output.

        Features (B, C, T, V), norm (C,) twice, source and target (B, C, V), static (B, S, V, V),
        alpha (), weight (O, C), bias (O,) -> (B, O, T, V), moments of it.
        """
        ctx.save_for_backward(
            features, norm_weight, norm_bias, source, target, static, alpha, weight
        )
        ctx.statistics = statistics
        norm = NormPass(statistics, norm_weight, norm_bias)
        out = features.new_empty(len(features), len(weight), *features.shape[2:])
        moments = Moments.empty(len(out), len(weight), out)
        active, mixed = (torch.empty_like(features[0]) for _ in range(2))
        for body, values in enumerate(features):
            flat = active.flatten(1)
            norm.apply(values.flatten(1), flat).relu_()
            inter = _inter(source[body], target[body])
            torch.bmm(active, _topology(inter, static[body], alpha), out=mixed)
            mapped = torch.mm(weight, mixed.flatten(1), out=out[body].flatten(1))
            moments.measure(body, mapped)
        ctx.mark_non_differentiable(*moments)
        return out, *moments

    @staticmethod
    @once_differentiable
    def backward(ctx: FunctionCtx, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        """Gradients of all inputs."""
        features, norm_weight, norm_bias, source, target, static, alpha, weight = ctx.saved_tensors
        of_out = gradients[0].contiguous()
        norm = NormPass(ctx.statistics, norm_weight, norm_bias)
        of_features, of_weight = torch.empty_like(features), torch.zeros_like(weight)
        of_source, of_target = torch.empty_like(source), torch.empty_like(target)
        of_static, of_alpha = torch.empty_like(static), torch.zeros_like(alpha)
        active, mixed, of_mixed = (torch.empty_like(features[0]) for _ in range(3))
        for body, values in enumerate(features):
            flat = active.flatten(1)
            norm.apply(values.flatten(1), flat).relu_()
            inter = _inter(source[body], target[body])  # (C, V, V)
            topology = _topology(inter, static[body], alpha)
            torch.bmm(active, topology, out=mixed)
            torch.mm(weight.t(), of_out[body].flatten(1), out=of_mixed.flatten(1))
            of_weight.addmm_(of_out[body].flatten(1), mixed.flatten(1).t())

            of_topology = torch.bmm(active.transpose(1, 2), of_mixed)  # (C, V, V)
            by_subset = of_topology.unflatten(0, (static.shape[1], -1))  # (S, D, V, V)
            torch.sum(by_subset, dim=1, out=of_static[body])
            of_alpha += torch.dot(of_topology.flatten(), inter.flatten())
            of_inter = of_topology.mul_(inter.square_().neg_().add_(1)).mul_(alpha)
            torch.sum(of_inter, dim=2, out=of_source[body])
            torch.sum(of_inter, dim=1, out=of_target[body])

            torch.bmm(of_mixed, topology.transpose(1, 2), out=of_features[body])
            gradient = of_features[body].flatten(1)
            through_relu(gradient, flat, out=gradient)
            norm.collect(gradient, values.flatten(1))
        norm.through_all(of_features, features, out=of_features)
        return (
            of_features,
            *norm.parameter_gradients,
            of_source,
            of_target.neg_(),
            of_static,
            of_alpha,
            of_weight,
            weight.new_zeros(len(weight)),
            None,
        )


def _inter(source: Tensor, target: Tensor) -> Tensor:
    """(C, V) twice -> tanh of their differences, (C, V, V)."""
    return (source.unsqueeze(2) - target.unsqueeze(1)).tanh_()


def _topology(inter: Tensor, static: Tensor, alpha: Tensor) -> Tensor:
    """(C, V, V), (S, V, V) -> what joint v gives to joint w, (C, V, V)."""
    by_subset = (inter * alpha).unflatten(0, (len(static), -1))  # (S, D, V, V)
    return by_subset.add_(static.unsqueeze(1)).flatten(0, 1)
