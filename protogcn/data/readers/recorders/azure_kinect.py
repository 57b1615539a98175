"""The json of Azure Kinect's body tracking -> a recording in metres."""

from collections.abc import Mapping

from protogcn.data.readers.malformed import show
from protogcn.data.readers.recorders.recording import Person, Recorded, joints_of, recorded
from protogcn.data.readers.values import Origin, single

_PER_METRE = 1000


def read_azure_kinect(content: Mapping[str, object], origin: Origin) -> Recorded:
    """Read ``frames``: the ``bodies`` of each, with ``body_id`` and ``joint_positions``.

    Raises:
        MalformedError: it is not that.
    """
    frames = {}
    for number, frame in enumerate(content["frames"]):
        place = f"frame {number + 1}"
        bodies = frame.get("bodies") if isinstance(frame, dict) else None
        if not isinstance(bodies, list):
            raise origin.fault(place, show(frame), "an object with bodies")
        frames[number] = [
            _body(body, f"{place}, body {at}", origin) for at, body in enumerate(bodies, start=1)
        ]
    origin.note("positions of Azure Kinect are in millimetres; divided by 1000")
    return recorded(frames, "azure32", origin)


def _body(body: object, field: str, origin: Origin) -> Person:
    if not isinstance(body, dict) or "joint_positions" not in body:
        raise origin.fault(field, show(body), "an object with body_id and joint_positions")
    joints = joints_of(body["joint_positions"], origin, f"{field}, joint_positions", "azure32")
    identity = single(body.get("body_id"))
    return Person(identity if isinstance(identity, int) else None, joints / _PER_METRE)
