"""Lists of persons with COCO's 17 joints, as AlphaPose and MMPose write them -> a recording."""

import re
from collections.abc import Mapping, Sequence

import numpy as np

from protogcn.data.readers.malformed import show
from protogcn.data.readers.positions import numbers_of
from protogcn.data.readers.recorders.recording import Person, Recorded, joints_of, recorded
from protogcn.data.readers.values import Origin, single, whole_number

_LAYOUT = "coco20"
_FRAME = re.compile(r"([0-9]+)\D*(?:\.\w+)?\Z")  # the last number of a name, before its end


def is_alphapose(content: object) -> bool:
    """Return whether this is a list of persons, each with its image."""
    return (
        isinstance(content, list)
        and bool(content)
        and isinstance(content[0], dict)
        and {"image_id", "keypoints"} <= content[0].keys()
    )


def read_alphapose(content: Sequence[object], origin: Origin) -> Recorded:
    """Read persons with ``image_id`` (of a frame), ``keypoints`` and maybe ``idx``.

    Raises:
        MalformedError: it is not that.
    """
    frames: dict[int, list[Person]] = {}
    for number, entry in enumerate(content, start=1):
        field = f"entry {number}"
        if not isinstance(entry, dict) or not {"image_id", "keypoints"} <= entry.keys():
            raise origin.fault(field, show(entry), "an object with image_id and keypoints")
        image = entry["image_id"]
        if isinstance(image, str) and (digits := _FRAME.search(image)):
            image = digits[1]
        frame = whole_number(image, origin, f"{field}, image_id")
        joints = joints_of(entry["keypoints"], origin, f"{field}, keypoints", _LAYOUT)
        identity = _identity(entry.get("idx", entry.get("track_id")))
        frames.setdefault(frame, []).append(Person(identity, joints))
    return recorded(frames, _LAYOUT, origin)


def read_mmpose(content: Mapping[str, object], origin: Origin) -> Recorded:
    """Read ``instance_info``: for each frame its ``frame_id`` and ``instances``.

    Raises:
        MalformedError: it is not that.
    """
    frames: dict[int, list[Person]] = {}
    for place, entry in enumerate(content["instance_info"], start=1):
        where = f"instance_info, entry {place}"
        if not isinstance(entry, dict) or not isinstance(entry.get("instances"), list):
            raise origin.fault(where, show(entry), "an object with frame_id and instances")
        number = whole_number(entry.get("frame_id", place), origin, f"{where}, frame_id")
        frames[number] = [
            _instance(instance, f"{where}, instance {at}", origin)
            for at, instance in enumerate(entry["instances"], start=1)
        ]
    return recorded(frames, _LAYOUT, origin)


def _instance(instance: object, field: str, origin: Origin) -> Person:
    if not isinstance(instance, dict) or not {"keypoints", "keypoint_scores"} <= instance.keys():
        raise origin.fault(field, show(instance), "an object with keypoints and keypoint_scores")
    positions = numbers_of(instance["keypoints"], origin, f"{field}, keypoints")
    scores = numbers_of(instance["keypoint_scores"], origin, f"{field}, keypoint_scores")
    if positions.shape != (len(scores), 2):
        found = f"the shapes {positions.shape} and {scores.shape} of keypoints and keypoint_scores"
        raise origin.fault(field, found, "x and y of each joint, and a score for each")
    joints = np.column_stack([positions, scores])
    return Person(_identity(instance.get("track_id")), joints_of(joints, origin, field, _LAYOUT))


def _identity(value: object) -> int | None:
    """Return the number that a tracker gave somebody, None where it gave none."""
    number = single(value)
    return int(number) if isinstance(number, int | float) and number >= 0 else None
