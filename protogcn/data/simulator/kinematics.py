"""A human body: joint angles over time -> positions of the 25 Kinect joints.

Axes of the world: x to the right of a body that faces forward, y up, z backward, in metres; the
floor is y = 0. Angles in radians. Shapes: T frames, D coordinates, V joints, C channels.
"""

from dataclasses import dataclass

import numpy as np

_SIDED = (
    "arm_forward",
    "arm_sideways",
    "arm_inward",
    "elbow",
    "wrist",
    "leg_forward",
    "leg_sideways",
    "knee",
    "foot",
)
# The coordinates of a posture: angles in radians, then two shifts of the whole body in metres.
COORDINATES: tuple[str, ...] = (
    "lean",
    "sway",
    "nod",
    "look",
    *(f"left_{name}" for name in _SIDED),
    *(f"right_{name}" for name in _SIDED),
    "turn",
    "lift",
    "advance",
)
COLUMN: dict[str, int] = {name: column for column, name in enumerate(COORDINATES)}
SHIFTS = ("lift", "advance")
_FLIPPED = ("sway", "look", "turn")  # change sign in a mirror; left and right change place
_PLANT_SOFTNESS = 0.02  # metres: how much lower one foot must be to carry the body alone


@dataclass(frozen=True)
class BoneLengths:
    """Lengths of the bones, in metres."""

    lower_spine: float = 0.30
    upper_spine: float = 0.23
    neck: float = 0.08
    head: float = 0.15
    half_shoulders: float = 0.17
    upper_arm: float = 0.27
    forearm: float = 0.25
    hand: float = 0.07
    fingers: float = 0.08
    half_hips: float = 0.08
    thigh: float = 0.42
    shin: float = 0.40
    foot: float = 0.13


def place_joints(body: BoneLengths, coordinates: np.ndarray) -> np.ndarray:
    """Return the joint positions of one body that stands at the origin.

    Forward kinematics: the chest turns with the spine, each limb's part with the part before it.
    The lower foot (both, when level) is held in place on the floor, so that a bent knee lowers
    the hips; ``lift`` and ``advance`` move the body up and forward from there, ``turn`` turns it.

    Args:
        body: its bone lengths.
        coordinates: one row per frame, in the order of ``COORDINATES``, (T, D).

    Returns:
        Positions in metres, (T, V, C), in the joint order of ntu25.
    """
    angle = {name: coordinates[:, column] for name, column in COLUMN.items()}
    joints = np.zeros((len(coordinates), 25, 3))  # (T, V, C), hips at the origin
    chest = rotation(2, -angle["sway"]) @ rotation(0, -angle["lean"])  # (T, C, C)
    head = chest @ rotation(1, -angle["look"]) @ rotation(0, -angle["nod"])

    joints[:, 1] = _along(chest, 0, body.lower_spine, 0)
    joints[:, 20] = joints[:, 1] + _along(chest, 0, body.upper_spine, 0)
    joints[:, 2] = joints[:, 20] + _along(chest, 0, body.neck, 0)
    joints[:, 3] = joints[:, 2] + _along(head, 0, body.head, -0.02)
    sides = (
        ("left", -1, (4, 5, 6, 7, 21, 22), (12, 13, 14, 15)),
        ("right", 1, (8, 9, 10, 11, 23, 24), (16, 17, 18, 19)),
    )
    for name, sign, arm, leg in sides:
        side = {part: angle[f"{name}_{part}"] for part in _SIDED}
        _place_arm(joints, arm, sign, body, side, chest)
        _place_leg(joints, leg, sign, body, side)
    joints -= _planted_point(joints)[:, None]
    joints[..., 1] += angle["lift"][:, None]
    joints[..., 2] -= angle["advance"][:, None]
    return joints @ rotation(1, -angle["turn"]).transpose(0, 2, 1)


def mirror(coordinates: np.ndarray) -> np.ndarray:
    """Exchange left and right of the postures, (..., D) -> (..., D): the left-handed version."""
    order = [COLUMN[_other_side(name)] for name in COORDINATES]
    signs = np.where(np.isin(COORDINATES, _FLIPPED), -1.0, 1.0)
    return coordinates[..., order] * signs


def rotation(axis: int, angle: np.ndarray) -> np.ndarray:
    """Return right-handed rotations about x (0), y (1) or z (2), (T,) -> (T, C, C)."""
    first, second = (axis + 1) % 3, (axis + 2) % 3
    matrices = np.zeros((len(angle), 3, 3))
    matrices[:, axis, axis] = 1
    matrices[:, first, first] = matrices[:, second, second] = np.cos(angle)
    matrices[:, second, first] = np.sin(angle)
    matrices[:, first, second] = -matrices[:, second, first]
    return matrices


def _place_arm(
    joints: np.ndarray,
    arm: tuple[int, ...],
    sign: int,
    body: BoneLengths,
    side: dict[str, np.ndarray],
    chest: np.ndarray,
) -> None:
    shoulder, elbow, wrist, hand, tip, thumb = arm
    upper = (
        chest
        @ rotation(2, sign * side["arm_sideways"])
        @ rotation(0, side["arm_forward"])
        @ rotation(1, sign * side["arm_inward"])
    )
    lower = upper @ rotation(0, side["elbow"])
    palm = lower @ rotation(2, sign * side["wrist"])
    joints[:, shoulder] = joints[:, 20] + _along(chest, sign * body.half_shoulders, -0.05, 0)
    joints[:, elbow] = joints[:, shoulder] + _along(upper, 0, -body.upper_arm, 0)
    joints[:, wrist] = joints[:, elbow] + _along(lower, 0, -body.forearm, 0)
    joints[:, hand] = joints[:, wrist] + _along(palm, 0, -body.hand, 0)
    joints[:, tip] = joints[:, hand] + _along(palm, 0, -body.fingers, 0)
    joints[:, thumb] = joints[:, hand] + _along(palm, -sign * 0.01, -0.03, -0.04)


def _place_leg(
    joints: np.ndarray,
    leg: tuple[int, ...],
    sign: int,
    body: BoneLengths,
    side: dict[str, np.ndarray],
) -> None:
    hip, knee, ankle, foot = leg
    upper = rotation(2, sign * side["leg_sideways"]) @ rotation(0, side["leg_forward"])
    lower = upper @ rotation(0, -side["knee"])
    sole = lower @ rotation(0, side["foot"])
    joints[:, hip] = [sign * body.half_hips, -0.03, 0]
    joints[:, knee] = joints[:, hip] + _along(upper, 0, -body.thigh, 0)
    joints[:, ankle] = joints[:, knee] + _along(lower, 0, -body.shin, 0)
    joints[:, foot] = joints[:, ankle] + _along(sole, 0, -0.06, -body.foot)


def _along(turn: np.ndarray, x: float, y: float, z: float) -> np.ndarray:
    """Turn one offset, (T, C, C) -> (T, C)."""
    return turn @ np.array([x, y, z])


def _planted_point(joints: np.ndarray) -> np.ndarray:
    """Return the place under the ankle that carries the body, (T, V, C) -> (T, C)."""
    ankles = joints[:, (14, 18)]  # (T, 2, C)
    height = ankles[..., 1] - ankles[..., 1].min(axis=1, keepdims=True)
    weight = np.exp(-height / _PLANT_SOFTNESS)
    weight /= weight.sum(axis=1, keepdims=True)
    point = (weight[..., None] * ankles).sum(axis=1)  # (T, C)
    point[:, 1] -= 0.07  # an ankle stands this high above the floor
    return point


def _other_side(name: str) -> str:
    if name.startswith("left_"):
        return name.replace("left_", "right_", 1)
    return name.replace("right_", "left_", 1)
