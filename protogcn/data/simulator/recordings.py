"""One performance -> the files that the cameras write, with the accidents that happen to them."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from protogcn.data.simulator.actions import MOTIONS
from protogcn.data.simulator.performers import (
    Subject,
    draw_partner,
    draw_subject,
    perform,
    stand_by,
)
from protogcn.data.simulator.sensor import Camera, Track, record, record_flat_ghost
from protogcn.data.simulator.skeleton_text import format_skeleton_text
from protogcn.files.refusals import refusals

# What goes wrong in a recording, and in which share of the files.
ACCIDENTS: dict[str, float] = {
    "brief ghost": 0.025,  # a second body for fewer than 12 frames
    "flat ghost": 0.02,  # a second "body" that is wide and low all along
    "empty frames": 0.025,  # nobody is recognised for a few frames
    "bystander": 0.02,  # somebody stands there and does nothing; in one-person actions only
}
CAMERA_ANGLES = {1: -0.15, 2: 0.70}  # radians, by camera number
ROOMS = {1: (3.1, 1.25), 2: (3.9, 2.0)}  # metres: the cameras' (distance, height), by setup number

_PERFORMANCE, _RECORDING, _ACCIDENT = range(3, 6)  # streams of random numbers, after a subject's


@dataclass(frozen=True)
class Performance:
    """One subject does one action once, in one room; every camera there sees it."""

    setup: int
    subject: int
    replication: int
    action: int  # 1-based, as in the file name
    first: int = 1  # which of the simulator's actions has number 1 in the file names

    @property
    def motion(self) -> int:
        """Which of the simulator's actions it is, 0-based."""
        return self.action + self.first - 2

    @property
    def key(self) -> tuple[int, ...]:
        """The numbers that name it."""
        return (self.setup, self.subject, self.replication, self.motion + 1)

    def file_name(self, camera: int) -> str:
        """Return the name of the file that one camera writes."""
        return (
            f"S{self.setup:03}C{camera:03}P{self.subject:03}"
            f"R{self.replication:03}A{self.action:03}.skeleton"
        )


@dataclass(frozen=True)
class SimulatedRecording:
    """What one camera saw of a performance.

    Attributes:
        camera: its number.
        num_frames: of the recording.
        tracks: the bodies that were followed.
        empty: frames in which nobody was recognised.
    """

    camera: int
    num_frames: int
    tracks: list[Track]
    empty: range


def write_performance(
    folder: Path, performance: Performance, *, seed: int, frames: tuple[int, int]
) -> list[Path]:
    """Simulate one performance and write what each camera saw of it, one file each.

    Raises:
        ContractError: a file cannot be written.
    """
    written = []
    for seen in record_performance(performance, seed=seed, frames=frames):
        path = folder / performance.file_name(seen.camera)
        _write(path, format_skeleton_text(seen.tracks, seen.num_frames, seen.empty))
        written.append(path)
    return written


def record_performance(
    performance: Performance, *, seed: int, frames: tuple[int, int]
) -> Iterator[SimulatedRecording]:
    """Simulate one performance: what each camera saw of it."""
    generator = _generator(seed, _PERFORMANCE, *performance.key)
    num_frames = int(generator.integers(frames[0], frames[1] + 1))
    subject = draw_subject(seed, performance.subject)
    partner = draw_partner(seed, performance.subject)
    action = performance.motion
    scene = perform(subject, partner, action, num_frames, seed=seed, generator=generator)
    place = np.array([generator.normal(0, 0.2), 0, generator.normal(0, 0.2)])
    distance, height = ROOMS[performance.setup]
    for number, angle in CAMERA_ANGLES.items():
        generator = _generator(seed, _RECORDING, *performance.key, number)
        camera = Camera(angle, distance, height)
        identifiers = _identifiers(generator)
        tracks = [record(body + place, camera, next(identifiers), generator) for body in scene]
        accident = draw_accident(seed, performance, number)
        tracks += _ghosts(accident, partner, camera, num_frames, identifiers, generator)
        empty = _empty_frames(accident, num_frames, generator)
        yield SimulatedRecording(number, num_frames, tracks, empty)


def draw_accident(seed: int, performance: Performance, camera: int) -> str | None:
    """Return which of ``ACCIDENTS`` happens to one file, mostly None."""
    draw = _generator(seed, _ACCIDENT, *performance.key, camera).random()
    for accident, share in ACCIDENTS.items():
        if draw < share:
            alone = len(MOTIONS[performance.motion].roles) == 1
            return accident if alone or accident != "bystander" else None
        draw -= share
    return None


def _write(path: Path, content: bytes) -> None:
    with refusals(path, needed=len(content)):
        path.write_bytes(content)


def _ghosts(
    accident: str | None,
    person: Subject,
    camera: Camera,
    num_frames: int,
    identifiers: Iterator[int],
    generator: np.random.Generator,
) -> list[Track]:
    match accident:
        case "flat ghost":
            return [record_flat_ghost(num_frames, camera, next(identifiers), generator)]
        case "brief ghost" | "bystander":
            aside = np.array([generator.choice([-1.0, 1.0]), 0, generator.uniform(0.2, 0.8)])
            joints = stand_by(person, num_frames, generator) + aside
            track = record(joints, camera, next(identifiers), generator)
            if accident == "bystander":
                return [track]
            length = int(generator.integers(5, 12))
            start = int(generator.integers(0, num_frames - length))
            part = slice(start, start + length)
            return [Track(track.identifier, start, track.joints[part], track.states[part])]
        case _:
            return []


def _empty_frames(accident: str | None, num_frames: int, generator: np.random.Generator) -> range:
    if accident != "empty frames":
        return range(0)
    start = int(generator.integers(num_frames // 4, num_frames // 2))
    return range(start, start + int(generator.integers(2, 7)))


def _identifiers(generator: np.random.Generator) -> Iterator[int]:
    """Yield body ids as Kinect numbers them: 64 bits, larger for each new body."""
    identifier = 72057594037900000 + int(generator.integers(0, 100_000))
    while True:
        yield identifier
        identifier += int(generator.integers(1, 9))


def _generator(seed: int, *key: int) -> np.random.Generator:
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))
