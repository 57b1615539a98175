"""The content of a json file -> a recording, if a recorder wrote it: told by what is in it."""

from protogcn.data.readers.recorders.azure_kinect import read_azure_kinect
from protogcn.data.readers.recorders.coco_results import is_alphapose, read_alphapose, read_mmpose
from protogcn.data.readers.recorders.kinetics_skeleton import read_kinetics_skeleton
from protogcn.data.readers.recorders.nw_ucla import read_nw_ucla
from protogcn.data.readers.recorders.openpose import is_frame, poses_in_frames
from protogcn.data.readers.recorders.recording import Recorded
from protogcn.data.readers.values import Origin

KINDS = (
    "keypoint (an annotation), data (Kinetics-skeleton), frames (Azure Kinect), skeletons (NW-UCLA)"
    " or instance_info (MMPose) in it"
)


def read_recorder_json(content: object, origin: Origin, num_joints: int) -> Recorded | None:
    """Return the recording, or None if no recorder that is known wrote this.

    Args:
        content: of the whole file.
        origin: names the file of a fault, and takes notes.
        num_joints: V, for forms that do not tell it.

    Raises:
        MalformedError: one did, and something in it is wrong; or it is one frame alone.
    """
    if isinstance(content, list) and content and all(map(is_frame, content)):
        return poses_in_frames(dict(enumerate(content)), origin)
    if is_alphapose(content):
        return read_alphapose(content, origin)
    if not isinstance(content, dict):
        return None
    if is_frame(content):
        found = "a single frame of OpenPose"
        expected = "all frames of a recording: name the folder that has one file for each"
        raise origin.fault("the file", found, expected)
    lists = {key for key, value in content.items() if isinstance(value, list)}
    if "keypoint" in content:
        return None
    if "skeletons" in lists:
        return read_nw_ucla(content, origin, num_joints)
    for key, read in (
        ("data", read_kinetics_skeleton),
        ("frames", read_azure_kinect),
        ("instance_info", read_mmpose),
    ):
        if key in lists:
            return read(content, origin)
    return None
