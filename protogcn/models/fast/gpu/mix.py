"""Joint features through batch norm, relu and a topology that follows the motion, in one pass.

``mix`` is a Triton kernel for GPUs that never stores the (B, C, V, V) topology. Shapes: B bodies,
C channels = S subsets x D features, T frames, V joints.
"""

from importlib.util import find_spec
from types import ModuleType
from typing import Literal, NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import FunctionCtx

from protogcn.errors import ConfigError

_DTYPES = (torch.float32, torch.bfloat16, torch.float16)
MAX_JOINTS = 64  # wider tiles than 64 x 64 do not fit a program's registers


class MixInputs(NamedTuple):
    """What is mixed, and along what.

    Attributes:
        x: (B, C, T, V) in float32, bfloat16 or float16; all others are float32.
        scale: (C,), of the batch norm folded to an affine map.
        shift: (C,).
        static: (B, S, V, V), what the D channels of a subset share.
        source: (B, C, V), of the joint that gives.
        target: (B, C, V), of the joint that takes.
        alpha: (), how much the motion counts.
    """

    x: Tensor
    scale: Tensor
    shift: Tensor
    static: Tensor
    source: Tensor
    target: Tensor
    alpha: Tensor


def kernel_available() -> bool:
    """Say whether Triton, which ``mix`` needs, is installed."""
    return find_spec("triton") is not None


def mix(inputs: MixInputs, *, precision: Literal["ieee", "tf32"]) -> Tensor:
    """Activate features and mix their joints: relu(scale * x + shift) @ topology, (B, C, T, V).

    Joint v gives to joint w: static[v, w] + alpha * tanh(source[v] - target[w]). Both operands of
    the product are rounded to the dtype of x, which is the result's too; ``precision`` is that of
    the products of float32 operands. Sums run in float32, in an order that the shapes fix: equal
    inputs give equal bits.

    Raises:
        ConfigError: no Triton, no GPU, or tensors that the kernel is not made for.
    """
    _check(inputs, precision)
    # In the graph, where the compiler writes it in the layout that is asked for; inside of the
    # operator it would be a copy.
    return _mix(*inputs._replace(x=inputs.x.contiguous()), precision)


_ARGUMENTS = ", ".join([*(f"Tensor {name}" for name in MixInputs._fields), "str precision"])


# Opaque operators: torch.compile keeps them whole in its graph, eager mode and compiled code run
# the same launches, and nothing but the inputs is kept for the backward pass.
@torch.library.custom_op("protogcn::mix", mutates_args=(), schema=f"({_ARGUMENTS}) -> Tensor")
def _mix(*arguments: Tensor | str) -> Tensor:
    *tensors, precision = arguments
    launch = _launcher(tensors[0].device)
    inputs = launch.contiguous(MixInputs(*tensors))
    return launch.launch_forward(inputs, precision=precision, plan=launch.plan_launch(inputs))


@torch.library.custom_op(
    "protogcn::mix_backward",
    mutates_args=(),
    schema=f"(Tensor grad_y, {_ARGUMENTS}) -> ({', '.join(['Tensor'] * 6)})",
)
def _mix_backward(grad_y: Tensor, *arguments: Tensor | str) -> tuple[Tensor, ...]:
    *tensors, precision = arguments
    launch = _launcher(grad_y.device)
    inputs = launch.contiguous(MixInputs(*tensors))
    plan = launch.plan_launch(inputs)
    return launch.launch_backward(grad_y.contiguous(), inputs, precision=precision, plan=plan)


@_mix.register_fake
def _shape_mix(x: Tensor, *_: Tensor | str) -> Tensor:
    return x.new_empty(x.shape)


@_mix_backward.register_fake
def _shape_mix_backward(grad_y: Tensor, *arguments: Tensor | str) -> tuple[Tensor, ...]:
    x, scale, _, *others = MixInputs(*arguments[:-1])
    affine = scale.new_empty(2, len(scale))
    return x.new_empty(x.shape), affine, *(each.new_empty(each.shape) for each in others)


def _save(ctx: FunctionCtx, inputs: tuple[Tensor | str, ...], output: Tensor) -> None:
    *tensors, ctx.precision = inputs
    ctx.save_for_backward(*tensors)


def _propagate(ctx: FunctionCtx, grad_y: Tensor) -> tuple[Tensor | None, ...]:
    x, (scale, shift), *others = _mix_backward(
        grad_y.contiguous(), *ctx.saved_tensors, ctx.precision
    )
    return x, scale, shift, *others, None


_mix.register_autograd(_propagate, setup_context=_save)


def _launcher(device: torch.device) -> ModuleType:
    """Import what needs Triton, on the first call."""
    if not kernel_available():
        raise ConfigError(
            "topology kernel: needs Triton, which is not installed; set engine.topology_kernel to"
            " false."
        )
    from protogcn.models.fast.gpu import launch

    if device.type != "cuda" and not launch.INTERPRETED:
        raise ConfigError(f"topology kernel: needs a GPU, found tensors on {device}.")
    return launch


def _check(inputs: MixInputs, precision: str) -> None:
    if precision not in ("ieee", "tf32"):
        raise ConfigError(f"topology kernel: precision is {precision!r}, expected ieee or tf32.")
    x, static = inputs.x, inputs.static
    if x.dim() != 4 or x.dtype not in _DTYPES:
        raise ConfigError(
            f"topology kernel: x is {x.dtype} of shape {tuple(x.shape)},"
            " expected (B, C, T, V) in float32, bfloat16 or float16."
        )
    bodies, channels, _, joints = x.shape
    if joints > MAX_JOINTS:
        raise ConfigError(f"topology kernel: {joints} joints, expected at most {MAX_JOINTS}.")
    subsets = static.shape[1] if static.dim() == 4 else 0
    if subsets == 0 or channels % subsets:
        raise ConfigError(
            f"topology kernel: static has shape {tuple(static.shape)}, expected (B, S, V, V) with"
            f" S a divisor of {channels} channels."
        )
    expected = {
        "scale": (channels,),
        "shift": (channels,),
        "static": (bodies, subsets, joints, joints),
        "source": (bodies, channels, joints),
        "target": (bodies, channels, joints),
        "alpha": (),
    }
    for name, shape in expected.items():
        tensor = getattr(inputs, name)
        if tensor.shape != shape or tensor.dtype != torch.float32 or tensor.device != x.device:
            raise ConfigError(
                f"topology kernel: {name} is {tensor.dtype} of shape {tuple(tensor.shape)} on"
                f" {tensor.device}, expected torch.float32 of shape {shape} on {x.device}."
            )
