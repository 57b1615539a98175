"""What the file of a recorder gives: the persons of each frame -> one clip in a known joint layout.

Shapes: M persons, T frames, V joints.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import NamedTuple

import numpy as np

from protogcn.config.skeleton import Skeleton, built_in_skeletons
from protogcn.data.readers.person_slots import (
    check_frames,
    check_places,
    slots_by_distance,
    slots_of_ids,
)
from protogcn.data.readers.positions import check_finite, numbers_of
from protogcn.data.readers.values import Origin


class Person(NamedTuple):
    """Somebody in one frame.

    Attributes:
        identity: what a tracker calls her; None if nobody tracks.
        joints: (V, 3): x, y, z, or x, y and a score.
    """

    identity: object
    joints: np.ndarray


class Recorded(NamedTuple):
    """A whole recording.

    Attributes:
        keypoints: (M, T, V, 3); who is seen in most frames comes first. M may be 0.
        layout: the built-in joint layout; None if its joints, in space, may be those of any.
        image_size: height and width of the image in the unit of x and y, where that is known.
    """

    keypoints: np.ndarray
    layout: str | None
    image_size: tuple[int, int] | None = None


def recorded(
    frames: Mapping[int, Sequence[Person]],
    layout: str,
    origin: Origin,
    *,
    image_size: tuple[int, int] | None = None,
) -> Recorded:
    """Give every person a slot.

    Args:
        frames: the persons of each frame, by its number; frames between them are empty.
        layout: the built-in joint layout.
        origin: names the file of a fault, and takes notes.
        image_size: of the image in the unit of x and y.

    Raises:
        MalformedError: there is no frame, or too many frames or persons.
    """
    if not frames:
        raise origin.fault("the file", "no frame", "at least one")
    first, last = min(frames), max(frames)
    check_frames(first, last, len(frames), origin)
    order = sorted(frames)
    people = [list(frames[number]) for number in order]
    flat = [(number, person) for number, some in zip(order, people, strict=True) for person in some]
    tracked = [(number, person.identity) for number, person in flat]
    if None not in [identity for _, identity in tracked] and len(set(tracked)) == len(tracked):
        slots = slots_of_ids([name for _, name in tracked], [at for at, _ in tracked], origin)
    else:
        channels = 2 if layouts()[layout].in_image else 3  # no scores
        positions = [[person.joints[:, :channels] for person in some] for some in people]
        nearest = slots_by_distance(positions, origin)
        slots = [slot for found in nearest for slot in found]
    num_slots = max(slots, default=-1) + 1
    check_places(num_slots * (last - first + 1), len(flat) + len(frames), origin)
    num_joints = layouts()[layout].num_raw_joints
    keypoints = np.zeros((num_slots, last - first + 1, num_joints, 3))
    for slot, (number, person) in zip(slots, flat, strict=True):
        keypoints[slot, number - first] = person.joints
    check_finite(keypoints, origin, "the file")
    seen = keypoints.any(axis=(2, 3)).sum(axis=1)  # (M,) frames
    return Recorded(keypoints[np.argsort(-seen, kind="stable")], layout, image_size)


def joints_of(value: object, origin: Origin, field: str, *layout_names: str) -> np.ndarray:
    """Return (V, 3) of a flat list or of one with a list for each joint.

    Args:
        value: x, y and a third number of every joint.
        origin: names the file of a fault.
        field: its name.
        layout_names: layouts of which it must have the joints.

    Raises:
        MalformedError: it has other joints, or no numbers.
    """
    array = numbers_of(value, origin, field)
    counts = {layouts()[name].num_raw_joints: name for name in layout_names}
    if array.ndim == 1 and array.size in [3 * num for num in counts]:
        array = array.reshape(-1, 3)
    if array.ndim != 2 or len(array) not in counts or array.shape[1] != 3:
        kinds = " or ".join(f"{3 * num} ({name})" for num, name in counts.items())
        raise origin.fault(field, f"{array.size} numbers", f"{kinds}, three for each joint")
    return array.astype(np.float64, copy=False)


def layout_with(num_joints: int, *layout_names: str) -> str:
    """Return the layout of these that has so many joints, which must be one."""
    return next(name for name in layout_names if layouts()[name].num_raw_joints == num_joints)


def fitting(given: Recorded, joints: Sequence[str], in_image: bool, origin: Origin) -> Recorded:
    """Return a recording if its layout may be the expected one.

    Raises:
        MalformedError: it has other joints, or the same in another order.
    """
    layout = None if given.layout is None else layouts()[given.layout]
    is_flat = layout is not None and layout.in_image
    own = tuple(joints) if layout is None else layout.joints[: layout.num_raw_joints]
    if len(own) != len(joints) or is_flat != in_image:
        hint = "" if layout is None else f" (the built-in skeleton {layout.name})"
        expected = f"{_kind(len(joints), in_image)}, as the skeleton that is set has"
        raise origin.fault("the file", f"{_kind(len(own), is_flat)}{hint}", expected)
    if set(own) == set(joints) and own != tuple(joints):
        at = next(i for i, pair in enumerate(zip(own, joints, strict=True)) if len(set(pair)) > 1)
        found = f"{own[at]} as joint {at} (the built-in skeleton {layout.name})"
        expected = f"{joints[at]} there, as the skeleton that is set has"
        raise origin.fault("the file", found, expected)
    return given


@cache
def layouts() -> Mapping[str, Skeleton]:
    """Return the built-in joint layouts."""
    return built_in_skeletons()


def _kind(num_joints: int, in_image: bool) -> str:
    return f"{num_joints} joints in {'an image' if in_image else 'space'}"
