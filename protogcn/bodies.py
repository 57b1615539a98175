"""The bodies of a batch that a network has to compute: the real ones, and one for all empty slots.

Most clips leave a person slot empty, all zero. Empty bodies are equal in every layer, so that one
row stands for all of them and counts as often in the statistics of the batch norms: the same
numbers for fewer rows. Shapes: N clips, M person slots, R real bodies, B rows, T frames, V joints,
C channels.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from protogcn.device import send
from protogcn.parallel import Part


class Bodies(NamedTuple):
    """What a network reads.

    Attributes:
        values: (B, T, V, C), one body in a row.
        shares: (N, B), the share of each row in the mean over a clip's person slots.
        counts: (B,) how many bodies a row stands for, 0 for a row that only fills a fixed shape;
            None where every row is one body.
        part: where several processes share a batch, which of its clips these are.
    """

    values: Tensor
    shares: Tensor
    counts: Tensor | None
    part: Part | None = None

    def mean_over_persons(self, rows: Tensor) -> Tensor:
        """(B, ...) -> (N, ...)."""
        flat = rows.flatten(1)
        return (self.shares.to(flat.dtype) @ flat).unflatten(1, rows.shape[1:])


@dataclass(frozen=True)
class BodyRows:
    """Which body of a batch stands in which row.

    Attributes:
        clips: (R,) clip of the batch each real body belongs to; the first R rows are these.
        persons: (R,) its person slot.
        shares: as in ``Bodies``, float32.
        counts: as in ``Bodies``, float32.
    """

    clips: np.ndarray
    persons: np.ndarray
    shares: np.ndarray
    counts: np.ndarray | None

    @property
    def num_rows(self) -> int:
        """B."""
        return self.shares.shape[1]


def body_rows(persons: np.ndarray, num_slots: int, *, multiple: int = 1) -> BodyRows:
    """Give every real body of a batch a row, and all empty slots one row together.

    Args:
        persons: (N,) how many of each clip's slots are not empty; these come first.
        num_slots: M.
        multiple: the number of rows is filled up to a multiple of it (or to N * M), for code that
            is compiled for a few fixed shapes.
    """
    real = np.arange(num_slots) < persons[:, None]  # (N, M)
    clips, slots = np.nonzero(real)
    # No clip at all is one row that counts for nothing: a process may have no part of a batch.
    num_rows = max(min(-(-(len(clips) + 1) // multiple) * multiple, real.size), 1)
    rows = np.full(real.shape, min(len(clips), num_rows - 1))  # the row of the empty body
    rows[real] = np.arange(len(clips))
    shares = np.zeros((len(real), num_rows), np.float32)
    np.add.at(shares, (np.arange(len(real))[:, None], rows), np.float32(1 / num_slots))
    single = real.size > 0 and real.all() and multiple == 1
    counts = None if single else np.bincount(rows.ravel(), minlength=num_rows).astype(np.float32)
    return BodyRows(clips, slots, shares, counts)


def all_bodies(clips: Tensor) -> Bodies:
    """Return every body of clips (N, M, T, V, C), each with a row of its own."""
    num_clips, num_slots = clips.shape[:2]
    shares = torch.eye(num_clips, device=clips.device).repeat_interleave(num_slots, dim=1)
    return Bodies(clips.flatten(0, 1), shares / num_slots, None)


def pack_bodies(clips: Tensor, rows: BodyRows) -> Bodies:
    """Return the bodies of clips (N, M, T, V, C) that ``rows`` lists, the empty rows zero."""
    values = clips.new_zeros(rows.num_rows, *clips.shape[2:])
    where = (torch.from_numpy(rows.clips), torch.from_numpy(rows.persons))
    values[: len(rows.clips)] = clips[where]
    return finish_bodies(values, rows)


def finish_bodies(values: Tensor, rows: BodyRows) -> Bodies:
    """Put the rows' shares and counts, on the device of ``values``, beside the values."""
    device = values.device
    counts = None if rows.counts is None else send(torch.from_numpy(rows.counts), device)
    return Bodies(values, send(torch.from_numpy(rows.shares), device), counts)
