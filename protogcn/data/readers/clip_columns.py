"""The header of a clip's csv file -> which column has which number of which joint.

Known are names of joints (``hip_x``, ``LEFT_HIP_x``), their numbers (``x0``, ``x_1``, ``0_x``,
``landmark_0_x``), and a line for each joint (``landmark``, ``x``, ``y``, ``z``, ``visibility``), as
those write who keep MediaPipe's landmarks.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from protogcn.data.readers.malformed import show
from protogcn.data.readers.values import Origin

_SCORES = ("score", "visibility", "vis", "v", "confidence", "conf", "c", "likelihood")
AXES = {"x": 0, "y": 1, "z": 2, **dict.fromkeys(_SCORES, 3)}
_FRAME = ("frame", "frame_id", "frame_idx", "frame_index", "frame_number", "frame_num", "frame_no")
_PERSON = ("person", "person_id", "person_idx", "person_index", "track_id", "body_id", "pose_id")
_JOINT = (
    "landmark", "landmark_id", "landmark_idx", "landmark_index", "joint", "joint_id", "joint_idx",
    "joint_index", "keypoint", "keypoint_id", "id", "index", "landmark_name", "joint_name", "name",
)  # fmt: skip
_MOST_COLUMNS = 10_000
_AXIS = "|".join(sorted(AXES, key=len, reverse=True))
_AXIS_FIRST = re.compile(rf"({_AXIS})_?([0-9]+)")
_AXIS_LAST = re.compile(rf"((?:pose_?)?(?:(?:landmark|joint|keypoint|kp|lm)s?_?)?(.+?))_?({_AXIS})")


@dataclass(frozen=True)
class Columns:
    """Where what is in a line.

    Attributes:
        frame: the column of the number of the frame; None if every line is the next one.
        person: that of the person; None if there is one.
        joint: that of the joint, where a line has one; None where it has all.
        places: for each joint, or that of the line, the columns of x, y, z; in an image those of x,
            y and the score, or of x and y alone.
    """

    frame: int | None
    person: int | None
    joint: int | None
    places: list[list[int]]


def columns_of(
    header: Sequence[str], joints: Sequence[str], origin: Origin, line: str, *, in_image: bool
) -> Columns:
    """Find the columns of a header.

    Args:
        header: the names of the columns.
        joints: the names of the V joints.
        origin: names the file of a fault, and takes notes.
        line: that of the header, for messages.
        in_image: x and y are needed, and scores of all joints or of none; else x, y and z are.

    Raises:
        MalformedError: columns are missing or twice there.
    """
    if len(header) > _MOST_COLUMNS:
        raise origin.fault(line, f"{len(header)} columns", f"at most {_MOST_COLUMNS}")
    names = [_plain(name) for name in header]
    counts = Counter(filter(None, names))
    if twice := next((name for name, count in counts.items() if count > 1), None):
        shown = show(header[names.index(twice)].strip())
        raise origin.fault(line, f"the column {shown} twice", "each once")
    place_of = {name: place for place, name in enumerate(names) if name}
    frame, person = (_first(place_of, keys) for keys in (_FRAME, _PERSON))
    joint = _first(place_of, _JOINT)
    if joint is not None and {"x", "y"} <= place_of.keys():
        places = [[*(place_of.get(axis) for axis in "xyz"), _first(place_of, _SCORES)]]
    else:
        joint, places = None, _places(place_of, joints, origin, line)
    axes = ("x", "y", "z")
    if in_image:
        has_scores = any(found[3] is not None for found in places)
        axes = ("x", "y", "score") if has_scores else ("x", "y")
        places = [[found[AXES[axis]] for axis in axes] for found in places]
    missing = [
        axis if joint is not None else f"{joints[number]}_{axis}"
        for number, found in enumerate(places)
        for axis, place in zip(axes, found, strict=False)
        if place is None
    ]
    if missing:
        more = f" and {len(missing) - 6} more" if len(missing) > 6 else ""
        expected = f"{len(axes) * len(joints)} columns such as {joints[0]}_x, or no header"
        raise origin.fault(line, f"no column {', '.join(missing[:6])}{more}", expected)
    if person is not None and frame is None:
        raise origin.fault(line, f"{header[person].strip()} alone", "frame and person, or neither")
    if joint is not None and frame is None:
        raise origin.fault(line, f"a line for each {header[joint].strip()}", "frame beside it")
    return Columns(frame, person, joint, [found[: len(axes)] for found in places])


def joint_number(text: str, joints: Sequence[str]) -> int | None:
    """Return the number or the place of the name of a joint, None if it is neither."""
    name = _plain(text).removeprefix("poselandmark_")
    if re.fullmatch(r"[0-9]{1,4}(\.0*)?", name):
        return int(float(name))
    names = [_squeezed(_plain(joint)) for joint in joints]
    return names.index(_squeezed(name)) if _squeezed(name) in names else None


def _places(
    place_of: Mapping[str, int], joints: Sequence[str], origin: Origin, line: str
) -> list[list[int | None]]:
    """Return the columns of x, y, z and the score of each joint, by name or else by number."""
    names = {_squeezed(_plain(joint)): number for number, joint in enumerate(joints)}
    places: list[list[int | None]] = [[None] * 4 for _ in joints]
    numbered: dict[int, list[int | None]] = {}
    for column, place in place_of.items():
        if match := _AXIS_FIRST.fullmatch(column):
            axis, (which, exact) = match[1], (match[2], match[2])
        elif match := _AXIS_LAST.fullmatch(column):
            exact, which, axis = match.groups()
        else:
            continue
        number = names.get(_squeezed(exact), names.get(_squeezed(which)))
        if number is not None:
            places[number][AXES[axis]] = place
        elif which.isdigit() and len(which) < 5:
            numbered.setdefault(int(which), [None] * 4)[AXES[axis]] = place
    if not numbered or any(place is not None for found in places for place in found):
        return places
    first = min(numbered)
    if first > 1 or sorted(numbered) != list(range(first, first + len(joints))):
        found = f"columns of {len(numbered)} joints, {first} to {max(numbered)}"
        expected = f"those of {len(joints)} joints, numbered from 0 or from 1"
        raise origin.fault(line, found, expected)
    if first == 1:
        origin.note("joints are numbered from 1; read in order")
    return [numbered[number] for number in sorted(numbered)]


def _plain(name: str) -> str:
    """Return a name in small letters, with _ between its words."""
    return re.sub(r"[\s.:-]+", "_", name.strip().strip("#'\"").strip().lower())


def _squeezed(name: str) -> str:
    return name.replace("_", "")


def _first(place_of: Mapping[str, int], names: Sequence[str]) -> int | None:
    return next((place_of[name] for name in names if name in place_of), None)
