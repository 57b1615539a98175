"""What every network's ``loss`` returns: the number to minimise, its parts and the logits."""

from typing import NamedTuple

import torch.nn.functional as F
from torch import Tensor

from protogcn.batches.parallel import BatchPart


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


def mean_cross_entropy(logits: Tensor, labels: Tensor, part: BatchPart | None) -> Tensor:
    """(N, K), (N,) -> the mean over the whole batch, of which these clips may be a part."""
    if part is None:
        return F.cross_entropy(logits, labels)
    return F.cross_entropy(logits, labels, reduction="sum") / part.total
