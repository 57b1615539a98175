"""Batch norms of bodies, and the precision that sensitive parts are computed in.

A row of a batch may represent several equal bodies (``Bodies.multiplicity``): it counts as often in
the statistics, and in the gradient through them. If several processes share a batch, statistics are
over all of them. Shapes: B bodies, C channels, T frames, V joints, M person slots.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from protogcn.batches.bodies import Bodies
from protogcn.batches.parallel import gathered, is_parallel
from protogcn.models.compiled_norm import CompiledAffine, CompiledNorm
from protogcn.models.pointwise import without_bias


class ChannelsLastNorm(nn.BatchNorm1d):
    """Batch norm of features whose channels are the last axis.

    Memory stays as the linear maps left it; on the CPU this is also torch's fastest batch norm.
    """

    def forward(self, features: Tensor, multiplicity: Tensor | None = None) -> Tensor:
        """(B, ..., C) -> (B, ..., C), statistics over all other axes."""
        if self.training and (multiplicity is not None or is_parallel()):
            return weighted_norm(self, features, multiplicity, axis=features.dim() - 1)
        rows = features.flatten(0, -2)  # (rows, C)
        return super().forward(rows).view(features.shape)


class ChannelsFirstNorm(nn.BatchNorm2d):
    """Batch norm of features whose channels are the second axis."""

    def forward(self, features: Tensor, multiplicity: Tensor | None = None) -> Tensor:
        """(B, C, T, V) -> (B, C, T, V), statistics over all other axes."""
        if self.training and (multiplicity is not None or is_parallel()):
            return weighted_norm(self, features, multiplicity, axis=1)
        return super().forward(features)


class InputNorm(ChannelsLastNorm):
    """Batch norm of bodies whose joints and channels, V * C, have statistics each."""

    def forward(self, bodies: Bodies) -> Tensor:
        """Return the values, (B, T, V, C), normed; all persons share the statistics."""
        values = bodies.values
        return super().forward(values.flatten(2), bodies.multiplicity).view(values.shape)


class PersonNorm(nn.BatchNorm1d):
    """``InputNorm`` with statistics, scales and shifts for each of M person slots.

    With one person it is ``InputNorm``.
    """

    def __init__(self, num_persons: int, channels: int):
        super().__init__(num_persons * channels)
        self.num_persons = num_persons

    def forward(self, bodies: Bodies) -> Tensor:
        """Return the values, (B, T, V, C), normed person by person."""
        features, persons = bodies.values.flatten(2), bodies.persons  # (B, T, V * C), (B,)
        if self.training:
            multiplicity = bodies.multiplicity
            multiplicity = torch.ones_like(persons) if multiplicity is None else multiplicity
            found = [
                moments(features, multiplicity * (persons == person), axis=2)
                for person in range(self.num_persons)
            ]
            mean, variance = (torch.cat(parts) for parts in list(zip(*found, strict=True))[:2])
            track_moments(self, mean, variance, found[0][2])  # every clip has every slot
        else:
            mean, variance = self.running_mean, self.running_var
        scale = self.weight * (variance + self.eps).rsqrt()
        mean, scale, shift = (
            each.view(self.num_persons, 1, -1)[persons] for each in (mean, scale, self.bias)
        )  # (B, 1, V * C)
        return ((features - mean) * scale + shift).to(features.dtype).view(bodies.values.shape)


class Shortcut(nn.Sequential):
    """What goes around a block: the features themselves, or their map and its norm."""

    def __init__(self, in_channels: int, out_channels: int, *, mapped: bool):
        super().__init__()
        if mapped:
            self.extend([nn.Linear(in_channels, out_channels), ChannelsLastNorm(out_channels)])

    def forward(self, features: Tensor, multiplicity: Tensor | None = None) -> Tensor:
        """(B, T, V, C) -> (B, T, V, C')."""
        if not len(self):
            return features
        linear, norm = self
        return map_and_norm(linear, norm, features, multiplicity)


def map_and_norm(
    linear: nn.Linear,
    norm: ChannelsLastNorm | ChannelsFirstNorm,
    features: Tensor,
    multiplicity: Tensor | None,
    *,
    activated: bool = False,
) -> Tensor:
    """Return the norm of a map, or its relu; compiled code leaves the bias to the running mean.

    The bias moves the mean of what it is added to, and nothing that comes after the norm. Adding
    it, and adding up a gradient for it that is zero, are a pass over the features each.
    """
    if not (torch.compiler.is_compiling() and norm.training and multiplicity is not None):
        normed = norm(linear(features), multiplicity)
        return F.relu_(normed) if activated else normed
    axis = 1 if isinstance(norm, ChannelsFirstNorm) else features.dim() - 1
    mapped = without_bias(linear, features)
    return weighted_norm(
        norm, mapped, multiplicity, axis=axis, bias=linear.bias, activated=activated
    )


def norm_and_activate(
    norm: ChannelsLastNorm, features: Tensor, multiplicity: Tensor | None
) -> Tensor:
    """Return the relu of the norm of features (B, ..., C)."""
    if not (torch.compiler.is_compiling() and norm.training and multiplicity is not None):
        return F.relu_(norm(features, multiplicity))
    return weighted_norm(norm, features, multiplicity, axis=features.dim() - 1, activated=True)


def weighted_norm(
    norm: nn.BatchNorm1d | nn.BatchNorm2d,
    features: Tensor,
    multiplicity: Tensor | None,
    *,
    axis: int,
    bias: Tensor | None = None,
    activated: bool = False,
) -> Tensor:
    """Batch norm in training mode, where row b represents ``multiplicity[b]`` equal bodies.

    Args:
        norm: its weights and running statistics, which are moved.
        features: (B, ..., C, ...).
        multiplicity: (B,), or None for one body each.
        axis: of C.
        bias: (C,) of the map before the norm, where the features are without it.
        activated: return the relu.
    """
    if torch.compiler.is_compiling() and not is_parallel():
        weights, total = row_weights(features, multiplicity, axis=axis)
        guess = norm.running_mean.to(weights.dtype).clone()  # which costs no pass
        inputs = (features, weights, guess, norm.weight, norm.bias, bias)
        normed, mean, variance = CompiledNorm.apply(*inputs, norm.eps, axis, activated)
        track_moments(norm, mean if bias is None else mean + bias.detach(), variance, total)
        return normed
    mean, variance = _tracked_moments(norm, features, multiplicity, axis=axis)
    shape = [1] * features.dim()
    shape[axis] = -1
    scale = norm.weight * (variance + norm.eps).rsqrt()
    centred = features.to(mean.dtype) - mean.view(shape)
    normed = (centred * scale.view(shape) + norm.bias.view(shape)).to(features.dtype)
    return F.relu_(normed) if activated else normed


def map_and_affine(
    linear: nn.Linear, norm: ChannelsFirstNorm, features: Tensor, multiplicity: Tensor | None
) -> tuple[Tensor, Tensor, Tensor]:
    """Map features to (B, C, T, V); return the result, and scale and shift (C,) of its norm.

    As in ``map_and_norm`` compiled code leaves the bias of the map to the running mean.
    """
    if torch.compiler.is_compiling() and norm.training and not is_parallel():
        mapped = without_bias(linear, features)
        weights, total = row_weights(mapped, multiplicity, axis=1)
        guess = norm.running_mean.to(weights.dtype).clone()
        inputs = (mapped, weights, guess, norm.weight, norm.bias, linear.bias)
        scale, shift, mean, variance = CompiledAffine.apply(*inputs, norm.eps, 1)
        track_moments(norm, mean + linear.bias.detach(), variance, total)
        return mapped, scale, shift
    mapped = linear(features)
    if norm.training:
        mean, variance = _tracked_moments(norm, mapped, multiplicity, axis=1)
    else:
        mean, variance = norm.running_mean, norm.running_var
    scale = norm.weight * (variance + norm.eps).rsqrt()
    return mapped, scale, norm.bias - scale * mean


def _tracked_moments(
    norm: nn.BatchNorm1d | nn.BatchNorm2d,
    features: Tensor,
    multiplicity: Tensor | None,
    *,
    axis: int,
) -> tuple[Tensor, Tensor]:
    """Mean and variance (C,), and move the running ones."""
    mean, variance, total = moments(features, multiplicity, axis=axis)
    track_moments(norm, mean, variance, total)
    return mean, variance


def moments(
    features: Tensor, multiplicity: Tensor | None, *, axis: int
) -> tuple[Tensor, Tensor, Tensor]:
    """Mean and variance (C,) over all axes but one, and how many values each is made of, ()."""
    others = [number for number in range(features.dim()) if number != axis]
    values = features.to(at_least_float32(features.dtype))
    weights, total = row_weights(features, multiplicity, axis=axis)

    # Moments about a first guess of the mean: both come from one reading, and nothing cancels.
    guess = values[:1].detach().sum(others, keepdim=True) / _values_of_a_row(features, axis)
    shifted = values - guess
    offset = (shifted * weights).sum(others)  # (C,)
    mean = guess.flatten() + offset
    variance = (shifted.square() * weights).sum(others) - offset.square()
    if is_parallel():
        mean, variance, total = _of_all_processes(mean, variance, total)
    return mean, variance.clamp(min=0), total


def row_weights(
    features: Tensor, multiplicity: Tensor | None, *, axis: int
) -> tuple[Tensor, Tensor]:
    """Return the weight of a value of each row in a mean, (B, 1, ...), and how many there are."""
    dtype = at_least_float32(features.dtype)
    multiplicity = (
        features.new_ones(len(features), dtype=dtype)
        if multiplicity is None
        else multiplicity.to(dtype)
    )
    total = multiplicity.sum() * _values_of_a_row(features, axis)
    # A process without a clip has nothing to count.
    return (multiplicity / total.clamp(min=1)).view(-1, *[1] * (features.dim() - 1)), total


def _values_of_a_row(features: Tensor, axis: int) -> int:
    """Return how many values a row of (B, ..., C, ...) has of each channel."""
    return math.prod(
        [size for number, size in enumerate(features.shape) if number not in (0, axis)]
    )


def track_moments(norm: nn.Module, mean: Tensor, variance: Tensor, total: Tensor) -> None:
    """Move a norm's running statistics (C,) towards a batch's."""
    with torch.no_grad():
        unbiased = variance * (total / (total - 1).clamp(min=1))
        if not torch.compiler.is_compiling():  # a launch a norm, for a number that nothing reads
            norm.num_batches_tracked.add_(1)
        norm.running_mean.lerp_(mean.to(norm.running_mean.dtype), norm.momentum)
        norm.running_var.lerp_(unbiased.to(norm.running_var.dtype), norm.momentum)


def _of_all_processes(
    mean: Tensor, variance: Tensor, total: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Combine the moments (C,) of every process's ``total`` values, in one message."""
    together = gathered(torch.cat([mean, variance, total.view(1)]))  # (R, 2 C + 1)
    means, variances, totals = together.split([len(mean), len(mean), 1], dim=1)
    total = totals.sum()
    weights = totals / total  # (R, 1)
    mean = (weights * means).sum(0)
    return mean, (weights * (variances + (means - mean).square())).sum(0), total


def at_least_float32(dtype: torch.dtype) -> torch.dtype:
    """Return float32 for half precisions under autocast, else ``dtype`` itself."""
    return torch.promote_types(dtype, torch.float32)
