"""The text of a clip's csv file -> its keypoints.

Shapes: M persons, T frames, V joints, C numbers for each.
"""

import csv
from collections.abc import Sequence

import numpy as np

from protogcn.data.readers.clip_columns import Columns, columns_of, joint_number
from protogcn.data.readers.malformed import show
from protogcn.data.readers.person_slots import check_frames, check_places, slots_of_ids
from protogcn.data.readers.values import Origin

_Lines = list[tuple[int, list[str]]]  # number and fields


def parse_clip_csv(
    text: str, origin: Origin, joints: Sequence[str], *, in_image: bool = False
) -> np.ndarray:
    """Return (M, T, V, C) float64 as ``read_positions`` takes it.

    Without a header each line is a frame of one person: x, y, z of the first joint, then of the
    second, and so on; in an image x, y and a score. For headers see ``columns_of``: the order of
    columns is free, and others are not read. With columns of a frame and a person a line is one
    person in one frame; a person without a line in a frame is absent. What has no value is not
    seen. Between values are commas, semicolons (then numbers may have a decimal comma), tabs or
    blanks.

    Args:
        text: the whole file.
        origin: names the file in a fault, and takes notes.
        joints: the names of the V joints.
        in_image: 2-D poses.

    Raises:
        MalformedError: a column is missing, a line is too short or too long, a value is no number,
            or a person appears twice in a frame.
    """
    lines = _lines(text, origin)
    if all(_is_number(field) for field in lines[0][1] if field.strip()):
        return _without_header(lines, joints, in_image, origin)
    (line, header), rows = lines[0], lines[1:]
    columns = columns_of(header, joints, origin, f"line {line}", in_image=in_image)
    if not rows:
        raise origin.fault("the file", "a header alone", "a line for each frame")
    if in_image and len(columns.places[0]) == 2:
        origin.note("no column of scores; 1 for every joint that is not at (0, 0)")
    values = _numbers(rows, header, columns.places, origin)  # (lines, V or 1, C)
    return (
        values[None] if columns.frame is None else _arranged(values, rows, columns, joints, origin)
    )


def _lines(text: str, origin: Origin) -> _Lines:
    """Return number and fields of every line that is not empty."""
    rows = text.splitlines()
    first = next((row for row in rows if row.strip()), "")
    separators = [separator for separator in ";\t" if separator in first]
    if not separators and "," not in first:
        lines = [(number, row.split()) for number, row in enumerate(rows, start=1)]
        lines = [(number, fields) for number, fields in lines if fields]
    else:
        reader = csv.reader(rows, delimiter=separators[0] if separators else ",")
        try:
            lines = [(reader.line_num, row) for row in reader if any(map(str.strip, row))]
        except csv.Error as error:
            expected = "numbers between commas"
            raise origin.fault(f"line {reader.line_num}", str(error), expected) from error
    if not lines:
        raise origin.fault("the file", "no line", "a line for each frame")
    if separators and any("," in field for _, row in lines[1:2] for field in row):
        origin.note("numbers have a decimal comma; read as a point")
        lines = [(number, [field.replace(",", ".") for field in row]) for number, row in lines]
    return lines


def _without_header(
    lines: _Lines, joints: Sequence[str], in_image: bool, origin: Origin
) -> np.ndarray:
    """Return (1, T, V, C): as many numbers of each joint as the lines have."""
    length, num_joints = len(lines[0][1]), len(joints)
    each, rest = divmod(length, num_joints)
    meaning = "x, y and a score" if in_image else "x, y, z"
    if rest or each not in ((2, 3, 4) if in_image else (3, 4)):
        found = f"{length} values" if rest else f"{each} values for each of {num_joints} joints"
        expected = f"3 for each of {num_joints} joints: {meaning}"
        hint = "; a column of frames or persons needs a header" if 1 <= rest <= 2 else ""
        raise origin.fault(f"line {lines[0][0]}", found, expected + hint)
    places = [[joint * each + at for at in range(each)] for joint in range(num_joints)]
    axes = ("x", "y", "z", "visibility") if each == 4 or not in_image else ("x", "y", "score")
    names = [f"{joint}_{axis}" for joint in joints for axis in axes[:each]]
    values = _numbers(lines, names, places, origin)  # (T, V, C)
    if each == 4 and not ((values[..., 3] >= 0) & (values[..., 3] <= 1)).all():
        found = f"4 values for each of {num_joints} joints"
        raise origin.fault(f"line {lines[0][0]}", found, f"3: {meaning}; remove what follows")
    return values[None]


def _numbers(
    rows: _Lines, names: Sequence[str], places: Sequence[Sequence[int]], origin: Origin
) -> np.ndarray:
    """Return (lines, joints, C) of the columns at ``places``; a joint without values is zero."""
    wanted = [place for found in places for place in found]
    values = np.zeros((len(rows), len(wanted)))
    for row, (line, fields) in enumerate(rows):
        if len(fields) != len(names):
            raise origin.fault(f"line {line}", f"{len(fields)} values", f"{len(names)}")
        try:
            values[row] = [float(fields[place]) for place in wanted]
            joined = "".join(fields)
            has_marks = "_" in joined or not joined.isascii()  # see _is_number
        except ValueError:
            has_marks = True
        if has_marks:
            values[row] = _one_by_one(fields, f"line {line}", names, places, origin)
    return values.reshape(len(rows), len(places), -1)


def _one_by_one(
    fields: Sequence[str],
    line: str,
    names: Sequence[str],
    places: Sequence[Sequence[int]],
    origin: Origin,
) -> list[float]:
    """Return the wanted numbers of a line in which something else may stand."""
    numbers: list[float] = []
    for found in places:
        if not any(fields[place].strip() for place in found):
            origin.note("joints without values are not seen; read as zero")
            numbers += [0.0] * len(found)
            continue
        for place in found:
            if not _is_number(fields[place]):
                expected = "a number; a missing joint is all zero or empty"
                where = f"{line}, {names[place].strip()}"
                raise origin.fault(where, show(fields[place].strip()), expected)
            numbers.append(float(fields[place]))
    return numbers


def _arranged(
    values: np.ndarray, rows: _Lines, columns: Columns, joints: Sequence[str], origin: Origin
) -> np.ndarray:
    """Put each line's joints (V, C), or its one, to its frame and person."""
    frames = [_whole(fields[columns.frame], line, "frame", origin) for line, fields in rows]
    first = min(frames)
    check_frames(first, max(frames), len(rows), origin)
    ids = ["0"] * len(rows)
    slots = [0] * len(rows)
    if columns.person is not None:
        ids = [fields[columns.person].strip() for _, fields in rows]
        slots = slots_of_ids(ids, frames, origin)
    at = [0] * len(rows)
    if columns.joint is not None:
        at = _joints_of_lines(rows, columns.joint, joints, origin)
    check_places((max(slots) + 1) * (max(frames) - first + 1), len(rows), origin)
    shape = (max(slots) + 1, max(frames) - first + 1, len(joints), values.shape[-1])
    keypoints = np.zeros(shape)
    seen = set()
    for (line, _), slot, frame, joint, row in zip(rows, slots, frames, at, values, strict=True):
        key = (slot, frame, joint)
        if key in seen:
            who = "" if columns.person is None else f", person {ids[len(seen)]}"
            which = "" if columns.joint is None else f", joint {joint}"
            found = f"frame {frame}{who}{which} again"
            expected = "each once; persons need a column person" if not who else "each once"
            raise origin.fault(f"line {line}", found, expected)
        seen.add(key)
        if columns.joint is None:
            keypoints[slot, frame - first] = row
        else:
            keypoints[slot, frame - first, joint] = row[0]
    return keypoints


def _joints_of_lines(rows: _Lines, column: int, joints: Sequence[str], origin: Origin) -> list[int]:
    """Return the number of each line's joint, from 0."""
    numbers = []
    for line, fields in rows:
        number = joint_number(fields[column], joints)
        if number is None:
            raise origin.fault(f"line {line}", f"joint {show(fields[column])}", "one of the layout")
        numbers.append(number)
    first, last = min(numbers), max(numbers)
    if first == 1 and last == len(joints):
        origin.note("joints are numbered from 1; read in order")
        return [number - 1 for number in numbers]
    has_numbers = rows[0][1][column].strip()[:1].isdigit()
    if last >= len(joints) or (has_numbers and last < len(joints) - 1):
        expected = f"0 to {len(joints) - 1}, those of the layout"
        raise origin.fault("the file", f"joints {first} to {last}", expected)
    return numbers


def _whole(field: str, line: int, name: str, origin: Origin) -> int:
    number = float(field) if _is_number(field) else np.nan
    if not (abs(number) < 2**53 and number == round(number)):
        expected = "a whole number, 0, 1, 2, ..., not a time"
        raise origin.fault(f"line {line}, {name}", show(field.strip()), expected)
    return int(number)


def _is_number(field: str) -> bool:
    try:
        float(field)
    except ValueError:
        return False
    return "_" not in field and field.isascii()  # float() reads 1_0 as 10, and all scripts' digits
