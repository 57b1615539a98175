"""The bodies of a batch that a network has to compute: all real ones, one for the empty slots.

Most clips leave a person slot empty, all zero. Empty bodies are equal in every layer, so that one
row represents all of them and counts as often in the statistics of the batch norms: the same
numbers for fewer rows. Empty slots of different persons, which a network may norm differently,
share no row. Three clips with two slots, two of them with one person::

    clip 0: A B    rows            A  B  C  D  empty
    clip 1: C -    persons         0  1  0  0  1
    clip 2: D -    multiplicity    1  1  1  1  2
                   row_of_slot     [[0, 1], [2, 4], [3, 4]]

Shapes: N clips, M person slots, R real bodies, B rows, T frames, V joints, C channels.
"""

import math
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from protogcn.batches.device import to_device
from protogcn.batches.parallel import BatchPart


class Bodies(NamedTuple):
    """What a network reads.

    Attributes:
        values: (B, T, V, C), one body in a row, the real ones first.
        person_weights: (N, B), the share of each row in the mean over a clip's person slots.
        multiplicity: (B,) how many bodies a row represents, 0 for a row that only fills a fixed
            shape; None if every row is one body.
        persons: (B,) the person slot of each row.
        clips: (R,) on the host, which clip of the batch each real body belongs to; None if every
            slot of every clip has its row. Networks do not read it.
        part: if several processes share a batch, which of its clips these are.
        numbers: (N,) the number of each clip among the training clips; None at evaluation.
        positions: (B, T, V, C), the joints of the same crops, for networks that read them whatever
            the modality; else None.
    """

    values: Tensor
    person_weights: Tensor
    multiplicity: Tensor | None
    persons: Tensor
    clips: np.ndarray | None = None
    part: BatchPart | None = None
    numbers: Tensor | None = None
    positions: Tensor | None = None

    def mean_over_persons(self, rows: Tensor) -> Tensor:
        """(B, ...) -> (N, ...)."""
        flat = rows.flatten(1)
        return (self.person_weights.to(flat.dtype) @ flat).unflatten(1, rows.shape[1:])


class _BodyRows(NamedTuple):
    """``Bodies`` without their values, on the host; ``slots`` are the real bodies', (R,)."""

    clips: np.ndarray
    slots: np.ndarray
    persons: np.ndarray
    person_weights: np.ndarray
    multiplicity: np.ndarray | None

    @property
    def num_rows(self) -> int:
        """B."""
        return len(self.persons)

    def with_values(self, values: Tensor) -> Bodies:
        """(B, T, V, C) -> the bodies, on the device of the values."""
        person_weights, multiplicity, persons = (
            None if each is None else to_device(torch.from_numpy(each), values.device)
            for each in (self.person_weights, self.multiplicity, self.persons)
        )
        return Bodies(values, person_weights, multiplicity, persons, self.clips)


def body_rows(persons: np.ndarray, num_slots: int, *, multiple: int = 1) -> _BodyRows:
    """Give every real body of a batch a row, and all empty slots of one person a row together.

    Args:
        persons: (N,) how many of each clip's slots are not empty; these come first.
        num_slots: M.
        multiple: the number of rows is filled up to a multiple of it (or to N * M), for code that
            is compiled for a few fixed shapes.
    """
    real = np.arange(num_slots) < persons[:, None]  # (N, M)
    clips, slots = np.nonzero(real)  # (R,)
    empty = np.flatnonzero(~real.all(axis=0))  # the slots that need a row for their empty bodies
    # No clip at all is one row that counts for nothing: a process may have no part of a batch.
    needed = len(clips) + max(len(empty), 1)
    num_rows = max(min(math.ceil(needed / multiple) * multiple, real.size), 1)
    padding = np.zeros(num_rows - len(clips) - len(empty), np.int64)

    row_of_empty = np.zeros(num_slots, np.int64)  # by slot
    row_of_empty[empty] = len(clips) + np.arange(len(empty))
    row_of_slot = np.broadcast_to(row_of_empty, real.shape).copy()  # (N, M)
    row_of_slot[real] = np.arange(len(clips))

    person_weights = np.zeros((len(real), num_rows), np.float32)
    clip_of_slot = np.arange(len(real))[:, None]
    np.add.at(person_weights, (clip_of_slot, row_of_slot), np.float32(1 / num_slots))
    multiplicity = None
    if multiple > 1 or not real.size or not real.all():
        multiplicity = np.bincount(row_of_slot.ravel(), minlength=num_rows).astype(np.float32)
    return _BodyRows(
        clips, slots, np.concatenate([slots, empty, padding]), person_weights, multiplicity
    )


def all_bodies(clips: Tensor) -> Bodies:
    """Return every body of clips (N, M, T, V, C), each in its own row."""
    num_clips, num_slots = clips.shape[:2]
    whole = torch.eye(num_clips, device=clips.device).repeat_interleave(num_slots, dim=1)
    persons = torch.arange(num_slots, device=clips.device).repeat(num_clips)
    return Bodies(clips.flatten(0, 1), whole / num_slots, None, persons)


def pack_bodies(clips: Tensor, persons: np.ndarray, *, multiple: int = 1) -> Bodies:
    """Return the bodies of clips (N, M, T, V, C) of which each has its first ``persons``, (N,).

    ``multiple`` as in ``body_rows``.
    """
    rows = body_rows(persons, clips.shape[1], multiple=multiple)
    values = clips.new_zeros(rows.num_rows, *clips.shape[2:])
    values[: len(rows.clips)] = clips[torch.from_numpy(rows.clips), torch.from_numpy(rows.slots)]
    return rows.with_values(values)
