"""The Triton kernels that ``launch`` runs: one forward, one backward.

A program takes a group of channels of one body and one subset, and one channel at a time: it
computes that channel's topology and runs over its frames. The topology never reaches memory; what
the channels of a subset share comes from memory, and its gradient goes there, once a group.
Joints are padded to a power of two, as the matrix units need it. Shapes: B bodies, C channels, T
frames, V joints.
"""

import triton
import triton.language as tl


@triton.jit
def _tanh(x):
    """Tanh from one exponential, which is kept from overflowing; within 1e-6, NaN stays NaN."""
    bounded = tl.minimum(x, 40.0, propagate_nan=tl.PropagateNan.ALL)
    return 1.0 - 2.0 / (1.0 + tl.exp(2.0 * bounded))


@triton.jit
def mix_forward(
    x_ptr,
    scale_ptr,
    shift_ptr,
    static_ptr,
    source_ptr,
    target_ptr,
    alpha_ptr,
    y_ptr,
    channels,
    features,
    frames: tl.constexpr,
    joints: tl.constexpr,
    group: tl.constexpr,
    tile: tl.constexpr,
    padded: tl.constexpr,
    kind: tl.constexpr,
    operand: tl.constexpr,
    precision: tl.constexpr,
):
    """Write y; joints v give to joints w."""
    first = tl.program_id(0).to(tl.int64) * group  # of the B * C pairs of body and channel
    joint = tl.arange(0, padded)
    real = joint < joints
    edge = joint[:, None] * joints + joint[None, :]
    inside = real[:, None] & real[None, :]
    static = tl.load(static_ptr + first // features * joints * joints + edge, inside, other=0.0)
    alpha = tl.load(alpha_ptr)
    for index in range(group):
        pair = first + index
        source = tl.load(source_ptr + pair * joints + joint, real, other=0.0)
        target = tl.load(target_ptr + pair * joints + joint, real, other=0.0)
        edges = static + alpha * _tanh(source[:, None] - target[None, :])  # (V, V)
        edges = edges.to(kind).to(operand)
        scale = tl.load(scale_ptr + first % channels + index)
        shift = tl.where(real, tl.load(shift_ptr + first % channels + index), 0.0)[None, :]
        start = pair * frames * joints
        for begin in range(0, frames, tile):
            t = begin + tl.arange(0, tile)[:, None]
            place = t * joints + joint[None, :]
            filled = (t < frames) & real[None, :]
            x = tl.load(x_ptr + start + place, filled, other=0.0).to(tl.float32)
            affine = scale * x + shift
            active = tl.where(affine <= 0, 0.0, affine).to(kind).to(operand)  # (T, V), keeps NaN
            y = tl.dot(active, edges, input_precision=precision)  # (T, V)
            tl.store(y_ptr + start + place, y.to(kind), filled)


@triton.jit
def mix_backward(
    grad_y_ptr,
    x_ptr,
    scale_ptr,
    shift_ptr,
    static_ptr,
    source_ptr,
    target_ptr,
    alpha_ptr,
    grad_x_ptr,
    grad_scale_ptr,
    grad_shift_ptr,
    grad_static_ptr,
    grad_source_ptr,
    grad_target_ptr,
    grad_alpha_ptr,
    channels,
    features,
    frames: tl.constexpr,
    joints: tl.constexpr,
    group: tl.constexpr,
    tile: tl.constexpr,
    padded: tl.constexpr,
    kind: tl.constexpr,
    operand: tl.constexpr,
    precision: tl.constexpr,
):
    """Write the gradients, those of static and alpha as one part for each program."""
    program = tl.program_id(0).to(tl.int64)
    first = program * group  # of the B * C pairs of body and channel
    joint = tl.arange(0, padded)
    real = joint < joints
    edge = joint[:, None] * joints + joint[None, :]
    inside = real[:, None] & real[None, :]
    alpha = tl.load(alpha_ptr)
    grad_static = tl.zeros((padded, padded), tl.float32)
    grad_alpha = 0.0
    for index in range(group):
        pair = first + index
        source = tl.load(source_ptr + pair * joints + joint, real, other=0.0)
        target = tl.load(target_ptr + pair * joints + joint, real, other=0.0)
        motion = _tanh(source[:, None] - target[None, :])  # (V, V)
        # Read again for each channel, from the first cache: held, it would cost a third of the
        # registers, and with them programs that hide each other's waiting.
        static = tl.load(static_ptr + first // features * joints * joints + edge, inside, other=0.0)
        back = tl.trans((static + alpha * motion).to(kind).to(operand))  # (V, V), from w to v
        scale = tl.load(scale_ptr + first % channels + index)
        shift = tl.where(real, tl.load(shift_ptr + first % channels + index), 0.0)[None, :]
        grad_edges = tl.zeros((padded, padded), tl.float32)
        grad_scale = 0.0
        grad_shift = 0.0
        start = pair * frames * joints
        for begin in range(0, frames, tile):
            t = begin + tl.arange(0, tile)[:, None]
            place = t * joints + joint[None, :]
            filled = (t < frames) & real[None, :]
            x = tl.load(x_ptr + start + place, filled, other=0.0).to(tl.float32)
            grad_y = tl.load(grad_y_ptr + start + place, filled, other=0.0).to(operand)
            affine = scale * x + shift
            active = tl.where(affine <= 0, 0.0, affine).to(kind).to(operand)  # (T, V)
            grad_edges = tl.dot(tl.trans(active), grad_y, grad_edges, input_precision=precision)
            grad_active = tl.dot(grad_y, back, input_precision=precision)  # (T, V)
            grad_affine = tl.where(affine <= 0, 0.0, grad_active)
            tl.store(grad_x_ptr + start + place, (scale * grad_affine).to(kind), filled)
            grad_scale += tl.sum(grad_affine * x)
            grad_shift += tl.sum(grad_affine)
        grad_static += grad_edges
        grad_alpha += tl.sum(grad_edges * motion)
        grad_difference = grad_edges * (1.0 - motion * motion)  # (V, V)
        place = pair * joints + joint
        tl.store(grad_source_ptr + place, alpha * tl.sum(grad_difference, axis=1), real)
        tl.store(grad_target_ptr + place, -alpha * tl.sum(grad_difference, axis=0), real)
        tl.store(grad_scale_ptr + pair, grad_scale)
        tl.store(grad_shift_ptr + pair, grad_shift)
    tl.store(grad_static_ptr + program * joints * joints + edge, grad_static, inside)
    tl.store(grad_alpha_ptr + program, grad_alpha)
