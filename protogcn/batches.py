"""Rows of the clip table -> the bodies that a network reads, gathered and changed in one call.

Shapes: N clips of a batch, B rows of bodies, T frames of a crop, V joints, C channels.
"""

import numpy as np
import torch
from torch import Tensor

from protogcn.augment import Augmentation, apply_augmentation, draw_augmentation
from protogcn.bodies import Bodies, body_rows, finish_bodies
from protogcn.clips import ClipStore
from protogcn.device import send
from protogcn.sampling import draw_frames, training_frames
from protogcn.skeleton import Skeleton


def training_batch(
    store: ClipStore,
    clips: np.ndarray,
    skeleton: Skeleton,
    *,
    length: int,
    strength: Augmentation,
    generator: torch.Generator,
    multiple: int = 1,
) -> tuple[Bodies, Tensor]:
    """Draw one changed crop of each clip.

    All random numbers are drawn on the host, so that every device sees the same crops.

    Args:
        store: the clips.
        clips: (N,) rows of the clip table.
        skeleton: their layout.
        length: T.
        strength: how strong the changes are.
        generator: of the host.
        multiple: see ``body_rows``.

    Returns:
        The bodies, and the labels (N,), both on the store's device.
    """
    table = store.table
    draws_of_frames = draw_frames(len(clips), length, generator=generator)
    draws = draw_augmentation(len(clips), strength, len(skeleton.limbs), generator=generator)
    frames = training_frames(torch.from_numpy(table.num_frames[clips]), draws_of_frames)
    rows = body_rows(table.persons[clips], store.num_slots, multiple=multiple)
    values = apply_augmentation(
        store.bodies(clips, frames, rows),
        draws.of_bodies(rows.clips, rows.num_rows),
        strength,
        skeleton,
    )
    return finish_bodies(values, rows), send(torch.from_numpy(table.labels[clips]), store.device)


def scoring_batch(
    store: ClipStore, clips: np.ndarray, frames: np.ndarray, *, multiple: int = 1
) -> Bodies:
    """Gather the test crops of clips.

    Args:
        store: the clips.
        clips: (N,) rows of the clip table.
        frames: (N, crops, T) frame numbers within each clip.
        multiple: see ``body_rows``.

    Returns:
        The bodies of N * crops crops, those of a clip behind each other.
    """
    clips = clips.repeat(frames.shape[1])
    rows = body_rows(store.table.persons[clips], store.num_slots, multiple=multiple)
    values = store.bodies(clips, torch.from_numpy(frames).flatten(0, 1), rows)
    return finish_bodies(values, rows)
