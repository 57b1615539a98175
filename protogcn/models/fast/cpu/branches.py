"""The six temporal branches between their norm and the next one, in one pass over the bodies.

Shapes: B bodies, C channels = 6 branches x D, T frames, V joints. The mean over the joints goes
through all branches as one joint more; its output comes to every joint with that joint's
coefficient. Linear branches take the sum of both at once.
"""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import FunctionCtx, once_differentiable

from protogcn.models.fast.cpu.linear import through_relu
from protogcn.models.fast.cpu.norm import Moments, NormPass, Statistics
from protogcn.models.fast.cpu.temporal_parts import (
    Convolutions,
    add_joint,
    largest,
    largest_backward,
    spread,
)
from protogcn.models.temporal import NUM_BRANCHES


class NormBranches(Function):
    """relu(norm(x)) of five branches, then four dilated convolutions, a maximum, and the sixth."""

    @staticmethod
    def forward(
        ctx: FunctionCtx,
        features: Tensor,
        joints: Tensor,
        norm_weight: Tensor,
        norm_bias: Tensor,
        bias: Tensor,
        coefficients: Tensor,
        stride: int,
        statistics: Statistics,
        *kernels: Tensor,
    ) -> tuple[Tensor, ...]:
        """Features and moments of the output.

        Features (B, C, T, V), their means over the joints (B, C, T), norm (5 D,) twice, bias of
        the branches (C,), coefficients (V,), kernels (D, D, 3, 1) -> (B, C, T / stride, V),
        moments of it.
        """
        ctx.save_for_backward(
            features, joints, norm_weight, norm_bias, bias, coefficients, *kernels
        )
        ctx.stride, ctx.statistics = stride, statistics
        norm = NormPass(statistics, norm_weight, norm_bias)
        num_frames = -(-features.shape[2] // stride)
        out = features.new_empty(*features.shape[:2], num_frames, features.shape[3])
        moments = Moments.empty(*features.shape[:2], out)
        room = _Room.of(features, len(kernels))
        convolutions = Convolutions(kernels, stride, *features.shape[2:])
        biases = bias.unsqueeze(1) * (1 + coefficients)  # (C, V)
        width = kernels[0].shape[0]
        for body, values in enumerate(features):
            joint = _activate(norm, values, joints[body], room)
            add_joint(room.active, joint.active, coefficients, room.summed)
            convolved, pooled, pointwise = out[body].split([len(room.summed), width, width])
            convolutions.forward(room.summed, convolved)
            of_joint = largest(joint.active[-width:], stride)
            torch.mul(of_joint.unsqueeze(2), coefficients, out=pooled)
            pooled += largest(room.active[-width:], stride)
            torch.mul(joint.values[-width:, ::stride, None], coefficients, out=pointwise)
            pointwise += values[-width:, ::stride]
            out[body] += biases.unsqueeze(1)
            moments.measure(body, out[body].flatten(1))
        ctx.mark_non_differentiable(*moments)
        return out, *moments

    @staticmethod
    @once_differentiable
    def backward(ctx: FunctionCtx, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        """Gradients of all inputs."""
        features, joints, norm_weight, norm_bias, bias, coefficients, *kernels = ctx.saved_tensors
        of_out, stride = gradients[0].contiguous(), ctx.stride
        norm = NormPass(ctx.statistics, norm_weight, norm_bias)
        of_features = torch.empty_like(features)
        of_joints = features.new_empty(features.shape[:3])  # (B, C, T), of the mean joint
        of_kernels = [torch.zeros_like(kernel) for kernel in kernels]
        of_coefficients, of_bias = torch.zeros_like(coefficients), torch.zeros_like(bias)
        room = _Room.of(features, len(kernels))
        convolutions = Convolutions(kernels, stride, *features.shape[2:])
        width = kernels[0].shape[0]
        normed, linear = slice(0, -width), slice(0, len(kernels) * width)
        for body, values in enumerate(features):
            joint = _activate(norm, values, joints[body], room)
            add_joint(room.active, joint.active, coefficients, room.summed)
            of_values, of_joint, incoming = of_features[body], of_joints[body], of_out[body]

            by_joint = incoming.sum(1)  # (C, V)
            of_bias += by_joint @ (1 + coefficients)
            of_coefficients += bias @ by_joint

            convolutions.backward(incoming[linear], room.summed, of_values[linear], of_kernels)
            torch.matmul(of_values[linear], coefficients, out=of_joint[linear])
            of_coefficients += _outer_sum(of_values[linear], joint.active[linear])

            part = slice(linear.stop, linear.stop + width)
            largest_backward(incoming[part], room.active[part], stride, of_values[part])
            largest_backward(
                incoming[part] @ coefficients, joint.active[part], stride, of_joint[part]
            )
            of_coefficients += _outer_sum(incoming[part], largest(joint.active[part], stride))

            part = slice(-width, None)
            spread(incoming[part], stride, of_values[part])
            spread(incoming[part] @ coefficients, stride, of_joint[part])
            of_coefficients += _outer_sum(incoming[part], joint.values[part, ::stride])

            gradient, active = of_values[normed].flatten(1), room.active.flatten(1)
            through_relu(gradient, active, out=gradient)
            norm.collect(gradient, values[normed].flatten(1))
            through_relu(of_joint[normed], joint.active, out=of_joint[normed])
            norm.collect(of_joint[normed], joint.values[normed])
        for values, of_values, joint, of_joint, share in zip(
            features, of_features, joints, of_joints, ctx.statistics.shares, strict=True
        ):
            gradient = of_values[normed].flatten(1)
            norm.through(share, gradient, values[normed].flatten(1), out=gradient)
            norm.through(share, of_joint[normed], joint[normed], out=of_joint[normed])
            of_values += of_joint.div_(features.shape[3]).unsqueeze(2)
        return (
            of_features,
            None,
            *norm.parameter_gradients,
            of_bias,
            of_coefficients,
            None,
            None,
            *of_kernels,
        )


class _Room(NamedTuple):
    """Memory for one body: five branches (5 D, T, V), and four of them (4 D, T, V)."""

    active: Tensor
    summed: Tensor

    @classmethod
    def of(cls, features: Tensor, num_linear: int) -> "_Room":
        width = features.shape[1] // NUM_BRANCHES
        sizes = ((NUM_BRANCHES - 1) * width, num_linear * width)
        return cls(*(features.new_empty(size, *features.shape[2:]) for size in sizes))


class _Joint(NamedTuple):
    """The mean joint of one body: its values (C, T), and activated (5 D, T)."""

    values: Tensor
    active: Tensor


def _activate(norm: NormPass, values: Tensor, joint: Tensor, room: _Room) -> _Joint:
    """Norm and activate (C, T, V) in the room, and its mean joint."""
    normed = len(room.active)
    norm.apply(values[:normed].flatten(1), room.active.flatten(1)).relu_()
    return _Joint(joint, norm.apply(joint[:normed], torch.empty_like(joint[:normed])).relu_())


def _outer_sum(values: Tensor, joint: Tensor) -> Tensor:
    """(C, T, V), (C, T) -> the gradient of V coefficients, (V,)."""
    return joint.reshape(-1) @ values.reshape(-1, values.shape[2])
