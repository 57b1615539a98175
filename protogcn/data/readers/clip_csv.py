"""The text of a clip's csv file -> its keypoints.

Shapes: M persons, T frames, V joints, 3 numbers for each.
"""

import csv
from collections.abc import Sequence

import numpy as np

from protogcn.data.readers.malformed import MalformedError, show

_MAX_FRAMES = 100_000  # an hour
_MAX_PERSONS = 100
_KEYS = ("frame", "person")
_AXES = {False: ("x", "y", "z"), True: ("x", "y", "score")}  # of 3-D and of 2-D poses


def parse_clip_csv(
    text: str, file: str, joints: Sequence[str], *, in_image: bool = False
) -> np.ndarray:
    """Return (M, T, V, 3) float64.

    Without a header each line is a frame of one person: x, y, z of the first joint, then of the
    second, and so on. With one, its columns are ``{joint}_x``, ``{joint}_y``, ``{joint}_z`` for
    each joint in any order (others are not read); with the columns ``frame`` and ``person`` a line
    is one person in one frame, and a person without a line in a frame is absent. In an image the
    third number, and its column, is ``score``.

    Args:
        text: the whole file.
        file: its name, for messages.
        joints: the names of the V joints.
        in_image: 2-D poses.

    Raises:
        MalformedError: a column is missing, a line is too short or too long, a value is no number,
            or a person appears twice in a frame.
    """
    lines = _lines(text, file)
    wanted = [f"{joint}_{axis}" for joint in joints for axis in _AXES[in_image]]
    if all(_is_number(field) for field in lines[0][1]):
        names, rows = wanted, lines
    else:
        names, rows = [name.strip() for name in lines[0][1]], lines[1:]
        _check_header(names, wanted, file, lines[0][0])
    if not rows:
        raise MalformedError(file, "the file", "a header alone", "a line for each frame")
    has_persons = "person" in names
    numbers = _numbers(rows, names, [*wanted, *(_KEYS if has_persons else ())], file)
    frames = numbers[:, : len(wanted)].reshape(len(rows), len(joints), 3)  # (T, V, 3)
    if not has_persons:
        return frames[None]
    return _by_person(frames, numbers[:, -len(_KEYS) :], [line for line, _ in rows], file)


def _lines(text: str, file: str) -> list[tuple[int, list[str]]]:
    """Return number and fields of every line that is not empty."""
    reader = csv.reader(text.splitlines())
    try:
        lines = [(reader.line_num, fields) for fields in reader if fields]
    except csv.Error as error:
        line = f"line {reader.line_num}"
        raise MalformedError(file, line, str(error), "numbers between commas") from error
    if not lines:
        raise MalformedError(file, "the file", "no line", "a line for each frame")
    return lines


def _check_header(names: Sequence[str], wanted: Sequence[str], file: str, line: int) -> None:
    place, known = f"line {line}", set(names)
    if any(";" in name for name in names):
        raise MalformedError(file, place, "semicolons between the values", "commas")
    if len(known) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise MalformedError(file, place, f"the column {show(twice)} twice", "each once")
    if missing := [name for name in wanted if name not in known]:
        found = f"no column {', '.join(missing[:6])}{' and more' if len(missing) > 6 else ''}"
        expected = f"{len(wanted)} columns such as {wanted[0]}, or a file without a header"
        raise MalformedError(file, place, found, expected)
    if len(alone := known & set(_KEYS)) == 1:
        raise MalformedError(file, place, f"{alone.pop()} alone", "frame and person, or neither")


def _numbers(
    rows: Sequence[tuple[int, list[str]]], names: Sequence[str], wanted: Sequence[str], file: str
) -> np.ndarray:
    """Return the wanted columns of every row."""
    places = [(name, names.index(name)) for name in wanted]
    numbers = np.empty((len(rows), len(wanted)))
    for row, (line, fields) in enumerate(rows):
        if len(fields) != len(names):
            raise MalformedError(file, f"line {line}", f"{len(fields)} values", f"{len(names)}")
        for column, (name, place) in enumerate(places):
            if not _is_number(fields[place]):
                expected = "a number; a missing joint is all zero"
                raise MalformedError(file, f"line {line}, {name}", show(fields[place]), expected)
            numbers[row, column] = float(fields[place])
    return numbers


def _by_person(values: np.ndarray, keys: np.ndarray, lines: Sequence[int], file: str) -> np.ndarray:
    """Put each line's joints (V, 3) to its frame and person; persons in order of appearance."""
    if not (np.abs(keys) < 2**53).all() or (keys != np.round(keys)).any():
        raise MalformedError(file, "frame and person", "no whole number", "whole numbers")
    frames = (keys[:, 0] - keys[:, 0].min()).astype(np.int64)
    slot_of = {person: slot for slot, person in enumerate(dict.fromkeys(keys[:, 1].tolist()))}
    if frames.max() >= _MAX_FRAMES or len(slot_of) > _MAX_PERSONS:
        found = f"{frames.max() + 1} frames, {len(slot_of)} persons"
        raise MalformedError(file, "the file", found, f"at most {_MAX_FRAMES} and {_MAX_PERSONS}")
    keypoints = np.zeros((len(slot_of), frames.max() + 1, *values.shape[1:]))
    seen = set()
    for line, frame, person, joints in zip(lines, frames, keys[:, 1].tolist(), values, strict=True):
        if (frame, person) in seen:
            found = f"person {person:g} again in its frame"
            raise MalformedError(file, f"line {line}", found, "each person once in a frame")
        seen.add((frame, person))
        keypoints[slot_of[person], frame] = joints
    return keypoints


def _is_number(field: str) -> bool:
    try:
        float(field)
    except ValueError:
        return False
    return "_" not in field  # float() reads 1_0 as 10
