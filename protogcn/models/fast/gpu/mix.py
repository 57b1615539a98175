"""Joint features through batch norm, relu and a topology that follows the motion, in one pass.

``mix`` is a Triton kernel for GPUs that never stores the (N, C, V, V) topology, ``mix_eager`` the
same function in plain torch operations. Shapes: N clips x persons, C channels = S subsets x D
features, T frames, V joints.
"""

from importlib.util import find_spec
from types import ModuleType
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import FunctionCtx

from protogcn.errors import ConfigError
from protogcn.models.norms import at_least_float32

_DTYPES = (torch.float32, torch.bfloat16, torch.float16)
MAX_JOINTS = 64  # wider tiles than 64 x 64 do not fit a program's registers


def kernel_available() -> bool:
    """Say whether Triton, which ``mix`` needs, is installed."""
    return find_spec("triton") is not None


def mix(
    x: Tensor,
    scale: Tensor,
    shift: Tensor,
    static: Tensor,
    source: Tensor,
    target: Tensor,
    alpha: Tensor,
    *,
    precision: Literal["ieee", "tf32"],
) -> Tensor:
    """Return what ``mix_eager`` returns, from one kernel; its backward pass is another.

    Arguments are those of ``mix_eager``: x in float32, bfloat16 or float16, all others in float32.
    ``precision`` is that of the products of float32 operands; half precisions do not look at it.
    Sums run in float32, in an order that the shapes fix: equal inputs give equal bits.

    Raises:
        ConfigError: no Triton, no GPU, or tensors that the kernel is not made for.
    """
    _check(x, scale, shift, static, source, target, alpha, precision=precision)
    return _mix(x, scale, shift, static, source, target, alpha, precision)


def mix_eager(
    x: Tensor,
    scale: Tensor,
    shift: Tensor,
    static: Tensor,
    source: Tensor,
    target: Tensor,
    alpha: Tensor,
) -> Tensor:
    """Activate features and mix their joints: relu(scale * x + shift) @ topology.

    Joint v gives to joint w: static[v, w] + alpha * tanh(source[v] - target[w]).

    Args:
        x: (N, C, T, V), any floating dtype.
        scale: (C,), of the batch norm folded to an affine map.
        shift: (C,).
        static: (N, S, V, V), what the D channels of a subset share.
        source: (N, C, V).
        target: (N, C, V).
        alpha: (), how much the motion counts.

    Returns:
        (N, C, T, V) in the dtype of ``x``, to which both operands of the product are rounded.
    """
    affine = (
        scale[:, None, None] * x.to(at_least_float32(x.dtype)) + shift[:, None, None]
    )  # (N, C, T, V)
    motion = torch.tanh(source.unsqueeze(-1) - target.unsqueeze(-2))  # (N, C, V, V)
    motion = motion.unflatten(1, (static.shape[1], -1))  # (N, S, D, V, V)
    topology = (static.unsqueeze(2) + alpha * motion).flatten(1, 2)  # (N, C, V, V)
    return F.relu(affine).to(x.dtype) @ topology.to(x.dtype)


# Opaque operators: torch.compile keeps them whole in its graph, eager mode and compiled code run
# the same launches, and nothing but the inputs is kept for the backward pass.
@torch.library.custom_op("protogcn::mix", mutates_args=())
def _mix(
    x: Tensor,
    scale: Tensor,
    shift: Tensor,
    static: Tensor,
    source: Tensor,
    target: Tensor,
    alpha: Tensor,
    precision: str,
) -> Tensor:
    launch = _launcher(x.device)
    inputs = launch.contiguous(x, scale, shift, static, source, target, alpha)
    return launch.launch_forward(inputs, precision=precision, plan=launch.plan_launch(inputs))


@torch.library.custom_op("protogcn::mix_backward", mutates_args=())
def _mix_backward(
    grad_y: Tensor,
    x: Tensor,
    scale: Tensor,
    shift: Tensor,
    static: Tensor,
    source: Tensor,
    target: Tensor,
    alpha: Tensor,
    precision: str,
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]:
    launch = _launcher(x.device)
    inputs = launch.contiguous(x, scale, shift, static, source, target, alpha)
    plan = launch.plan_launch(inputs)
    return launch.launch_backward(grad_y.contiguous(), inputs, precision=precision, plan=plan)


@_mix.register_fake
def _shape_mix(x: Tensor, *_: Tensor | str) -> Tensor:
    return x.new_empty(x.shape)


@_mix_backward.register_fake
def _shape_mix_backward(
    grad_y: Tensor, x: Tensor, scale: Tensor, shift: Tensor, *shared: Tensor | str
) -> tuple[Tensor, ...]:
    return (
        x.new_empty(x.shape),
        scale.new_empty(2, x.shape[1]),
        *(each.new_empty(each.shape) for each in shared[:4]),
    )


def _save(ctx: FunctionCtx, inputs: tuple[Tensor | str, ...], output: Tensor) -> None:
    *tensors, ctx.precision = inputs
    ctx.save_for_backward(*tensors)


def _propagate(ctx: FunctionCtx, grad_y: Tensor) -> tuple[Tensor | None, ...]:
    x, affine, static, source, target, alpha = _mix_backward(
        grad_y, *ctx.saved_tensors, ctx.precision
    )
    return x, affine[0], affine[1], static, source, target, alpha, None


_mix.register_autograd(_propagate, setup_context=_save)


def _launcher(device: torch.device) -> ModuleType:
    """Import what needs Triton, on the first call."""
    if not kernel_available():
        raise ConfigError("topology kernel: needs Triton, which is not installed; use mix_eager.")
    from protogcn.models.fast.gpu import launch as topology_launch

    if device.type != "cuda" and not topology_launch.INTERPRETED:
        raise ConfigError(f"topology kernel: needs a GPU, found tensors on {device}.")
    return topology_launch


def _check(
    x: Tensor,
    scale: Tensor,
    shift: Tensor,
    static: Tensor,
    source: Tensor,
    target: Tensor,
    alpha: Tensor,
    *,
    precision: str,
) -> None:
    if precision not in ("ieee", "tf32"):
        raise ConfigError(f"topology kernel: precision is {precision!r}, expected ieee or tf32.")
    if x.dim() != 4 or x.dtype not in _DTYPES:
        raise ConfigError(
            f"topology kernel: x is {x.dtype} of shape {tuple(x.shape)},"
            " expected (N, C, T, V) in float32, bfloat16 or float16."
        )
    bodies, channels, _, joints = x.shape
    if joints > MAX_JOINTS:
        raise ConfigError(f"topology kernel: {joints} joints, expected at most {MAX_JOINTS}.")
    subsets = static.shape[1] if static.dim() == 4 else 0
    if subsets == 0 or channels % subsets:
        raise ConfigError(
            f"topology kernel: static has shape {tuple(static.shape)}, expected (N, S, V, V) with"
            f" S a divisor of {channels} channels."
        )
    expected = {
        "scale": (scale, (channels,)),
        "shift": (shift, (channels,)),
        "static": (static, (bodies, subsets, joints, joints)),
        "source": (source, (bodies, channels, joints)),
        "target": (target, (bodies, channels, joints)),
        "alpha": (alpha, ()),
    }
    for name, (tensor, shape) in expected.items():
        if tensor.shape != shape or tensor.dtype != torch.float32 or tensor.device != x.device:
            raise ConfigError(
                f"topology kernel: {name} is {tensor.dtype} of shape {tuple(tensor.shape)} on"
                f" {tensor.device}, expected torch.float32 of shape {shape} on {x.device}."
            )
