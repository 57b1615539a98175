"""The six temporal branches between their norm and the next one, in one pass over the bodies.

Shapes: B bodies, C channels = 6 branches x D, T frames, V joints. The mean over the joints goes
through all branches as one joint more; its output comes to every joint with that joint's
coefficient. Linear branches take the sum of both at once.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import FunctionCtx, once_differentiable

from protogcn.models.fused.linear import through_relu
from protogcn.models.fused.norm import Moments, NormPass, Statistics
from protogcn.models.temporal import DILATIONS, NUM_BRANCHES


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

        Features (B, C, T, V), their means over the joints (B, C, T), norm (5 D,) twice, bias of the branches (C,), coefficients (V,),
        kernels (D, D, 3, 1) -> (B, C, T / stride, V), moments of it.
        """
        ctx.save_for_backward(features, joints, norm_weight, norm_bias, bias, coefficients, *kernels)
        ctx.stride, ctx.statistics = stride, statistics
        norm = NormPass(statistics, norm_weight, norm_bias)
        num_frames = -(-features.shape[2] // stride)
        out = features.new_empty(*features.shape[:2], num_frames, features.shape[3])
        moments = Moments.empty(*features.shape[:2], out)
        room = _Room.of(features, len(kernels))
        convolutions = _Convolutions(kernels, features, stride)
        biases = bias.unsqueeze(1) * (1 + coefficients)  # (C, V)
        width = kernels[0].shape[0]
        for body, values in enumerate(features):
            joint = _activate(norm, values, joints[body], room)
            _add_joint(room.active, joint.active, coefficients, room.summed)
            convolved, pooled, pointwise = out[body].split([len(room.summed), width, width])
            convolutions.forward(room.summed, convolved)
            largest = _largest(joint.active[-width:], stride)
            torch.mul(largest.unsqueeze(2), coefficients, out=pooled)
            pooled += _largest(room.active[-width:], stride)
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
        convolutions = _Convolutions(kernels, features, stride)
        width = kernels[0].shape[0]
        normed, linear = slice(0, -width), slice(0, len(kernels) * width)
        for body, values in enumerate(features):
            joint = _activate(norm, values, joints[body], room)
            _add_joint(room.active, joint.active, coefficients, room.summed)
            of_values, of_joint, incoming = of_features[body], of_joints[body], of_out[body]

            by_joint = incoming.sum(1)  # (C, V)
            of_bias += by_joint @ (1 + coefficients)
            of_coefficients += bias @ by_joint

            convolutions.backward(incoming[linear], room.summed, of_values[linear], of_kernels)
            torch.matmul(of_values[linear], coefficients, out=of_joint[linear])
            of_coefficients += _outer_sum(of_values[linear], joint.active[linear])

            part = slice(linear.stop, linear.stop + width)
            _largest_backward(incoming[part], room.active[part], stride, of_values[part])
            _largest_backward(
                incoming[part] @ coefficients, joint.active[part], stride, of_joint[part]
            )
            of_coefficients += _outer_sum(incoming[part], _largest(joint.active[part], stride))

            part = slice(-width, None)
            _spread(incoming[part], stride, of_values[part])
            _spread(incoming[part] @ coefficients, stride, of_joint[part])
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


def _add_joint(active: Tensor, joint: Tensor, coefficients: Tensor, out: Tensor) -> None:
    """(C, T, V) + (C, T) x (V,) of the first channels -> out."""
    torch.mul(joint[: len(out)].unsqueeze(2), coefficients, out=out)
    out += active[: len(out)]


def _outer_sum(values: Tensor, joint: Tensor) -> Tensor:
    """(C, T, V), (C, T) -> the gradient of V coefficients, (V,)."""
    return joint.reshape(-1) @ values.reshape(-1, values.shape[2])


class _Convolutions:
    """The dilated convolutions of one body as matrix products over three shifted copies."""

    def __init__(self, kernels: Sequence[Tensor], features: Tensor, stride: int):
        """Kernels (D, D, 3, 1), features (B, C, T, V)."""
        self._width = kernels[0].shape[0]
        self._stride = stride
        # (D, 3 D): the first D columns weigh the frame before.
        self._matrices = [kernel.squeeze(3).transpose(1, 2).flatten(1) for kernel in kernels]
        self._num_frames, num_joints = features.shape[2:]
        num_out = -(-self._num_frames // stride)
        self._copies = features.new_empty(3, self._width, num_out, num_joints)

    def forward(self, summed: Tensor, out: Tensor) -> None:
        """(4 D, T, V) -> (4 D, T / stride, V), without biases."""
        for number, (source, target) in enumerate(self._parts(summed, out)):
            columns = self._shift(source, DILATIONS[number])
            torch.mm(self._matrices[number], columns, out=target.flatten(1))

    def backward(
        self, gradient: Tensor, summed: Tensor, of_summed: Tensor, of_kernels: Sequence[Tensor]
    ) -> None:
        """Write the gradient of ``summed``, add those of the kernels to ``of_kernels``."""
        parts = zip(self._parts(gradient, summed), of_summed.split(self._width), strict=True)
        for number, ((incoming, source), of_source) in enumerate(parts):
            dilation, flat = DILATIONS[number], incoming.flatten(1)
            of_matrix = flat @ self._shift(source, dilation).t()  # (D, 3 D)
            of_kernels[number] += of_matrix.unflatten(1, (3, -1)).transpose(1, 2).unsqueeze(3)
            torch.mm(self._matrices[number].t(), flat, out=self._copies.view(-1, flat.shape[1]))
            _spread(self._copies[1], self._stride, of_source)
            for tap in (0, 2):
                taken, given = self._overlap((tap - 1) * dilation)
                of_source[:, taken] += self._copies[tap][:, given]

    def _parts(self, first: Tensor, second: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        """The channels of each dilation."""
        return zip(first.split(self._width), second.split(self._width), strict=True)

    def _shift(self, values: Tensor, dilation: int) -> Tensor:
        """(D, T, V) -> the frames before, here and after, (3 D, T / stride * V)."""
        for tap, copy in enumerate(self._copies):
            taken, given = self._overlap((tap - 1) * dilation)
            copy[:, : given.start] = 0
            copy[:, given.stop :] = 0
            copy[:, given] = values[:, taken]
        return self._copies.flatten(2).flatten(0, 1)

    def _overlap(self, offset: int) -> tuple[slice, slice]:
        """Frames of the input at an offset from those of the output, and these."""
        stride, num_out = self._stride, self._copies.shape[2]
        first = min(-(-max(-offset, 0) // stride), num_out)
        last = (self._num_frames - 1 - offset) // stride  # the last with a frame at the offset
        stop = max(min(last + 1, num_out), first)
        begin = first * stride + offset
        end = begin + (stop - first) * stride
        return slice(begin, min(end, self._num_frames), stride), slice(first, stop)


def _largest(values: Tensor, stride: int) -> Tensor:
    """Largest of three neighbouring frames, (D, T, ...) -> (D, T / stride, ...); values >= 0."""
    largest = values.clone()
    torch.maximum(largest[:, 1:], values[:, :-1], out=largest[:, 1:])
    torch.maximum(largest[:, :-1], values[:, 1:], out=largest[:, :-1])
    return largest[:, ::stride]


def _largest_backward(gradient: Tensor, values: Tensor, stride: int, out: Tensor) -> None:
    """Write the gradient of the values (D, T, ...); of equal frames the first one has it."""
    before, after = torch.zeros_like(values), torch.zeros_like(values)
    before[:, 1:], after[:, :-1] = values[:, :-1], values[:, 1:]
    before, values, after = (frames[:, ::stride] for frames in (before, values, after))
    is_before = before >= torch.maximum(values, after)
    is_here = (values >= after).logical_and_(is_before.logical_not())
    is_after = is_before.logical_or(is_here).logical_not_()

    spread = gradient.new_zeros(out.shape[0], out.shape[1] + 2, *out.shape[2:])
    last = stride * (gradient.shape[1] - 1)
    spread[:, 0 : last + 1 : stride] += gradient * is_before  # one frame of room at either end
    spread[:, 1 : last + 2 : stride] += gradient * is_here
    spread[:, 2 : last + 3 : stride] += gradient * is_after
    out.copy_(spread[:, 1:-1])


def _spread(gradient: Tensor, stride: int, out: Tensor) -> None:
    """(D, T / stride, ...) -> every frame of out that was taken; the others have no gradient."""
    if stride > 1:
        out.zero_()
    out[:, ::stride] = gradient
