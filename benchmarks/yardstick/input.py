"""The yardstick of the input: raw keypoints -> crops, one sample at a time in numpy.

Each sample goes through all steps each time it is needed, normalisation too, as in the released
code; the draws come in its order from its two generators, so that equal seeds give equal crops.
Shapes: N samples, M persons, T frames, V joints, C channels, L frames of a crop.
"""

import random
from collections.abc import Sequence

import numpy as np

from protogcn.batches.augment import Augmentation
from protogcn.config.skeleton import Skeleton

NUM_PERSONS = 2
TEST_SEED = 255  # of every sample at test time


def training_batch(
    samples: Sequence[np.ndarray],
    modality: str,
    skeleton: Skeleton,
    strength: Augmentation,
    length: int = 100,
    *,
    generator: np.random.RandomState,
    chances: random.Random,
) -> np.ndarray:
    """Return one augmented crop of each sample.

    Args:
        samples: keypoints of each, (M, T, V, C).
        modality: of the crops.
        skeleton: the layout of both.
        strength: of the augmentation.
        length: L.
        generator: of the angles and the frames, as numpy's global one there.
        chances: of swap and limb drop, as Python's global one there.

    Returns:
        (N, 2, L, V, C) float32.
    """
    crops = []
    for keypoints in samples:
        joints = prenormalise(keypoints, skeleton)
        joints = rotate(joints, strength.rotation, generator)
        if strength.swap:
            joints = swap(joints, strength.swap, skeleton, chances)
        if strength.limb_drop:
            joints = drop_limb(joints, strength.limb_drop, skeleton, chances)
        view = features(joints, modality, skeleton)
        frames = sample_frames(view.shape[1], length, generator)
        crops.append(pad_persons(view[:, frames].astype(np.float32)))
    return np.stack(crops)


def scoring_batch(
    samples: Sequence[np.ndarray],
    modality: str,
    skeleton: Skeleton,
    length: int = 100,
    *,
    crops: int = 10,
) -> np.ndarray:
    """Return the test crops of each sample, (N, crops, 2, L, V, C) float32."""
    batch = []
    for keypoints in samples:
        view = features(prenormalise(keypoints, skeleton), modality, skeleton)
        generator = np.random.RandomState(TEST_SEED)
        parts = [sample_frames(view.shape[1], length, generator) for _ in range(crops)]
        values = pad_persons(view[:, np.concatenate(parts)].astype(np.float32))
        values = values.reshape(NUM_PERSONS, crops, length, *values.shape[2:])
        batch.append(values.swapaxes(0, 1))  # (crops, 2, L, V, C)
    return np.stack(batch)


def prenormalise(keypoints: np.ndarray, skeleton: Skeleton) -> np.ndarray:
    """Main person first, only its frames, its first centre at zero: (M, T, V, C) -> same axes."""
    if keypoints.sum() == 0:
        return keypoints
    present = [
        [t for t in range(len(person)) if not np.isclose(person[t], 0).all()]
        for person in keypoints
    ]
    main = 0
    if len(keypoints) == 2 and len(present[0]) < len(present[1]):
        main, keypoints = 1, keypoints[[1, 0]]
    kept = keypoints[:, present[main]]
    there = (kept != 0).any(-1, keepdims=True)
    return (kept - kept[0, 0, skeleton.centre]) * there


def rotate(joints: np.ndarray, largest: float, generator: np.random.RandomState) -> np.ndarray:
    """Turn all persons and frames about three axes; the result is float64."""
    if np.isclose(joints, 0).all():
        return joints
    angles = generator.uniform(-largest, largest, size=3)
    (cx, cy, cz), (sx, sy, sz) = np.cos(angles), np.sin(angles)
    about_x = np.array([[1, 0, 0], [0, cx, sx], [0, -sx, cx]])
    about_y = np.array([[cy, 0, -sy], [0, 1, 0], [sy, 0, cy]])
    about_z = np.array([[cz, sz, 0], [-sz, cz, 0], [0, 0, 1]])
    return np.einsum("ab,mtvb->mtva", about_z @ about_y @ about_x, joints)


def swap(
    joints: np.ndarray, probability: float, skeleton: Skeleton, chances: random.Random
) -> np.ndarray:
    """Exchange left and right joints; coordinates are not mirrored."""
    return joints[:, :, skeleton.swap] if chances.random() < probability else joints


def drop_limb(
    joints: np.ndarray, probability: float, skeleton: Skeleton, chances: random.Random
) -> np.ndarray:
    """Set one limb to zero."""
    if chances.random() >= probability:
        return joints
    limb = skeleton.limbs[chances.randint(0, len(skeleton.limbs) - 1)]
    joints = joints.copy()
    joints[:, :, list(limb)] = 0
    return joints


def features(joints: np.ndarray, modality: str, skeleton: Skeleton) -> np.ndarray:
    """(M, T, V, C) -> one modality; differences in the dtype of the joints, bones in float32."""
    view = joints
    partners = {"b": skeleton.bone_partners, "k": skeleton.two_step_partners}
    if modality[0] in partners:
        view = np.zeros(joints.shape, dtype=np.float32)
        for joint, partner in enumerate(partners[modality[0]]):
            view[:, :, joint] = joints[:, :, joint] - joints[:, :, partner]
    if modality.endswith("m"):
        motion = np.zeros_like(view)
        motion[:, :-1] = view[:, 1:] - view[:, :-1]
        return motion
    return view


def sample_frames(num_frames: int, length: int, generator: np.random.RandomState) -> np.ndarray:
    """Return the (L,) frames of one crop."""
    generator.rand()  # a share of the clip, of which all is used
    steps = np.arange(length)
    if num_frames < length:
        return (generator.randint(0, num_frames) + steps) % num_frames
    if num_frames < 2 * length:
        skipped = np.zeros(length + 1, dtype=np.int64)
        skipped[generator.choice(length + 1, num_frames - length, replace=False)] = 1
        return steps + np.cumsum(skipped)[:length]
    edges = np.arange(length + 1) * num_frames // length
    return edges[:-1] + generator.randint(np.diff(edges))


def pad_persons(view: np.ndarray) -> np.ndarray:
    """(M, T, V, C) -> (2, T, V, C) with empty persons, or the first two."""
    if len(view) < NUM_PERSONS:
        empty = np.zeros((NUM_PERSONS - len(view), *view.shape[1:]), dtype=view.dtype)
        view = np.concatenate([view, empty])
    return view[:NUM_PERSONS]
