"""Raw formats -> clips: what every reader yields."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class RawClip:
    """One sequence of one sample, as the raw file has it.

    Attributes:
        name: the clip id.
        label: 0-based class number.
        keypoints: positions in metres, (M, T, V, C), float16 or wider, finite.
        sides: for each split the side this clip is on: ``train``, ``val``, ``test`` or ``-``.
    """

    name: str
    label: int
    keypoints: np.ndarray
    sides: Mapping[str, str]


@dataclass(frozen=True)
class DroppedClip:
    """One sample that was left out, and the rule that left it out."""

    name: str
    rule: str
