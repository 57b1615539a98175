"""The demo's performers: a subject's number -> its body and habits -> joints of a performance.

Shapes: T frames, D coordinates, V joints, C channels.
"""

from dataclasses import dataclass

import numpy as np

from protogcn.data.simulator.actions import MOTIONS
from protogcn.data.simulator.kinematics import (
    COLUMN,
    COORDINATES,
    SHIFTS,
    BoneLengths,
    mirror,
    place_joints,
)
from protogcn.data.simulator.motions import Style, move

# How much people differ. Larger is harder: raise HABIT_SPREAD first, it is what a network must
# generalise over, as no subject is on both sides of the split.
HABIT_SPREAD = 6.0  # degrees: how one subject's key postures for an action differ from the norm
PERFORMANCE_SPREAD = 4.0  # degrees: how one subject's performances differ from one another
REACH_SPREAD = 0.05  # of the logarithm of the extent of key postures, among performances
AMPLITUDE_SPREAD = 0.30  # of the logarithm of the size of repeated movements, among subjects
TEMPO_SPREAD = 0.22  # of the logarithm of the rate of repeated movements, among subjects
TIMING_SPREAD = 0.10  # share of the clip: how much earlier or later a movement begins
FIDGET = 2.0  # degrees: slow involuntary movement of every joint
LEFT_HANDED_EVERY = 4  # every fourth subject is left-handed: 4 and 8 train, 12 tests
OTHER_HAND_SHARE = 0.15  # share of performances with the hand the subject does not prefer

FRAMES_PER_SECOND = 30
_BODY, _HABIT, _PARTNER = range(3)  # streams of random numbers that belong to a subject


@dataclass(frozen=True)
class Subject:
    """One person.

    Attributes:
        number: from 1.
        body: bone lengths.
        rest: habitual standing posture, (D,).
        left_handed: performs with the left hand.
        amplitude: habitual size of repeated movements, a factor.
        tempo: habitual rate of repeated movements, a factor.
    """

    number: int
    body: BoneLengths
    rest: np.ndarray
    left_handed: bool
    amplitude: float
    tempo: float


def draw_subject(seed: int, number: int) -> Subject:
    """Return subject ``number``; the same for the same seed."""
    generator = _generator(seed, _BODY, number)
    stature = np.exp(generator.normal(0, 0.06))
    lengths = {
        name: length * stature * np.exp(generator.normal(0, 0.05))
        for name, length in vars(BoneLengths()).items()
    }
    rest = np.radians(generator.normal(0, 3, len(COORDINATES)))
    rest[[COLUMN[name] for name in (*SHIFTS, "turn")]] = 0
    for side in ("left", "right"):
        rest[COLUMN[f"{side}_arm_sideways"]] += np.radians(9)
        rest[COLUMN[f"{side}_elbow"]] = np.radians(generator.uniform(6, 28))
        rest[COLUMN[f"{side}_leg_sideways"]] = np.radians(generator.uniform(1, 7))
        rest[COLUMN[f"{side}_leg_forward"]] = rest[COLUMN[f"{side}_knee"]] = 0
    return Subject(
        number=number,
        body=BoneLengths(**lengths),
        rest=rest,
        left_handed=number % LEFT_HANDED_EVERY == 0,
        amplitude=float(np.exp(generator.normal(0, AMPLITUDE_SPREAD))),
        tempo=float(np.exp(generator.normal(0, TEMPO_SPREAD))),
    )


def draw_partner(seed: int, number: int) -> Subject:
    """Return the person that subject ``number`` does two-person actions with."""
    return draw_subject(seed, int(_generator(seed, _PARTNER, number).integers(1000, 2**31)))


def perform(
    subject: Subject,
    partner: Subject,
    action: int,
    num_frames: int,
    *,
    seed: int,
    generator: np.random.Generator,
) -> tuple[np.ndarray, ...]:
    """Return the joints of one performance, as they are, without a sensor.

    Args:
        subject: who performs.
        partner: the second person; takes part in two-person actions only.
        action: class number, 0-based.
        num_frames: T.
        seed: of the whole dataset; gives the subjects' habits.
        generator: of this performance.

    Returns:
        For each person in the scene positions in metres, (T, V, C). The scene is centred on
        the origin; one person faces forward, two face each other from left and right.
    """
    roles = MOTIONS[action].roles
    people = (subject, partner)[: len(roles)]
    shares = _draw_timing(num_frames, generator)
    seconds = np.arange(num_frames) / FRAMES_PER_SECOND
    phase = generator.random()
    other_hand = generator.random() < OTHER_HAND_SHARE and len(roles) == 1
    facing = np.radians(generator.normal(0, 8))
    if len(roles) == 2 and generator.random() < 0.5:
        facing += np.pi  # who was on the left is on the right
    scene = []
    for place, (person, role) in enumerate(zip(people, roles, strict=True)):
        style = _draw_style(person, action, seed, phase, generator)
        coordinates = move(role, style, shares, seconds)  # (T, D)
        if (person.left_handed and len(roles) == 1) != other_hand:
            coordinates = mirror(coordinates)
        coordinates += _fidget(num_frames, generator)
        side = (1, -1)[place] if len(roles) == 2 else 0
        coordinates[:, COLUMN["turn"]] += facing + side * np.pi / 2
        scene.append(place_joints(person.body, coordinates))  # (T, V, C)
    if len(roles) == 1:
        return tuple(scene)
    toward = np.array([np.cos(facing), 0, np.sin(facing)])  # from the first to the second
    moment = (scene[0][:, roles[0].contact] @ toward).argmax()
    meeting = scene[0][moment, roles[0].contact] - scene[1][moment, roles[1].contact]  # (C,)
    meeting = meeting * (1, 0, 1) + toward * generator.normal(0, 0.04)
    return scene[0] - meeting / 2, scene[1] + meeting / 2


def stand_by(person: Subject, num_frames: int, generator: np.random.Generator) -> np.ndarray:
    """Return the joints of somebody who only stands there, at the origin, (T, V, C)."""
    coordinates = person.rest + _fidget(num_frames, generator)
    coordinates[:, COLUMN["turn"]] += generator.uniform(-np.pi / 2, np.pi / 2)
    return place_joints(person.body, coordinates)


def _draw_style(
    person: Subject, action: int, seed: int, phase: float, generator: np.random.Generator
) -> Style:
    habit = _generator(seed, _HABIT, person.number, action)
    offsets = _draw_offsets(HABIT_SPREAD, habit) + _draw_offsets(PERFORMANCE_SPREAD, generator)
    return Style(
        rest=person.rest,
        offsets=offsets,
        reach=float(np.exp(generator.normal(0, REACH_SPREAD))),
        amplitude=person.amplitude * float(np.exp(generator.normal(0, 0.1))),
        tempo=person.tempo * float(np.exp(generator.normal(0, 0.1))),
        phase=phase,
    )


def _draw_offsets(spread: float, generator: np.random.Generator) -> np.ndarray:
    """Return what key postures are off by, radians, (D,); mostly the same left and right."""
    offsets = generator.normal(0, np.radians(spread), len(COORDINATES))
    return np.sqrt(0.8) * (offsets + mirror(offsets)) / np.sqrt(2) + np.sqrt(0.2) * offsets


def _draw_timing(num_frames: int, generator: np.random.Generator) -> np.ndarray:
    """Return how far the action has come in each frame, (T,): recordings start and end unevenly."""
    early, late = generator.normal(0, TIMING_SPREAD, 2)
    clock = np.array([0, 1 / 3 + early, 2 / 3 + late, 1])
    action = np.array([generator.uniform(0, 0.1), 1 / 3, 2 / 3, generator.uniform(0.88, 1)])
    return np.interp(np.linspace(0, 1, num_frames), np.maximum.accumulate(clock), action)


def _fidget(num_frames: int, generator: np.random.Generator) -> np.ndarray:
    """Return slow random movement of every angle, (T, D)."""
    seconds = np.arange(num_frames)[:, None, None] / FRAMES_PER_SECOND
    hertz = generator.uniform(0.1, 0.7, (3, len(COORDINATES)))
    phase = generator.uniform(0, 2 * np.pi, hertz.shape)
    waves = np.sin(2 * np.pi * hertz * seconds + phase).sum(axis=1)  # (T, D)
    waves *= np.radians(FIDGET) * np.sqrt(2 / len(hertz))
    waves[:, [COLUMN[name] for name in SHIFTS]] = 0
    for name in ("leg_forward", "knee"):  # the legs carry the body: they move less
        waves[:, [COLUMN[f"left_{name}"], COLUMN[f"right_{name}"]]] *= 0.3
    return waves


def _generator(seed: int, *key: int) -> np.random.Generator:
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))
