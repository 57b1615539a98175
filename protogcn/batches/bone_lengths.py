"""Random lengths of bones: each bone of a clip is stretched or shortened, the same in all frames.

Source: FR-Head's augmentation. Shapes: N clips, B rows of bodies, T frames, V joints, C channels.
"""

from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from protogcn.batches.device import to_device
from protogcn.config.skeleton import Skeleton


def draw_lengths(
    num_clips: int, spread: float, skeleton: Skeleton, *, generator: torch.Generator
) -> Tensor:
    """Draw on the host what the bone of each joint is multiplied by, 1 - spread to 1 + spread.

    Returns:
        (N, V), the same on both sides of a body; that of the joint that all hang on means nothing.
    """
    drawn = torch.rand(num_clips, skeleton.num_joints, generator=generator)
    return alike_on_both_sides(1 + spread * (2 * drawn - 1), skeleton)


def alike_on_both_sides(factors: Tensor, skeleton: Skeleton) -> Tensor:
    """(N, V) -> (N, V), a bone and its mirror image have the mean of their two factors."""
    return (
        factors + factors[:, _mirror_bones(skeleton.parents_from(_top(skeleton)), skeleton)]
    ) / 2


def stretch_bones(bodies: Tensor, factors: Tensor, skeleton: Skeleton) -> Tensor:
    """Change the bones of bodies (B, T, V, C) by the factors of each, (B, V), on the host.

    The joint that stays where it is is the bottom of the spine, else the centre, else the root.
    The score of a 2-D pose stays.
    """
    parents = skeleton.parents_from(_top(skeleton))
    device = bodies.device
    of_parents = bodies.index_select(2, to_device(torch.tensor(parents), device))
    bones = (bodies - of_parents) * to_device(factors.to(bodies.dtype), device)[:, None, :, None]
    changed = bodies.clone()
    for joints in _levels(parents):  # outwards
        above = to_device(torch.tensor([parents[joint] for joint in joints]), device)
        here = to_device(torch.tensor(joints), device)
        moved = changed.index_select(2, above) + bones.index_select(2, here)
        changed.index_copy_(2, here, moved)
    if skeleton.in_image:
        changed[..., 2] = bodies[..., 2]
    return changed


def _top(skeleton: Skeleton) -> int | None:
    return skeleton.spine[0] if skeleton.spine else skeleton.centre


def _mirror_bones(parents: tuple[int, ...], skeleton: Skeleton) -> np.ndarray:
    """Return (V,) the joint whose bone is the mirror image of each joint's bone; itself if none."""
    bones = {frozenset((joint, parent)): joint for joint, parent in enumerate(parents)}
    return np.array(
        [
            bones.get(frozenset((skeleton.swap[joint], skeleton.swap[parent])), joint)
            for joint, parent in enumerate(parents)
        ]
    )


@lru_cache(maxsize=8)
def _levels(parents: tuple[int, ...]) -> list[list[int]]:
    """Return the joints that are 1, 2, ... bones away from the top."""
    levels, reached = [], [joint for joint, parent in enumerate(parents) if joint == parent]
    while reached := [j for j, parent in enumerate(parents) if parent in reached and parent != j]:
        levels.append(reached)
    return levels
