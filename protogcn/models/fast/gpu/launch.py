"""Launches of the topology kernels: how the work is cut up, and the sums over its parts.

Importing this module imports Triton. Shapes: B bodies, C channels = S subsets x D features, T
frames, V joints.
"""

from dataclasses import dataclass
from typing import NamedTuple

import torch
import triton
import triton.language as tl
from torch import Tensor

from protogcn.models.fast.gpu.mix import MixInputs
from protogcn.models.fast.gpu.triton_kernels import mix_backward, mix_forward

INTERPRETED = triton.knobs.runtime.interpret
_KINDS = {torch.float32: tl.float32, torch.bfloat16: tl.bfloat16, torch.float16: tl.float16}
_SMALLEST = 16  # side of a matrix unit
_ENOUGH = 3000  # programs that fill a large GPU several times, so that none waits for a last one


class Gradients(NamedTuple):
    """The gradients of ``MixInputs``; ``affine`` holds those of scale and shift, (2, C)."""

    x: Tensor
    affine: Tensor
    static: Tensor
    source: Tensor
    target: Tensor
    alpha: Tensor


@dataclass(frozen=True)
class LaunchPlan:
    """How a launch is cut up."""

    group: int  # channels of one program, a divisor of D
    tile: int  # frames at a time, a power of two
    warps: int


def contiguous(inputs: MixInputs) -> MixInputs:
    """Return the tensors as the kernels read them; a copy only where memory is not in order."""
    return MixInputs(*(tensor.contiguous() for tensor in inputs))


def plan_launch(inputs: MixInputs) -> LaunchPlan:
    """Choose the largest groups of channels that leave enough programs for a GPU.

    The shapes alone decide, so that sums have one order on every GPU. One warp a program needs
    no barriers; only wide tiles do not fit its registers.
    """
    bodies, channels, _, joints = inputs.x.shape
    features = channels // inputs.static.shape[1]
    divisors = [size for size in range(1, features + 1) if features % size == 0]
    enough = [size for size in divisors if bodies * channels // size >= _ENOUGH]
    warps = 1 if _padded(joints) <= 32 else 4
    return LaunchPlan(group=max(enough, default=1), tile=_SMALLEST * warps, warps=warps)


def launch_forward(inputs: MixInputs, *, precision: str, plan: LaunchPlan) -> Tensor:
    """Return the output, (B, C, T, V); ``precision`` is "ieee" or "tf32"."""
    x = inputs.x
    bodies, channels, frames, joints = x.shape
    kind = _KINDS[x.dtype]
    y = x.new_empty(x.shape)
    with torch.cuda.device_of(x):
        mix_forward[(bodies * channels // plan.group,)](
            *inputs,
            y,
            channels,
            channels // inputs.static.shape[1],
            frames=frames,
            joints=joints,
            group=plan.group,
            tile=plan.tile,
            padded=_padded(joints),
            kind=kind,
            operand=_operand(kind),
            precision=precision,
            num_warps=plan.warps,
            num_stages=1,
        )
    return y


def launch_backward(
    grad_y: Tensor, inputs: MixInputs, *, precision: str, plan: LaunchPlan
) -> Gradients:
    """Return the gradients of the inputs; ``grad_y`` is contiguous."""
    x = inputs.x
    bodies, channels, frames, joints = x.shape
    programs = bodies * channels // plan.group
    kind = _KINDS[x.dtype]
    grad_x = x.new_empty(x.shape)
    affine = inputs.scale.new_empty(2, bodies, channels)
    static = inputs.static.new_empty(programs, joints, joints)
    source, target = (each.new_empty(each.shape) for each in (inputs.source, inputs.target))
    alpha = inputs.alpha.new_empty(programs)
    with torch.cuda.device_of(x):
        mix_backward[(programs,)](
            grad_y,
            *inputs,
            grad_x,
            affine[0],
            affine[1],
            static,
            source,
            target,
            alpha,
            channels,
            channels // inputs.static.shape[1],
            frames=frames,
            joints=joints,
            group=plan.group,
            tile=plan.tile,
            padded=_padded(joints),
            kind=kind,
            operand=_operand(kind),
            precision=precision,
            num_warps=plan.warps,
            num_stages=1,
        )
    parts = static.view(*inputs.static.shape[:2], -1, joints, joints)  # (B, S, D / group, V, V)
    return Gradients(grad_x, affine.sum(1), parts.sum(2), source, target, alpha.sum())


def _padded(joints: int) -> int:
    return max(_SMALLEST, triton.next_power_of_2(joints))


def _operand(kind: tl.dtype) -> tl.dtype:
    """Return what the matrix product reads.

    Triton's interpreter multiplies the bit patterns of bfloat16. There the rounded operands go
    back to float32, which gives the sums of a GPU.
    """
    return tl.float32 if INTERPRETED else kind
