"""Rows of the clip table -> the bodies that a network reads, gathered and changed in one call.

Shapes: N clips of a batch, B rows of bodies, T frames of a crop, V joints, C channels.
"""

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from protogcn.batches.augment import Augmentation, apply_augmentation, difference, draw_augmentation
from protogcn.batches.bodies import Bodies
from protogcn.batches.bone_lengths import draw_lengths, stretch_bones
from protogcn.batches.clip_store import ClipStore
from protogcn.batches.device import to_device
from protogcn.batches.parallel import my_part
from protogcn.batches.resizing import draw_stretches, training_places
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
    resized: bool = False,
    bone_lengths: float = 0.0,
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
        resized: crops are stretches of the clips, resized; else frames of the whole clips.
        bone_lengths: largest random change of a bone's length; the store has a view then.
        multiple: as in ``body_rows``.

    Returns:
        The bodies, and the labels (N,), both on the store's device; of this process's part of the
        clips if several processes share them.
    """
    table, part, view = store.table, my_part(len(clips)), store.view
    num_frames = torch.from_numpy(table.num_frames[clips])
    if resized:
        stretches = draw_stretches(len(clips), generator=generator)
        frames = training_places(num_frames, stretches, length)
    else:
        frames = training_frames(num_frames, draw_frames(len(clips), length, generator=generator))
    draws = draw_augmentation(len(clips), strength, len(skeleton.limbs), generator=generator)
    lengths = None
    if bone_lengths:
        lengths = draw_lengths(len(clips), bone_lengths, skeleton, generator=generator)
    frames = frames if view is None else view.frames_read(frames, num_frames)
    mine = slice(part.first, part.stop)
    clips, frames = clips[mine], frames[mine]
    bodies = store.crops(clips, frames, multiple=multiple)
    mirror_widths = None
    if strength.mirror:
        of_bodies = store.mirror_widths[clips[bodies.clips]]
        mirror_widths = to_device(torch.from_numpy(of_bodies), store.device)
    draws = draws.of_bodies(part.first + bodies.clips, len(bodies.values))
    of_joints = replace(strength, sampled_difference=False, limb_drop=0.0)
    values = apply_augmentation(
        bodies.values,
        draws,
        strength if view is None else of_joints,
        skeleton,
        mirror_widths=mirror_widths,
    )
    bodies = bodies._replace(values=values)
    if lengths is not None:
        real = bodies.values[: len(bodies.clips)]
        real.copy_(stretch_bones(real, lengths[part.first + bodies.clips], skeleton))
    if view is not None:
        bodies = view(bodies)
        of_modality = Augmentation(0.0, 0.0, strength.limb_drop)
        dropped = [
            each if each is None else apply_augmentation(each, draws, of_modality, skeleton)
            for each in (bodies.values, bodies.positions)
        ]
        bodies = bodies._replace(values=dropped[0], positions=dropped[1])
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
        frames: (N, crops, T) frame numbers within each clip, or places between frames.
        sampled_difference: take each sampled frame's difference to the next.
        across_crops: the difference goes on across the border of two crops of a clip, a quirk of
            the released code: only the last crop ends with zeros. Else every crop does.
        multiple: as in ``body_rows``.

    Returns:
        The bodies of N * crops crops, those of a clip one after the other.
    """
    num_crops, view = frames.shape[1], store.view
    crops = torch.from_numpy(frames).flatten(0, 1)  # (N * crops, T)
    clips = clips.repeat(num_crops)
    if view is not None:
        crops = view.frames_read(crops, torch.from_numpy(store.table.num_frames[clips]))
    bodies = store.crops(clips, crops, multiple=multiple)
    following = None
    if sampled_difference and across_crops:
        following = _next_crops(bodies.clips, num_crops)
    if view is not None:
        return view(bodies, following)
    if sampled_difference:
        bodies = bodies._replace(values=difference(bodies.values, following))
    return bodies


def _next_crops(crop_of_row: np.ndarray, num_crops: int) -> Tensor:
    """Return (R,) the row of the same person in the next crop of the same clip, -1 for none."""
    following = np.arange(len(crop_of_row)) + np.bincount(crop_of_row)[crop_of_row]
    following[crop_of_row % num_crops == num_crops - 1] = -1
    return torch.from_numpy(following)
