"""What every network's ``loss`` returns: the number to minimise, its parts and the logits."""

from collections.abc import Sequence
from typing import NamedTuple

import torch.nn.functional as F
from torch import Tensor

from protogcn.batches.parallel import BatchPart
from protogcn.models.add_on import AddOn, StepView


class Loss(NamedTuple):
    """The training loss of one batch.

    Attributes:
        total: the scalar to minimise; where several processes share the batch, their totals add up
            to it.
        parts: its terms before weighting, detached scalars, by name.
        logits: class scores, detached, shape (N, K), at least float32.
    """

    total: Tensor
    parts: dict[str, Tensor]
    logits: Tensor


def mean_cross_entropy(
    logits: Tensor, labels: Tensor, part: BatchPart | None, *, smoothing: float = 0.0
) -> Tensor:
    """(N, K), (N,) -> the mean over the whole batch, of which these clips may be a part.

    ``smoothing``: the share of every label that is spread over all classes alike.
    """
    if part is None:
        return F.cross_entropy(logits, labels, label_smoothing=smoothing)
    total = F.cross_entropy(logits, labels, reduction="sum", label_smoothing=smoothing)
    return total / part.total


def loss_of_step(step: StepView, add_ons: Sequence[AddOn], *, smoothing: float = 0.0) -> Loss:
    """Return the cross entropy and the weighted losses of add-ons, as one ``Loss``."""
    total = mean_cross_entropy(step.logits, step.labels, step.bodies.part, smoothing=smoothing)
    parts = {"cross_entropy": total.detach()}
    for add_on in add_ons:
        extra = add_on(step)
        total = total + add_on.weight * extra
        parts[add_on.term] = extra.detach()
    return Loss(total, parts, step.logits.detach())
