"""Rows of the clip table -> the bodies that a network reads, gathered and changed in one call.

Shapes: N clips of a batch, B rows of bodies, T frames of a crop, V joints, C channels.
"""

import numpy as np
import torch
from torch import Tensor

from protogcn.batches.augment import Augmentation, apply_augmentation, difference, draw_augmentation
from protogcn.batches.bodies import Bodies, BodyRows, body_rows, finish_bodies
from protogcn.batches.clip_store import ClipStore
from protogcn.batches.device import to_device
from protogcn.batches.parallel import my_part
from protogcn.batches.sampling import draw_frames, training_frames
from protogcn.config.skeleton import Skeleton


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

    All random numbers are drawn on the host, so that every device sees the same crops, and for the
    whole batch, so that each clip sees the same ones whichever process has it.

    Args:
        store: the clips.
        clips: (N,) rows of the clip table.
        skeleton: their layout.
        length: T.
        strength: how strong the changes are.
        generator: of the host.
        multiple: see ``body_rows``.

    Returns:
        The bodies, and the labels (N,), both on the store's device; of this process's part of the
        clips where there are several processes.
    """
    table, part = store.table, my_part(len(clips))
    draws_of_frames = draw_frames(len(clips), length, generator=generator)
    draws = draw_augmentation(len(clips), strength, len(skeleton.limbs), generator=generator)
    frames = training_frames(torch.from_numpy(table.num_frames[clips]), draws_of_frames)
    mine = slice(part.first, part.stop)
    clips, frames = clips[mine], frames[mine]
    rows = body_rows(table.persons[clips], store.num_slots, multiple=multiple)
    values = apply_augmentation(
        store.bodies(clips, frames, rows),
        draws.of_bodies(part.first + rows.clips, rows.num_rows),
        strength,
        skeleton,
        mirror_widths=_widths(store, clips, rows) if strength.mirror else None,
    )
    bodies = finish_bodies(values, rows)
    if len(clips) < part.total:
        bodies = bodies._replace(part=part)
    return bodies, to_device(torch.from_numpy(table.labels[clips]), store.device)


def scoring_batch(
    store: ClipStore,
    clips: np.ndarray,
    frames: np.ndarray,
    *,
    sampled_difference: bool = False,
    across_crops: bool = True,
    multiple: int = 1,
) -> Bodies:
    """Gather the test crops of clips.

    Args:
        store: the clips.
        clips: (N,) rows of the clip table.
        frames: (N, crops, T) frame numbers within each clip.
        sampled_difference: take each sampled frame's difference to the next.
        across_crops: do so over all crops of a clip end to end, as released: only the last crop
            ends with zeros. Else every crop does.
        multiple: see ``body_rows``.

    Returns:
        The bodies of N * crops crops, those of a clip behind each other.
    """
    num_crops = frames.shape[1]
    clips = clips.repeat(num_crops)
    rows = body_rows(store.table.persons[clips], store.num_slots, multiple=multiple)
    values = store.bodies(clips, torch.from_numpy(frames).flatten(0, 1), rows)
    if sampled_difference:
        values = difference(values, _next_crops(rows, num_crops) if across_crops else None)
    return finish_bodies(values, rows)


def _widths(store: ClipStore, clips: np.ndarray, rows: BodyRows) -> Tensor:
    """Return (B,) the width that the mirror of each row turns about, on the store's device."""
    mirror_widths = np.zeros(rows.num_rows, np.float32)
    mirror_widths[: len(rows.clips)] = store.mirror_widths[clips][rows.clips]
    return to_device(torch.from_numpy(mirror_widths), store.device)


def _next_crops(rows: BodyRows, num_crops: int) -> Tensor:
    """Return (B,) the row of the same person in the next crop of the same clip, -1 for none."""
    crops = rows.clips  # (R,) where N * crops crops are called clips
    following = np.arange(len(crops)) + np.bincount(crops)[crops]
    following[crops % num_crops == num_crops - 1] = -1
    further = np.full(rows.num_rows - len(crops), -1)
    return torch.from_numpy(np.concatenate([following, further]))
