"""The json of Kinetics-skeleton (ST-GCN) -> a recording, in shares of the image."""

from collections.abc import Mapping

import numpy as np

from protogcn.data.readers.malformed import show
from protogcn.data.readers.positions import numbers_of
from protogcn.data.readers.recorders.recording import (
    Person,
    Recorded,
    layout_with,
    layouts,
    recorded,
)
from protogcn.data.readers.values import Origin, whole_number

_LAYOUTS = ("openpose18", "body25")


def read_kinetics_skeleton(content: Mapping[str, object], origin: Origin) -> Recorded:
    """Read ``data``: for each frame its ``frame_index`` and ``skeleton``, a list of persons.

    A person has ``pose``, x and y of every joint from 0 to 1, and ``score``. The image of such
    positions is one wide and one high.

    Raises:
        MalformedError: it is not that.
    """
    frames: dict[int, list[Person]] = {}
    for place, entry in enumerate(content["data"], start=1):
        where = f"data, entry {place}"
        if not isinstance(entry, dict) or not isinstance(entry.get("skeleton"), list):
            raise origin.fault(where, show(entry), "an object with frame_index and skeleton")
        number = whole_number(entry.get("frame_index", place), origin, f"{where}, frame_index")
        if number in frames:
            raise origin.fault(f"{where}, frame_index", f"{number} again", "each number once")
        frames[number] = [
            Person(None, _joints(person, f"{where}, person {at}", origin))
            for at, person in enumerate(entry["skeleton"], start=1)
        ]
    counts = {len(person.joints) for people in frames.values() for person in people}
    if len(counts) > 1:
        found = f"persons with {' and '.join(map(str, sorted(counts)))} joints"
        raise origin.fault("data", found, "the same in every frame")
    layout = layout_with(counts.pop(), *_LAYOUTS) if counts else _LAYOUTS[0]
    return recorded(frames, layout, origin, image_size=(1, 1))


def _joints(person: object, field: str, origin: Origin) -> np.ndarray:
    if not isinstance(person, dict) or not {"pose", "score"} <= person.keys():
        raise origin.fault(field, show(person), "an object with pose and score")
    pose = numbers_of(person["pose"], origin, f"{field}, pose").ravel()
    score = numbers_of(person["score"], origin, f"{field}, score").ravel()
    sizes = {layouts()[name].num_raw_joints: name for name in _LAYOUTS}
    if len(score) not in sizes or len(pose) != 2 * len(score):
        found = f"{len(pose)} numbers of pose and {len(score)} of score"
        kinds = " or ".join(f"{2 * num} and {num} ({name})" for num, name in sizes.items())
        raise origin.fault(field, found, kinds)
    return np.column_stack([pose.reshape(-1, 2), score])
