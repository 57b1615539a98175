"""Raw files of every format -> ``RawClip`` and ``DroppedClip``.

In reading order: ``ntu``, its files ``skeleton_file`` and ``ntu_bodies``; ``pyskl`` and its parts
``annotations`` and ``pyskl_splits``; ``kinetics``; ``folder`` and its ``folder_files``,
``clip_file``, ``clip_csv`` and its ``clip_columns``; ``person_slots`` (who is who from frame to
frame); ``table_of_clips`` (a csv table that people write); ``values``, ``positions`` and
``nested_lists`` (what may stand in a field), ``malformed`` (what is wrong in a file), ``faults``
(a line for all that are alike), ``notes`` (what was derived). The room ``recorders`` has the files
of OpenPose and others, the room ``pickles`` reads pickles as data.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True)
class RawClip:
    """One sequence of one sample, as the raw file has it.

    Attributes:
        name: the clip id.
        label: 0-based class number.
        keypoints: (M, T, V, C), float16 or wider, finite: positions in metres, or x and y in
            pixels and the pose estimator's score.
        sides: for each split the side this clip is on: ``train``, ``val``, ``test`` or ``-``.
        image_size: height and width in pixels, of 2-D poses.
        groups: the names of its subject, setup, camera, recording, where the raw files tell.
    """

    name: str
    label: int
    keypoints: np.ndarray
    sides: Mapping[str, str]
    image_size: tuple[int, int] | None = None
    groups: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class DroppedClip:
    """One sample that was left out, and the rule that left it out."""

    name: str
    rule: str
