"""Evaluation of the temporal branches of one body: mean joint, dilated convolutions, maximum.

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
    """The dilated convolutions of one body: a matrix product for each tap, added up in place.

    Frames lie end to end, so that a frame earlier or later is a view that begins V numbers off.
    """

    def __init__(self, kernels: Sequence[Tensor], stride: int, num_frames: int, num_joints: int):
        """Kernels (D, D, 3, 1) of the dilations, for T frames of V joints."""
        self._width = kernels[0].shape[0]
        self._stride = stride
        # (D, D) for the frame before, here and after; the one here comes first, it meets all frames
        self._taps = [
            [(tap, kernel[:, :, tap, 0].contiguous()) for tap in (1, 0, 2)] for kernel in kernels
        ]
        self._views = [
            {
                tap: _overlap((tap - 1) * dilation, stride, num_frames, num_joints)
                for tap in range(3)
            }
            for dilation in DILATIONS
        ]

    def forward(self, summed: Tensor, out: Tensor) -> None:
        """(4 D, T, V) -> (4 D, T / stride, V), without biases."""
        for number, (source, target) in enumerate(self._parts(summed, out)):
            phases, target = self._phases(source), target.flatten(1)
            for tap, weight in self._taps[number]:
                phase, taken, given = self._views[number][tap]
                if tap == 1:
                    torch.mm(weight, phases[0], out=target)
                else:
                    target[:, given].addmm_(weight, phases[phase][:, taken])

    def _parts(self, first: Tensor, second: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        """The channels of each dilation."""
        return zip(first.split(self._width), second.split(self._width), strict=True)

    def _phases(self, values: Tensor) -> list[Tensor]:
        """(D, T, V) -> frames 0, stride, ...; frames 1, stride + 1, ...; each (D, n * V)."""
        return [values[:, phase :: self._stride].flatten(1) for phase in range(self._stride)]


def _overlap(
    offset: int, stride: int, num_frames: int, num_joints: int
) -> tuple[int, slice, slice]:
    """Where input frames lie that are at an offset from output frames, and where these lie.

    Returns:
        The phase of the input frames, their columns in it, the columns of the output frames.
    """
    shift, phase = divmod(offset, stride)
    num_out, num_in = -(-num_frames // stride), -(-(num_frames - phase) // stride)
    first = min(max(-shift, 0), num_out)
    stop = max(min(num_out, num_in - shift), first)
    given = slice(first * num_joints, stop * num_joints)
    begin = max(first + shift, 0)
    return phase, slice(begin * num_joints, (begin + stop - first) * num_joints), given


def largest(values: Tensor, stride: int) -> Tensor:
    """Largest of three neighbouring frames, (D, T, ...) -> (D, T / stride, ...); values >= 0."""
    of_three = values.clone()
    torch.maximum(of_three[:, 1:], values[:, :-1], out=of_three[:, 1:])
    torch.maximum(of_three[:, :-1], values[:, 1:], out=of_three[:, :-1])
    return of_three[:, ::stride]
