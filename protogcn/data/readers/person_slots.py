"""Persons in frames -> the slots of a clip: by their ids, or by who is nearest to whom.

Shapes: M slots, T frames, V joints.
"""

from bisect import bisect, insort
from collections.abc import Sequence

import numpy as np

from protogcn.data.readers.values import Origin

MAX_FRAMES = 100_000  # an hour
MAX_PERSONS = 100
_FREE_PLACES = 20_000  # of a person in a frame: a short file may be as sparse as it likes
_PLACES_OF_A_LINE = 50


def slots_of_ids(ids: Sequence[object], frames: Sequence[int], origin: Origin) -> list[int]:
    """Return the slot of each row, of one person in one frame.

    A tracker gives a person a new id when it lost her: persons of which one is gone before the
    other comes share a slot, the first that is free.

    Args:
        ids: of each row's person.
        frames: of each row.
        origin: takes a note of shared slots.

    Raises:
        MalformedError: too many persons are there at once.
    """
    first: dict[object, int] = {}
    last: dict[object, int] = {}
    for person, frame in zip(ids, frames, strict=True):
        first[person] = min(frame, first.get(person, frame))
        last[person] = max(frame, last.get(person, frame))
    slot_of: dict[object, int] = {}
    taken: list[list[tuple[int, int]]] = []  # first and last frames of each slot's persons, rising
    for person in first:
        there = first[person], last[person]
        free = (slot for slot, others in enumerate(taken) if _is_free(others, there))
        slot_of[person] = next(free, len(taken))
        if slot_of[person] == len(taken):
            taken.append([])
            check_number(len(taken), origin)
        insort(taken[slot_of[person]], there)
    if len(taken) < len(first):
        origin.note("persons with different ids that are not there at the same time share a slot")
    return [slot_of[person] for person in ids]


def slots_by_distance(frames: Sequence[Sequence[np.ndarray]], origin: Origin) -> list[list[int]]:
    """Return the slot of each person in each frame: that of whoever was nearest before.

    Args:
        frames: the positions (V, C) of the persons in each frame, in any order.
        origin: takes a note if there was a choice.

    Raises:
        MalformedError: too many persons are there at once.
    """
    centres: list[np.ndarray] = []  # where each slot's person was last
    slots: list[list[int]] = []
    for people in frames:
        here = [_centre(joints) for joints in people]
        found = [-1] * len(here)
        distances = sorted(
            (float(np.abs(centre - before).sum()), person, slot)
            for person, centre in enumerate(here)
            for slot, before in enumerate(centres)
        )
        for _, person, slot in distances:
            if found[person] < 0 and slot not in found:
                found[person] = slot
        for person, centre in enumerate(here):
            if found[person] < 0:
                found[person] = len(centres)
                centres.append(centre)
            centres[found[person]] = centre
        check_number(len(centres), origin)
        slots.append(found)
    if len(centres) > 1:
        origin.note("persons have no ids; each is followed to the nearest one in the next frame")
    return slots


def check_number(num_persons: int, origin: Origin) -> None:
    """Raise MalformedError if more persons are there at once than anybody records."""
    if num_persons > MAX_PERSONS:
        raise origin.fault("persons", f"{num_persons}", f"at most {MAX_PERSONS}")


def check_frames(first: int, last: int, rows: int, origin: Origin) -> None:
    """Raise MalformedError if frame numbers span more frames than a clip may have."""
    if last - first >= MAX_FRAMES:
        found = f"{first} to {last} in {rows} lines"
        expected = (
            f"at most {MAX_FRAMES} frames, numbered 0, 1, 2, ...; these look like time stamps"
        )
        raise origin.fault("frame", found, expected)


def check_places(places: int, rows: int, origin: Origin) -> None:
    """Raise MalformedError if nearly all places of persons in frames would be empty.

    Args:
        places: frames times persons.
        rows: how many of them have a line.
        origin: of the lines.
    """
    if places > max(_FREE_PLACES, _PLACES_OF_A_LINE * rows):
        found = f"{rows} lines for {places:,} places of a person in a frame"
        expected = "frames numbered 0, 1, 2, ..., and the same name for the same person"
        raise origin.fault("frame", found, expected)


def _is_free(taken: Sequence[tuple[int, int]], there: tuple[int, int]) -> bool:
    """Return whether a person who is there then meets none of those who take a slot."""
    at = bisect(taken, there)
    before, after = taken[max(0, at - 1) : at], taken[at : at + 1]
    return all(last < there[0] for _, last in before) and all(there[1] < one[0] for one in after)


def _centre(joints: np.ndarray) -> np.ndarray:
    """Return the mean position of the joints that are seen, (V, C) -> (C,)."""
    there = joints[joints.any(axis=1)]
    return there.mean(axis=0) if len(there) else np.zeros(joints.shape[1])
