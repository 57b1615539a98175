"""The json of NW-UCLA as CTR-GCN's family has it -> a recording of Kinect v1."""

from collections.abc import Mapping

from protogcn.data.readers.positions import read_positions
from protogcn.data.readers.recorders.recording import Recorded
from protogcn.data.readers.values import Origin

_LAYOUT = "kinect20"


def read_nw_ucla(content: Mapping[str, object], origin: Origin, num_joints: int) -> Recorded:
    """Read ``skeletons``, x, y, z of every joint in each frame of one person.

    The form does not tell its joints: others than NW-UCLA's twenty are taken as they come. Its
    ``label``, which counts from 1, and ``file_name`` are not read: the table has them.

    Raises:
        MalformedError: it is not that.
    """
    keypoints, _ = read_positions(
        content["skeletons"], origin, "skeletons", num_joints=num_joints, in_image=False
    )
    return Recorded(keypoints, _LAYOUT if num_joints == 20 else None)
