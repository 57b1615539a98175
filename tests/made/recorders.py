"""What recorders of poses write, made small: the persons of a clip in each one's form."""

import json

import numpy as np


def positions(num_persons, num_frames, num_joints, *, far=200.0):
    """Return (M, T, V, 3): persons far from each other who move a little."""
    generator = np.random.default_rng(num_joints)
    shape = (num_persons, num_frames, num_joints, 3)
    steps = generator.uniform(0, 1, shape).cumsum(axis=1)
    steps[..., 0] += far * np.arange(1, num_persons + 1)[:, None, None]
    steps[..., 2] = generator.uniform(0.2, 0.9, shape[:3])
    return np.round(steps, 3)


def openpose_frame(persons, *, ids=None, key="pose_keypoints_2d"):
    """Return the content of one file of OpenPose; ``persons`` is (M, V, 3)."""
    return {
        "version": 1.3,
        "people": [
            {"person_id": [-1 if ids is None else ids[number]], key: joints.ravel().tolist()}
            for number, joints in enumerate(persons)
        ],
    }


def write_openpose(folder, name, frames):
    """Write a file for each content in ``frames``."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, content in enumerate(frames):
        (folder / f"{name}_{number:012d}_keypoints.json").write_text(json.dumps(content))


def kinetics_skeleton(clip, *, first=1):
    """(M, T, V, 3) -> the content of a file of Kinetics-skeleton."""
    return {
        "data": [
            {
                "frame_index": first + frame,
                "skeleton": [
                    {"pose": joints[:, :2].ravel().tolist(), "score": joints[:, 2].tolist()}
                    for joints in clip[:, frame]
                    if joints.any()
                ],
            }
            for frame in range(clip.shape[1])
        ],
        "label": "waving",
        "label_index": 0,
    }


def azure_kinect(clip, *, ids=(1, 2)):
    """(M, T, 32, 3) in metres -> the content of a file of Azure Kinect's body tracking."""
    return {
        "bone_list": [["PELVIS", "SPINE_NAVEL"]],
        "frames": [
            {
                "bodies": [
                    {"body_id": ids[at], "joint_positions": (1000 * joints).tolist()}
                    for at, joints in enumerate(clip[:, frame])
                    if joints.any()
                ],
                "frame_id": frame,
                "timestamp_usec": 33333 * frame,
            }
            for frame in range(clip.shape[1])
        ],
        "joint_names": ["PELVIS"],
    }
