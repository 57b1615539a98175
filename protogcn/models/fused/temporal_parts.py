"""The parts of the temporal branches, for one body.

Shapes: C channels = 6 branches x D, T frames, V joints.
"""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from protogcn.models.temporal import DILATIONS


def add_joint(active: Tensor, joint: Tensor, coefficients: Tensor, out: Tensor) -> None:
    """(C, T, V) + (C, T) x (V,) of the first channels -> out."""
    torch.mul(joint[: len(out)].unsqueeze(2), coefficients, out=out)
    out += active[: len(out)]


class Convolutions:
    """The dilated convolutions of one body as matrix products over three shifted copies."""

    def __init__(self, kernels: Sequence[Tensor], features: Tensor, stride: int):
        """Kernels (D, D, 3, 1) of the dilations, features (..., T, V)."""
        self._width = kernels[0].shape[0]
        self._stride = stride
        # (D, 3 D): the first D columns weigh the frame before.
        self._matrices = [kernel.squeeze(3).transpose(1, 2).flatten(1) for kernel in kernels]
        self._num_frames, num_joints = features.shape[-2:]
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
            spread(self._copies[1], self._stride, of_source)
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


def largest(values: Tensor, stride: int) -> Tensor:
    """Largest of three neighbouring frames, (D, T, ...) -> (D, T / stride, ...); values >= 0."""
    of_three = values.clone()
    torch.maximum(of_three[:, 1:], values[:, :-1], out=of_three[:, 1:])
    torch.maximum(of_three[:, :-1], values[:, 1:], out=of_three[:, :-1])
    return of_three[:, ::stride]


def largest_backward(gradient: Tensor, values: Tensor, stride: int, out: Tensor) -> None:
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


def spread(gradient: Tensor, stride: int, out: Tensor) -> None:
    """(D, T / stride, ...) -> every frame of out that was taken; the others have no gradient."""
    if stride > 1:
        out.zero_()
    out[:, ::stride] = gradient
