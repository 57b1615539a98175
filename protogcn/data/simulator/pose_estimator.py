"""The demo's pose estimator: a recording -> 2-D poses in an image, as HRNet gives them for COCO-17.

Shapes: M persons, T frames, V joints; the channels are x and y in pixels and a score.
"""

import numpy as np

from protogcn.data.simulator.recordings import SimulatedRecording
from protogcn.data.simulator.sensor import TRACKED, Track

# The Kinect joint under each of COCO's shoulders, elbows, wrists, hips, knees and ankles, left and
# right in turn; nose, eyes and ears come from the head.
_KINECT = [4, 8, 5, 9, 6, 10, 12, 16, 13, 17, 14, 18]
_HEAD = 3
_FACE = np.array([[0, -0.03], [0.03, 0.01], [-0.03, 0.01], [0.07, 0], [-0.07, 0]])  # metres, (5, 2)
_FACE_FORWARD = np.array([0.10, 0.08, 0.08, 0.0, 0.0])  # metres
_FOCAL = 0.95  # of the image's height
_SURE, _UNSURE = 0.92, 0.45  # scores of joints that are seen and that are hidden


def estimate_poses(recording: SimulatedRecording, image_size: tuple[int, int]) -> np.ndarray:
    """Return the poses of everybody, (M, T, 17, 3) float16; zero where nobody was recognised.

    Args:
        recording: what a camera saw.
        image_size: height and width in pixels.
    """
    poses = np.zeros((len(recording.tracks), recording.num_frames, 17, 3))
    for pose, track in zip(poses, recording.tracks, strict=True):
        frames = slice(track.start, track.start + len(track.joints))
        pose[frames] = _project(track, image_size)
    poses[:, list(recording.empty)] = 0
    return poses.astype(np.float16)


def _project(track: Track, image_size: tuple[int, int]) -> np.ndarray:
    joints = np.concatenate([_face(track.joints), track.joints[:, _KINECT]], axis=1)  # (T, 17, 3)
    height, width = image_size
    x, y, z = np.moveaxis(joints, -1, 0)
    z = np.maximum(z, 0.5)  # nobody comes nearer to the lens
    states = np.concatenate(
        [np.repeat(track.states[:, [_HEAD]], 5, 1), track.states[:, _KINECT]], 1
    )
    scores = np.where(states == TRACKED, _SURE, _UNSURE)
    # A score falls with the distance, a little: that makes it differ from frame to frame.
    scores = scores - 0.02 * (z - z.mean())
    focal = _FOCAL * height
    return np.stack([width / 2 + focal * x / z, height / 2 - focal * y / z, scores], axis=-1)


def _face(joints: np.ndarray) -> np.ndarray:
    """Return nose, eyes and ears, (T, 5, 3), turned with the shoulders."""
    across = joints[:, 4] - joints[:, 8]  # to the left of the person
    across = across / np.linalg.norm(across, axis=-1, keepdims=True)
    up = np.array([0.0, 1.0, 0.0])
    forward = np.cross(across, up)
    return (
        joints[:, [_HEAD]]
        + across[:, None] * _FACE[None, :, :1]
        + up * _FACE[None, :, 1:]
        + forward[:, None] * _FACE_FORWARD[None, :, None]
    )
