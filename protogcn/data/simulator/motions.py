"""How an action is written down, and read: a role and a style -> coordinates over time.

An action is written like a score: key postures at shares of the clip, and swings on top.
Shapes: T frames, D coordinates.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from protogcn.data.simulator.kinematics import COLUMN, SHIFTS

Posture = Mapping[str, float]  # degrees, metres for shifts; what is not named is at rest
_FADE = 0.08  # share of the clip over which a swing sets in and dies away


@dataclass(frozen=True)
class Swing:
    """A repeated movement of one coordinate between two shares of the clip.

    Attributes:
        coordinate: what moves.
        size: how far to each side, in degrees.
        hertz: repetitions per second.
        start: share of the clip at which it sets in.
        stop: share of the clip at which it ends.
        phase: in turns; 0.5 is the opposite movement.
    """

    coordinate: str
    size: float
    hertz: float
    start: float
    stop: float
    phase: float = 0.0


@dataclass(frozen=True)
class Role:
    """What one body does.

    Attributes:
        keys: (share of the clip, posture), in order of time.
        swings: what goes on top of them.
        contact: the joint that meets the other person, in two-person actions.
    """

    keys: tuple[tuple[float, Posture], ...]
    swings: tuple[Swing, ...] = ()
    contact: int = 0


@dataclass(frozen=True)
class Motion:
    """One action class: its name and one role, or two for a two-person action."""

    name: str
    roles: tuple[Role, ...]


@dataclass(frozen=True)
class Style:
    """How one performer does one performance.

    Attributes:
        rest: the posture between movements, radians and metres, (D,).
        offsets: added to whatever a key posture names, (D,).
        reach: factor on the distance of the keys from rest.
        amplitude: factor on the swings.
        tempo: factor on the rate of the swings.
        phase: of the swings, in turns.
    """

    rest: np.ndarray
    offsets: np.ndarray
    reach: float
    amplitude: float
    tempo: float
    phase: float


def move(role: Role, style: Style, shares: np.ndarray, seconds: np.ndarray) -> np.ndarray:
    """Return the coordinates of one body over time.

    Args:
        role: what it does.
        style: how.
        shares: for each frame, how far the action has come, (T,), in [0, 1].
        seconds: for each frame, the time since the first, (T,).

    Returns:
        Radians and metres, (T, D). From one key posture to the next the speed rises from zero
        and falls to zero (the minimum-jerk profile of human reaching).
    """
    keys = np.stack([_posture(posture, style) for _, posture in role.keys])  # (keys, D)
    times = np.array([share for share, _ in role.keys])
    position = np.interp(shares, times, np.arange(len(times)))  # in keys
    before = np.minimum(position.astype(int), max(len(times) - 2, 0))
    after = np.minimum(before + 1, len(times) - 1)
    step = _minimum_jerk(position - before)[:, None]
    coordinates = keys[before] * (1 - step) + keys[after] * step  # (T, D)
    for swing in role.swings:
        fade = np.clip(np.minimum(shares - swing.start, swing.stop - shares) / _FADE, 0, 1)
        turns = swing.hertz * style.tempo * seconds + style.phase + swing.phase
        wave = np.radians(swing.size) * style.amplitude * np.sin(2 * np.pi * turns)
        coordinates[:, COLUMN[swing.coordinate]] += _minimum_jerk(fade) * wave
    return coordinates


def _posture(posture: Posture, style: Style) -> np.ndarray:
    target = style.rest.copy()
    for name, value in posture.items():
        column = COLUMN[name]
        wanted = value if name in SHIFTS else np.radians(value) + style.offsets[column]
        target[column] += style.reach * (wanted - style.rest[column])
    return target


def _minimum_jerk(share: np.ndarray) -> np.ndarray:
    return share**3 * (10 - 15 * share + 6 * share**2)
