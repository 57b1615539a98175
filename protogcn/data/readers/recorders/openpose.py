"""OpenPose's json, one file for each frame -> a recording."""

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from protogcn.data.readers.malformed import show
from protogcn.data.readers.recorders.recording import (
    Person,
    Recorded,
    joints_of,
    layout_with,
    recorded,
)
from protogcn.data.readers.values import Origin, single

_LAYOUTS = ("body25", "openpose18")
_POSES = ("pose_keypoints_2d", "pose_keypoints")  # the second is what versions before 1.2 wrote
_NUMBER = re.compile(r"(?:(.*)[_.-])?([0-9]+)(?:_keypoints|_pose)?", re.DOTALL)


def is_frame(content: object) -> bool:
    """Return whether this is the content of an OpenPose file."""
    return isinstance(content, dict) and isinstance(content.get("people"), list)


def read_openpose_frames(
    files: Sequence[Path], load: Callable[[Path], object], origin: Origin
) -> Recorded:
    """Read the files of all frames, in the order of their numbers.

    Args:
        files: ``NAME_000000000012_keypoints.json`` and so on, of one recording.
        load: reads the content of one.
        origin: names the folder in a fault, and takes notes.

    Raises:
        MalformedError: a file is none of OpenPose, or the frames are not those of one recording.
    """
    numbered = _by_number(files, origin)
    order = sorted(numbered)
    if order[-1] - order[0] + 1 != len(order):
        origin.note("numbers of frames are missing among the files; the files are taken in order")
    contents: dict[int, object] = {}
    for at, number in enumerate(order):
        contents[at] = load(numbered[number])
        if not is_frame(contents[at]):
            raise Origin(numbered[number].name).fault(
                "the file", show(contents[at]), "a frame of OpenPose: an object with people"
            )
    return poses_in_frames(contents, origin)


def poses_in_frames(contents: Mapping[int, object], origin: Origin) -> Recorded:
    """Return the recording of frames whose contents were loaded."""
    frames = {
        number: _people(content, f"frame {number + 1}", origin)
        for number, content in contents.items()
    }
    counts = {len(person.joints) for people in frames.values() for person in people}
    if len(counts) > 1:
        found = f"persons with {' and '.join(map(str, sorted(counts)))} joints"
        raise origin.fault("the file", found, "the same in every frame")
    layout = layout_with(counts.pop(), *_LAYOUTS) if counts else _LAYOUTS[0]
    return recorded(frames, layout, origin)


def _people(content: object, place: str, origin: Origin) -> list[Person]:
    found = []
    for number, person in enumerate(content["people"], start=1):
        field = f"{place}, person {number}"
        if not isinstance(person, dict):
            raise origin.fault(field, show(person), "an object with pose_keypoints_2d")
        name = next((name for name in _POSES if name in person), None)
        if name is None:
            has = ", ".join(map(show, list(person)[:5])) or "nothing"
            raise origin.fault(field, f"an object with {has}", "pose_keypoints_2d in it")
        if not person[name]:
            continue  # a face or a hand without a body
        joints = joints_of(person[name], origin, f"{field}, {name}", *_LAYOUTS)
        if joints.any():
            identity = single(person.get("person_id"))
            known = isinstance(identity, int) and identity >= 0
            found.append(Person(identity if known else None, joints))
    return found


def _by_number(files: Sequence[Path], origin: Origin) -> dict[int, Path]:
    """Return the files by the number of their frame."""
    numbered: dict[int, Path] = {}
    for path in files:
        match = _NUMBER.fullmatch(path.stem)
        if match is None:
            expected = "the number of a frame in it, as in wave_000000000012_keypoints.json"
            raise Origin(path.name).fault("its name", "no number", expected)
        number = int(match[2])
        if number in numbered:
            found = f"frame {number} twice, {numbered[number].name} and {path.name}"
            raise origin.fault("the files", found, "a folder for each recording")
        numbered[number] = path
    return numbered
