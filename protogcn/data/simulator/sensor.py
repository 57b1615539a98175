"""The demo's depth camera: joints in a room -> what a body tracker reports of them.

Axes of the camera, as Kinect has them: x to the right of a person who faces it, y up, z away
from it, in metres. Shapes: T frames, V joints, C channels.
"""

from dataclasses import dataclass

import numpy as np

# How bad the sensor is. Larger is harder; the motion streams suffer first.
NOISE = 0.5  # factor on the jitter of each joint below
DRIFT = 0.015  # metres: slow error of each joint
OCCLUDED_NOISE = 3.5  # factor on the jitter of an arm behind the body
GLITCH_SHARE = 0.35  # share of the bodies with a glitch: one limb jumps for a few frames
GLITCH_SIZE = 0.16  # metres: how far it jumps

TRACKED, INFERRED = 2, 1  # Kinect's tracking states
_SIDE_ON = 0.09  # metres: one shoulder this much farther away hides the arm on it
_ARMS = ((4, (5, 6, 7, 21, 22)), (8, (9, 10, 11, 23, 24)))  # (shoulder, joints of the arm)
_LIMBS = ((5, 6, 7, 21, 22), (9, 10, 11, 23, 24), (13, 14, 15), (17, 18, 19))
_JITTER = np.full(25, 0.005)  # metres, (V,)
_JITTER[[5, 9, 13, 17]] = 0.008
_JITTER[[6, 10, 14, 18]] = 0.012
_JITTER[[7, 11, 15, 19]] = 0.016
_JITTER[[21, 22, 23, 24]] = 0.022


@dataclass(frozen=True)
class Camera:
    """Where a camera stands.

    Attributes:
        angle: from which it looks, in radians; 0 is straight ahead of the performer.
        distance: from the middle of the scene, in metres.
        height: above the floor, in metres; it is tilted to look at waist height.
    """

    angle: float
    distance: float
    height: float


@dataclass(frozen=True)
class Track:
    """One body as the tracker followed it.

    Attributes:
        identifier: the body id.
        start: first frame.
        joints: positions seen from the camera, in metres, (T, V, C).
        states: tracking states, (T, V).
    """

    identifier: int
    start: int
    joints: np.ndarray
    states: np.ndarray


def record(
    joints: np.ndarray, camera: Camera, identifier: int, generator: np.random.Generator
) -> Track:
    """Return the track of one body, (T, V, C) in the room -> a track of T frames from 0."""
    seen = view(joints, camera)
    num_frames = len(seen)
    spread = NOISE * _JITTER[None] * (seen[:, :1, 2] / 3.0)  # (T, V): grows with the distance
    states = np.full(spread.shape, TRACKED)
    farther = seen[:, _ARMS[0][0], 2] - seen[:, _ARMS[1][0], 2]  # (T,)
    for (_, arm), depth in zip(_ARMS, (farther, -farther), strict=True):
        hidden = np.ix_(depth > _SIDE_ON, arm)
        spread[hidden] *= OCCLUDED_NOISE
        states[hidden] = INFERRED
    noisy = seen + spread[..., None] * generator.standard_normal(seen.shape)
    noisy += _drift(num_frames, generator)
    if generator.random() < GLITCH_SHARE:
        limb = list(_LIMBS[generator.integers(len(_LIMBS))])
        start = int(generator.integers(0, num_frames - 6))
        hit = np.ix_(range(start, start + int(generator.integers(2, 7))), limb)
        noisy[hit] += generator.normal(0, GLITCH_SIZE, 3)
        states[hit] = INFERRED
    return Track(identifier, 0, noisy, states)


def record_flat_ghost(
    num_frames: int, camera: Camera, identifier: int, generator: np.random.Generator
) -> Track:
    """Return a track of furniture taken for a body: wide and low all along."""
    width, height = generator.uniform(0.9, 1.3), generator.uniform(0.3, 0.5)
    shape = generator.uniform(-0.5, 0.5, (25, 3)) * (width, height, 0.3)  # (V, C)
    shape[:2] = [[-width / 2, -height / 2, 0], [width / 2, height / 2, 0]]
    place = np.array([generator.uniform(-1, 1), 0.5, generator.uniform(0.5, 1.0)])
    joints = np.repeat((shape + place)[None], num_frames, axis=0)
    joints += generator.normal(0, 0.02, joints.shape)
    states = np.full(joints.shape[:2], INFERRED)
    return Track(identifier, 0, view(joints, Camera(0, camera.distance, camera.height)), states)


def view(joints: np.ndarray, camera: Camera) -> np.ndarray:
    """Return positions in the room as seen from a camera, (..., C) -> (..., C)."""
    cos, sin = np.cos(camera.angle), np.sin(camera.angle)
    around = np.array([[cos, 0, sin], [0, 1, 0], [-sin, 0, cos]])
    tilt = np.arctan2(camera.height - 1.0, camera.distance)
    down = np.array([[1, 0, 0], [0, np.cos(tilt), np.sin(tilt)], [0, -np.sin(tilt), np.cos(tilt)]])
    return (joints @ around.T - (0, camera.height, -camera.distance)) @ down.T


def _drift(num_frames: int, generator: np.random.Generator) -> np.ndarray:
    """Return a slow error, (T, V, C)."""
    waves = generator.uniform(0.3, 1.5, (2, 1, 25, 3))  # over the clip
    phases = generator.uniform(0, 2 * np.pi, waves.shape)
    clock = np.linspace(0, 2 * np.pi, num_frames)[None, :, None, None]
    return DRIFT * np.sin(waves * clock + phases).sum(axis=0)
