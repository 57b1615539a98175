"""Poses and the values of a modality -> lines on paper.

Shapes: T frames, M persons, V joints. A line is (2, 2): two ends with two coordinates each.
"""

from dataclasses import dataclass

import numpy as np

from protogcn.config.settings import PREPARATIONS
from protogcn.config.skeleton import Skeleton
from protogcn.errors import ConfigError

_TURN = np.deg2rad(25)  # seen a little from the side, so that depth shows
_LONG_MOTION = 0.25  # of the height of the body


@dataclass(frozen=True)
class View:
    """How positions become points on paper.

    Attributes:
        right: (3,) what a step along each axis moves to the right.
        up: (3,) what it moves up.
    """

    right: np.ndarray
    up: np.ndarray

    @classmethod
    def of(cls, preparation: str) -> "View":
        """Return the view of a preparation.

        Raises:
            ConfigError: unknown preparation.
        """
        match preparation:
            case "centred" | "first_frame":  # y is up, as the camera was
                return cls(np.array([np.cos(_TURN), 0, np.sin(_TURN)]), np.array([0, 1, 0]))
            case "aligned" | "own_axes":  # the spine is z
                return cls(np.array([np.cos(_TURN), np.sin(_TURN), 0]), np.array([0, 0, 1]))
            case "raw":  # pixels: y points down, and the third number is no place
                return cls(np.array([1, 0, 0]), np.array([0, -1, 0]))
        raise ConfigError(
            f"preparation {preparation!r}: expected one of {', '.join(PREPARATIONS)}."
        )

    def of_points(self, points: np.ndarray) -> np.ndarray:
        """(..., 3) -> (..., 2)."""
        return np.stack([points @ self.right, points @ self.up], axis=-1)


@dataclass(frozen=True)
class PoseLines:
    """One clip in one modality; missing bodies are not numbers (NaN).

    Attributes:
        modality: its name.
        bones: (T, M, V, 2, 2), from each joint's parent to the joint.
        values: (T, M, V, 2, 2), the value of each joint: its bone for the joints themselves.
    """

    modality: str
    bones: np.ndarray
    values: np.ndarray


def pose_lines(
    joints: np.ndarray, values: np.ndarray, modality: str, skeleton: Skeleton, view: View
) -> PoseLines:
    """Turn the joints of one clip and their values in a modality, both (T, M, V, 3), into lines.

    A bone or a two-step bone ends at its joint. A motion starts at its joint; all are lengthened
    alike until a long one, longer than 98 of 100, has a quarter of the body's height: a joint that
    a sensor loses for a frame moves further than any other.
    """
    there = joints.any(axis=(2, 3))  # (T, M)
    places = np.where(there[..., None, None], view.of_points(joints), np.nan)  # (T, M, V, 2)
    bones = np.stack([places[:, :, skeleton.bone_partners], places], axis=-2)
    drawn = view.of_points(values)
    if modality == "j":
        lines = bones
    elif modality in ("b", "k"):
        lines = np.stack([places - drawn, places], axis=-2)
    else:
        long = np.percentile(np.linalg.norm(drawn[there], axis=-1), 98)
        height = np.ptp(places[there][..., 1], axis=-1).max()
        scale = _LONG_MOTION * height / long if long > 0 else 1.0
        lines = np.stack([places, places + scale * drawn], axis=-2)
    return PoseLines(modality, bones, lines)
