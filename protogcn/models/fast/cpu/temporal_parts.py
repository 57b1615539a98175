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

    def backward(
        self, gradient: Tensor, summed: Tensor, of_summed: Tensor, of_kernels: Sequence[Tensor]
    ) -> None:
        """Write the gradient of ``summed``, add those of the kernels to ``of_kernels``."""
        parts = zip(self._parts(gradient, summed), of_summed.split(self._width), strict=True)
        for number, ((incoming, source), of_source) in enumerate(parts):
            phases, incoming = self._phases(source), incoming.flatten(1)
            if self._stride == 1:
                of_phases = [of_source.flatten(1)]
            else:
                of_phases = [torch.zeros_like(phase) for phase in phases]
            for tap, weight in self._taps[number]:
                phase, taken, given = self._views[number][tap]
                if tap == 1:
                    torch.mm(weight.t(), incoming, out=of_phases[0])
                else:
                    of_phases[phase][:, taken].addmm_(weight.t(), incoming[:, given])
                of_kernels[number][:, :, tap, 0].addmm_(
                    incoming[:, given], phases[phase][:, taken].t()
                )
            if self._stride > 1:
                for phase, of_phase in enumerate(of_phases):
                    part = of_source[:, phase :: self._stride]
                    part.copy_(of_phase.view(part.shape))

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
