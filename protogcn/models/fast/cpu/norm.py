"""Batch norm in two passes: moments of each body on the way, then one affine map.

Shapes: B bodies, C channels, L frames x joints. A body counts as often as it stands for an equal
one (``Bodies.multiplicity``), in the statistics and in the gradient through them.
"""

from functools import cached_property
from typing import NamedTuple

import torch
from torch import Tensor, nn


class Moments(NamedTuple):
    """Mean and mean squared deviation of each body's channels, both (B, C)."""

    mean: Tensor
    variance: Tensor

    @classmethod
    def empty(cls, num_bodies: int, channels: int, like: Tensor) -> "Moments":
        """Return room for them."""
        return cls(*(like.new_empty(num_bodies, channels) for _ in range(2)))

    def measure(self, body: int, values: Tensor) -> None:
        """Fill in the moments of one body from its values (C, L).

        The difference of two squares is off by about 1e-7 (1 + (mean / deviation)^2) of the
        variance in float32. Means are of the deviations' size here, where maps have no bias.
        """
        mean, variance = self.mean[body], self.variance[body]
        torch.mean(values, dim=1, out=mean)
        torch.linalg.vector_norm(values, dim=1, out=variance)
        variance.square_().div_(values.shape[1]).sub_(mean.square()).clamp_(min=0)


class Statistics(NamedTuple):
    """What a norm divides by.

    Attributes:
        mean: (C,) over all bodies.
        variance: (C,)
        eps: what the norm adds to the variance.
        shares: for each body the share of one of its values in a mean over all values.
    """

    mean: Tensor
    variance: Tensor
    eps: float
    shares: list[float]


def batch_statistics(
    norm: nn.BatchNorm1d | nn.BatchNorm2d,
    moments: Moments,
    multiplicity: Tensor,
    num_values: int,
    skipped_bias: Tensor,
) -> Statistics:
    """Combine the moments of the bodies and move the norm's running statistics.

    Args:
        norm: the module, in training mode.
        moments: of what goes into it.
        multiplicity: (B,) how many bodies each one stands for.
        num_values: of one body and channel.
        skipped_bias: (C,) of the map in front, left out since a norm takes it away again; the
            running mean has it.
    """
    weights = multiplicity / multiplicity.sum()  # (B,)
    mean = weights @ moments.mean  # (C,)
    variance = weights @ (moments.variance + (moments.mean - mean).square())
    total = float(multiplicity.sum()) * num_values
    with torch.no_grad():
        norm.num_batches_tracked.add_(1)
        norm.running_mean.lerp_(mean + skipped_bias, norm.momentum)
        norm.running_var.lerp_(variance * (total / max(total - 1, 1)), norm.momentum)
    return Statistics(mean, variance, norm.eps, (weights / num_values).tolist())


class NormPass:
    """One norm on the way forward, and again on the way back."""

    def __init__(self, statistics: Statistics, weight: Tensor, bias: Tensor):
        """``weight`` and ``bias`` are the norm's, (C,)."""
        self._statistics = statistics
        self._weight = weight
        self._inverse = (statistics.variance + statistics.eps).rsqrt_()  # (C,)
        self._scale = (weight * self._inverse).unsqueeze(1)  # (C, 1)
        self._shift = bias.unsqueeze(1) - self._scale * statistics.mean.unsqueeze(1)
        self._of_weight, self._of_bias = torch.zeros_like(weight), torch.zeros_like(weight)

    def apply(self, values: Tensor, out: Tensor) -> Tensor:
        """(C, L) -> the norm's output."""
        return torch.mul(values, self._scale, out=out).add_(self._shift)

    def collect(self, gradient: Tensor, values: Tensor) -> None:
        """Add one body's part of the weight's and the bias's gradient, for (C, L) twice."""
        mean, variance, eps, _ = self._statistics
        _, of_weight, of_bias = torch.ops.aten.native_batch_norm_backward(
            gradient.unsqueeze(0),
            values.unsqueeze(0),
            self._weight,
            mean,
            variance,
            None,
            None,
            False,  # fixed statistics: the gradient through them follows in ``through``
            eps,
            [False, True, True],
        )
        self._of_weight += of_weight
        self._of_bias += of_bias

    def through_all(self, gradients: Tensor, features: Tensor, *, out: Tensor) -> None:
        """(B, C, T, V), gradients of the output -> of the input."""
        for share, gradient, values, of_values in zip(
            self._statistics.shares, gradients, features, out, strict=True
        ):
            self.through(share, gradient.flatten(1), values.flatten(1), out=of_values.flatten(1))

    def through(self, share: float, gradient: Tensor, values: Tensor, *, out: Tensor) -> None:
        """(C, L), gradient of the output -> of the input, once all bodies are collected."""
        slope, offset = self._slope_and_offset
        torch.mul(gradient, self._scale, out=out)
        out.addcmul_(values, slope, value=-share).sub_(offset * share)

    @property
    def parameter_gradients(self) -> tuple[Tensor, Tensor]:
        """Gradients of weight and bias, once all bodies are collected."""
        return self._of_weight, self._of_bias

    @cached_property
    def _slope_and_offset(self) -> tuple[Tensor, Tensor]:
        """How the mean gradient and its covariance with the values come off, (C, 1) twice."""
        slope = self._scale * (self._inverse * self._of_weight).unsqueeze(1)
        offset = self._scale * self._of_bias.unsqueeze(1)
        return slope, offset - slope * self._statistics.mean.unsqueeze(1)
