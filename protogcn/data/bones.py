"""Joint positions -> bones, two-step bones and the motion of each: the six views of a clip.

Source: the input streams of ProtoGCN (Liu et al., CVPR 2025) and their released preprocessing.
Shapes: F frames of all clips end to end, M persons, V joints, C channels.
"""

from collections.abc import Collection, Iterator, Sequence

import numpy as np

from protogcn.config.resolved import MODALITIES
from protogcn.config.skeleton import Skeleton
from protogcn.errors import ConfigError


def compute_modality(
    joints: np.ndarray, modality: str, skeleton: Skeleton, last_frames: Sequence[int]
) -> np.ndarray:
    """Return one modality of some clips that lie end to end.

    Args:
        joints: positions in metres, or pixels and scores, (F, M, V, C).
        modality: ``j`` joints, ``b`` bones (joint minus parent), ``k`` two-step bones (joint
            minus grandparent, zero where that would pass the root), or one of these with an
            ``m`` after it for its difference to the next frame. In 2-D the score of a bone is
            the mean of its two joints'; elsewhere it is treated as a coordinate, as released.
        skeleton: the layout that names each joint's parents.
        last_frames: the last frame of each clip, whose motion is zero as it has no successor.

    Returns:
        (F, M, V, C), metres or metres per frame. The dtype is kept, but bones of float16 are
        float32, as released.

    Raises:
        ConfigError: unknown modality.
    """
    view = _still(joints, modality.removesuffix("m"), skeleton)
    return _motion(view, last_frames) if modality.endswith("m") else view


def compute_modalities(
    joints: np.ndarray, modalities: Collection[str], skeleton: Skeleton, last_frames: np.ndarray
) -> Iterator[tuple[str, np.ndarray]]:
    """Yield each wanted modality of a block with its name; each still view is computed once."""
    for still in dict.fromkeys(modality.removesuffix("m") for modality in modalities):
        view = _still(joints, still, skeleton)
        if still in modalities:
            yield still, view
        if f"{still}m" in modalities:
            yield f"{still}m", _motion(view, last_frames)


def _still(joints: np.ndarray, modality: str, skeleton: Skeleton) -> np.ndarray:
    match modality:
        case "j":
            return joints
        case "b":
            bones = _bones(joints, skeleton.bone_partners)
            if skeleton.in_image:
                scores = joints[..., 2]
                bones[..., 2] = (scores + scores.take(skeleton.bone_partners, axis=-1)) / 2
            return bones
        case "k":
            return _bones(joints, skeleton.two_step_partners)
    raise ConfigError(f"modality {modality!r}: expected one of {', '.join(MODALITIES)}.")


def _motion(view: np.ndarray, last_frames: Sequence[int]) -> np.ndarray:
    motion = np.zeros_like(view)
    np.subtract(view[1:], view[:-1], out=motion[:-1])
    motion[last_frames] = 0
    return motion


def _bones(joints: np.ndarray, partners: np.ndarray) -> np.ndarray:
    bones = joints - joints.take(partners, axis=-2)  # several times as fast as indexing
    return bones.astype(np.promote_types(bones.dtype, np.float32), copy=False)
