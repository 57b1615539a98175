"""The bodies of a batch that a network has to compute: all real ones, one for the empty slots.

Most clips leave a person slot empty, all zero. Empty bodies are equal in every layer, so that one
row stands for all of them and counts as often in the statistics of the batch norms: the same
numbers for fewer rows. Empty slots of different persons, which a network may norm differently,
share no row. Shapes: N clips, M person slots, R real bodies, B rows, T frames, V joints, C
channels.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from protogcn.batches.device import to_device
from protogcn.batches.parallel import BatchPart


class Bodies(NamedTuple):
    """What a network reads.

    Attributes:
        values: (B, T, V, C), one body in a row.
        person_weights: (N, B), the share of each row in the mean over a clip's person slots.
        multiplicity: (B,) how many bodies a row stands for, 0 for a row that only fills a fixed
            shape; None if every row is one body.
        persons: (B,) the person slot of each row.
        part: where several processes share a batch, which of its clips these are.
    """

    values: Tensor
    person_weights: Tensor
    multiplicity: Tensor | None
    persons: Tensor
    part: BatchPart | None = None

    def mean_over_persons(self, rows: Tensor) -> Tensor:
        """(B, ...) -> (N, ...)."""
        flat = rows.flatten(1)
        return (self.person_weights.to(flat.dtype) @ flat).unflatten(1, rows.shape[1:])


@dataclass(frozen=True)
class BodyRows:
    """Which body of a batch stands in which row.

    Attributes:
        clips: (R,) clip of the batch each real body belongs to; the first R rows are these.
        persons: (B,) the person slot of each row.
        person_weights: as in ``Bodies``, float32.
        multiplicity: as in ``Bodies``, float32.
    """

    clips: np.ndarray
    persons: np.ndarray
    person_weights: np.ndarray
    multiplicity: np.ndarray | None

    @property
    def num_rows(self) -> int:
        """B."""
        return self.person_weights.shape[1]


def body_rows(persons: np.ndarray, num_slots: int, *, multiple: int = 1) -> BodyRows:
    """Give every real body of a batch a row, and all empty slots of one person a row together.

    Args:
        persons: (N,) how many of each clip's slots are not empty; these come first.
        num_slots: M.
        multiple: the number of rows is filled up to a multiple of it (or to N * M), for code that
            is compiled for a few fixed shapes.
    """
    real = np.arange(num_slots) < persons[:, None]  # (N, M)
    clips, slots = np.nonzero(real)
    empty = np.flatnonzero(~real.all(axis=0))  # the slots that need a row for their empty bodies
    # No clip at all is one row that counts for nothing: a process may have no part of a batch.
    needed = len(clips) + max(len(empty), 1)
    num_rows = max(min(-(-needed // multiple) * multiple, real.size), 1)
    of_empty = np.zeros(num_slots, np.int64)
    of_empty[empty] = len(clips) + np.arange(len(empty))
    rows = np.broadcast_to(of_empty, real.shape).copy()
    rows[real] = np.arange(len(clips))
    person_weights = np.zeros((len(real), num_rows), np.float32)
    np.add.at(person_weights, (np.arange(len(real))[:, None], rows), np.float32(1 / num_slots))
    single = real.size > 0 and real.all() and multiple == 1
    multiplicity = (
        None if single else np.bincount(rows.ravel(), minlength=num_rows).astype(np.float32)
    )
    filling = np.zeros(num_rows - len(clips) - len(empty), np.int64)
    return BodyRows(clips, np.concatenate([slots, empty, filling]), person_weights, multiplicity)


def all_bodies(clips: Tensor) -> Bodies:
    """Return every body of clips (N, M, T, V, C), each with a row of its own."""
    num_clips, num_slots = clips.shape[:2]
    person_weights = torch.eye(num_clips, device=clips.device).repeat_interleave(num_slots, dim=1)
    persons = torch.arange(num_slots, device=clips.device).repeat(num_clips)
    return Bodies(clips.flatten(0, 1), person_weights / num_slots, None, persons)


def pack_bodies(clips: Tensor, rows: BodyRows) -> Bodies:
    """Return the bodies of clips (N, M, T, V, C) that ``rows`` lists, the empty rows zero."""
    values = clips.new_zeros(rows.num_rows, *clips.shape[2:])
    num_real = len(rows.clips)
    where = (torch.from_numpy(rows.clips), torch.from_numpy(rows.persons[:num_real]))
    values[:num_real] = clips[where]
    return finish_bodies(values, rows)


def finish_bodies(values: Tensor, rows: BodyRows) -> Bodies:
    """Put what ``rows`` says of the values beside them, on their device."""
    device = values.device
    multiplicity = (
        None
        if rows.multiplicity is None
        else to_device(torch.from_numpy(rows.multiplicity), device)
    )
    person_weights, persons = (
        to_device(torch.from_numpy(each), device) for each in (rows.person_weights, rows.persons)
    )
    return Bodies(values, person_weights, multiplicity, persons)
