"""Raw keypoints -> prepared keypoints: the named normalisations of one clip, and its slots.

Source: PYSKL's PreNormalize3D as ProtoGCN uses it (``centred``) and as ST-GCN++ does (``aligned``);
the data scripts of CTR-GCN (``first_frame``) and of InfoGCN (``own_axes``); the three joints that
ProtoGCN's Kinetics_Transform adds to 2-D poses.
Shapes: M persons, T frames, V joints, C channels.
"""

import numpy as np

from protogcn.config.settings import check_preparation
from protogcn.config.skeleton import Skeleton

_TINY = 1e-6  # below this an axis or an angle counts as zero


def prepare(keypoints: np.ndarray, preparation: str, skeleton: Skeleton) -> np.ndarray:
    """Normalise one clip.

    Args:
        keypoints: positions in metres, (M, T, V, C), M in {1, 2}; not all zero.
        preparation: ``raw`` changes nothing; ``centred`` keeps the frames of the person who is
            there longest, puts that person first, and moves the skeleton's centre in the first
            frame to the origin (joints at exactly zero are missing and stay zero); ``aligned``
            then turns the spine to the z axis and the shoulders to the x axis; ``first_frame``
            keeps the persons' order and the frames with anybody in them, and moves the centre of
            the first person, where it is first seen, to the origin; ``own_axes`` then gives each
            person the axes of its own body in the first frame, a mirror image with the spine as z
            and the hips as x. Who is not there in that frame has none and is left out.
        skeleton: the layout, with its ``centre``, ``spine`` and ``shoulders``.

    Returns:
        (M, T', V, C), T' <= T, in the dtype of ``keypoints``; ``aligned`` and ``own_axes`` give
        float64.

    Raises:
        ConfigError: unknown preparation, or the skeleton lacks what it needs.
    """
    check_preparation(preparation, skeleton)
    if preparation == "raw" or not seen(keypoints).any():
        return keypoints
    match preparation:
        case "first_frame":
            return _from_first_frame(keypoints, skeleton.centre)
        case "own_axes":
            return in_own_axes(_from_first_frame(keypoints, skeleton.centre), skeleton)
    centred = _centre(_main_person_first(keypoints), skeleton.centre)
    if preparation == "centred":
        return centred
    return _align(centred, skeleton)


def in_own_axes(keypoints: np.ndarray, skeleton: Skeleton) -> np.ndarray:
    """Return each person in the axes of its body in the first frame; nobody moves.

    Args:
        keypoints: (M, T, V, C).
        skeleton: the layout, with its ``spine`` and ``hips``.

    Returns:
        (M, T', V, C) float64: along the hips, across both, along the spine. T' are the frames in
        which anybody is left.
    """
    bottom, top = skeleton.spine
    left, right = skeleton.hips
    first = keypoints[:, 0].astype(np.float64)  # (M, V, C)
    spine = _units(first[:, top] - first[:, bottom])
    hips = first[:, left] - first[:, right]
    hips = _units(hips - (hips * spine).sum(axis=1, keepdims=True) * spine)
    axes = np.stack([hips, np.cross(hips, spine), spine], axis=1)  # (M, 3, C)
    # Hips along the spine have no axes either.
    axes *= (np.abs(axes).max(axis=2) > 0).all(axis=1)[:, None, None]
    turned = keypoints @ axes[:, None].transpose(0, 1, 3, 2)
    return turned[:, seen(turned).any(axis=0)]


def with_midpoints(keypoints: np.ndarray, skeleton: Skeleton) -> np.ndarray:
    """Add the layout's midpoints, in every channel: (M, T, raw V, C) -> (M, T, V, C)."""
    if not skeleton.midpoints:
        return keypoints
    added = np.zeros((*keypoints.shape[:2], len(skeleton.midpoints), keypoints.shape[3]))
    whole = np.concatenate([keypoints, added.astype(keypoints.dtype)], axis=2)
    for joint, first, second in skeleton.midpoints:
        whole[:, :, joint] = (whole[:, :, first] + whole[:, :, second]) / 2
    return whole


def prepare_clip(
    keypoints: np.ndarray, preparation: str, skeleton: Skeleton, num_slots: int
) -> tuple[np.ndarray, int] | None:
    """Normalise one clip and give its persons their slots.

    Args:
        keypoints: positions as the raw file has them, (M', T', V, C), any number of persons.
        preparation: see ``prepare``.
        skeleton: the layout.
        num_slots: M, the persons kept.

    Returns:
        (T, M, V, C) float32, empty slots last, and the number of slots that are not empty; None
        if there is no body.

    Raises:
        ConfigError: see ``prepare``.
    """
    keypoints = keypoints.astype(np.float32)
    present = seen(keypoints).any(axis=1)  # (M',)
    if not present.any():
        return None
    if not present[:2].any():  # only persons beyond the second were there
        keypoints = keypoints[present]
    # Who is seen longest comes first: that is decided before one person is kept.
    whole = with_midpoints(keypoints[:2], skeleton)
    prepared = prepare(whole, preparation, skeleton)
    empty = ~prepared.any(axis=(1, 2, 3))
    kept = np.argsort(empty, kind="stable")[:num_slots]
    frames = np.zeros((prepared.shape[1], num_slots, *prepared.shape[2:]), np.float32)
    frames[:, : len(kept)] = prepared[kept].transpose(1, 0, 2, 3)  # (T, M, V, C)
    return frames, int((~empty[kept]).sum())


def seen(keypoints: np.ndarray) -> np.ndarray:
    """Return whether each person is present in each frame: (M, T, V, C) -> (M, T) bool.

    A person whose every coordinate is within 1e-8 of zero is not, as ``numpy.isclose`` has it.
    """
    return (np.abs(keypoints) > 1e-8).any(axis=(2, 3))


def _main_person_first(keypoints: np.ndarray) -> np.ndarray:
    """Keep the frames of the person seen in most frames, and put that person first."""
    present = seen(keypoints)  # (M, T)
    if len(keypoints) == 2 and present[0].sum() < present[1].sum():
        keypoints, present = keypoints[::-1], present[::-1]
    return keypoints[:, present[0]]  # (M, T', V, C)


def _centre(keypoints: np.ndarray, centre: int) -> np.ndarray:
    # Axis by axis: several times as fast as a reduction of three.
    there = np.logical_or.reduce([keypoints[..., axis] != 0 for axis in range(keypoints.shape[-1])])
    moved = keypoints - keypoints[0, 0, centre]
    return np.where(there[..., None], moved, 0).astype(keypoints.dtype, copy=False)


def _from_first_frame(keypoints: np.ndarray, centre: int) -> np.ndarray:
    present = seen(keypoints)  # (M, T)
    first = int(np.argmax(present.any(axis=1)))  # the first person, unless it is never there
    origin = keypoints[first, np.argmax(present[first]), centre]
    moved = np.where(present[..., None, None], keypoints - origin, 0)
    return moved[:, present.any(axis=0)].astype(keypoints.dtype, copy=False)


def _units(vectors: np.ndarray) -> np.ndarray:
    """(M, C) -> (M, C) of length 1; what has no length stays zero."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.where(lengths > _TINY, lengths, np.inf)


def _align(keypoints: np.ndarray, skeleton: Skeleton) -> np.ndarray:
    first = keypoints[0, 0]  # (V, C)
    bottom, top = skeleton.spine
    upright = _turn(first[top] - first[bottom], np.array([0.0, 0.0, 1.0]))
    left, right = skeleton.shoulders
    across = upright @ first[right] - upright @ first[left]
    return keypoints @ (_turn(across, np.array([1.0, 0.0, 0.0])) @ upright).T


def _turn(vector: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Return the (3, 3) rotation of ``vector`` towards the unit vector ``target``."""
    axis = np.cross(vector, target)
    if np.abs(vector).sum() < _TINY or np.abs(axis).sum() < _TINY:
        return np.eye(3)
    # The unit vector keeps the dtype of the data, as released.
    angle = np.arccos(np.clip((vector / np.linalg.norm(vector)) @ target, -1, 1))
    if angle < _TINY:
        return np.eye(3)
    x, y, z = axis / np.linalg.norm(axis)
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross
