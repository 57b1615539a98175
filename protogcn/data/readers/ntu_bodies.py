"""The tracked bodies of one clip -> at most two persons, in one array.

Shapes: M persons, T frames, 25 joints, 3 coordinates in metres.
Source: the released NTU preparation of PYSKL; ``golden/raw`` holds what it returns.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from protogcn.data.readers.skeleton_file import NUM_JOINTS, TrackedBody

LONGEST_SHORT = 11  # frames: of several bodies, one that is seen no longer is noise
MAX_WIDTH = 0.8  # of its height: a body that is wider in a frame is no standing person
MAX_WIDE_SHARE = 0.69754  # of its frames: a body that is wide in as many is noise
NO_MOVE = 1e-3  # metres, summed over coordinates: less means that no body is there
_SPINE = 1  # the joint whose absence in frame 1 marks an empty slot


@dataclass(frozen=True)
class _Track:
    """One body that may be kept; ``motion`` in square metres ranks it."""

    start: int
    joints: np.ndarray  # (T, 25, 3)
    motion: np.float32

    @property
    def end(self) -> int:
        return self.start + len(self.joints)


def arrange_bodies(
    bodies: Sequence[TrackedBody],
) -> np.ndarray | Literal["no_body", "all_bodies_under_12_frames", "all_bodies_wider_than_tall"]:
    """Choose and arrange the persons of one clip.

    A single body is returned as it is, without its start. Of several, short and wide ones are
    left out; the others share two slots, liveliest first, and empty frames at both ends go.

    Args:
        bodies: in the order they are first seen.

    Returns:
        (M, T, 25, 3) float16 positions in metres with M 1 or 2, or the rule that leaves the clip
        out: ``no_body`` when nobody is there; of several bodies ``all_bodies_under_12_frames`` when
        none is seen longer, ``all_bodies_wider_than_tall`` when those that are, are mostly so.
    """
    if not bodies:
        return "no_body"
    tracks = [_Track(body.start, body.joints, _motion(body.joints)) for body in bodies]
    if len(tracks) > 1:
        tracks = [track for track in tracks if len(track.joints) > LONGEST_SHORT]
        if not tracks:
            return "all_bodies_under_12_frames"
    if len(tracks) > 1:
        tracks = _liveliest_first(_without_wide(_liveliest_first(tracks)))
    if not tracks:
        return "all_bodies_wider_than_tall"
    persons = tracks[0].joints[None] if len(tracks) == 1 else _fill_two_slots(tracks)
    persons = persons.astype(np.float16)  # (M, T, 25, 3)
    return persons if persons.any() else "no_body"


def _motion(joints: np.ndarray) -> np.float32:
    """(T, 25, 3) -> sum over x, y, z of the variance over all frames and joints."""
    return joints.reshape(-1, 3).var(axis=0).sum()


def _liveliest_first(tracks: Sequence[_Track]) -> list[_Track]:
    return sorted(tracks, key=lambda track: -track.motion)


def _without_wide(tracks: Sequence[_Track]) -> list[_Track]:
    """Leave out bodies that are mostly wider than a person, rank others by their good frames."""
    kept = []
    for track in tracks:
        extent = np.ptp(track.joints, axis=1)  # (T, 3)
        upright = extent[:, 0] <= MAX_WIDTH * extent[:, 1]  # (T,)
        if upright.all():
            kept.append(track)
        elif 1 - upright.sum() / len(upright) < MAX_WIDE_SHARE:
            motion = min(track.motion, _motion(track.joints[upright]))
            kept.append(_Track(track.start, track.joints, motion))
    return kept


def _fill_two_slots(tracks: Sequence[_Track]) -> np.ndarray:
    """Return (2, T, 25, 3): each body in the first slot that is free while it is seen."""
    persons = np.zeros((2, max(track.end for track in tracks), NUM_JOINTS, 3), np.float32)
    first = tracks[0]
    persons[0, first.start : first.end] = first.joints
    # The second interval starts at 0, so after its first body a slot counts as taken from there.
    taken = [(first.start, first.end), (0, 0)]
    for track in tracks[1:]:
        for slot, (start, end) in enumerate(taken):
            if max(start, track.start) >= min(end, track.end):
                persons[slot, track.start : track.end] = track.joints
                taken[slot] = min(start, track.start), max(end, track.end)
                break
    seen = np.flatnonzero(np.abs(persons).sum(axis=(0, 2, 3)) >= NO_MOVE)
    if not len(seen):
        return persons[:, :0]
    persons = persons[:, seen[0] : seen[-1] + 1]
    absent = np.abs(persons[:, 0, _SPINE]).sum(axis=-1) < NO_MOVE  # (2,)
    return persons[::-1] if absent[0] and not absent[1] else persons
