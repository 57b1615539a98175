"""What every network's ``loss`` returns: the number to minimise, its parts and the logits."""

from typing import NamedTuple

from torch import Tensor


class Loss(NamedTuple):
    """The training loss of one batch.

    Attributes:
        total: the scalar to minimise.
        parts: its terms before weighting, detached scalars, by name.
        logits: class scores, detached, shape (N, K), at least float32.
    """

    total: Tensor
    parts: dict[str, Tensor]
    logits: Tensor
