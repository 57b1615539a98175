"""Bodies back to clips with all person slots, for networks that read those."""

import torch
from torch import Tensor

from protogcn.bodies import Bodies


def dense(bodies: Bodies, num_slots: int) -> Tensor:
    """Return (N, M, T, V, C)."""
    slots = (bodies.shares * num_slots).round().long()  # (N, B), how many slots a row fills
    rows = torch.arange(slots.shape[1], device=slots.device).repeat(len(slots))
    return bodies.values[rows.repeat_interleave(slots.flatten())].unflatten(0, (-1, num_slots))
