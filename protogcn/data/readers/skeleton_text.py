"""The text of a regular ``.skeleton`` file -> the bodies in it, without a Python loop per joint.

Regular is what NTU's own files are: single spaces between the numbers of a line, and nothing else.
"""

import re

import numpy as np

NUM_JOINTS = 25
NUMBERS_PER_JOINT = 12
MAX_COUNT = 100_000  # frames of a clip, an hour of them; bodies or joints in a frame
MAX_METRES = 65504.0  # the largest float16
BODY_ID = re.compile(rb"-?[0-9]{1,20}")
_SPACE, _NEWLINE, _RETURN, _DOT, _MINUS, _ZERO, _UNDERSCORE, _DELETE = b" \n\r.-0_\x7f"
_LONGEST_LINE = 900  # bytes
_LONGEST_NUMBER = 16  # characters; its digits are exact in float64, and so is its quotient
_POWERS_OF_TEN = 10.0 ** np.arange(_LONGEST_NUMBER)


def regular_bodies(data: bytes) -> list[tuple[int, np.ndarray]] | None:
    """Return the start and the joints of every body in the order they are first seen.

    See ``Body`` for both. None means that the text is not regular, or not well-formed: another
    parser has to say which. What is returned is what that parser would return, bit for bit.
    """
    data = data.rstrip(b" \r\n") + b"\n"
    text = np.frombuffer(data, np.uint8)
    separators = text == _SPACE
    separators |= text == _NEWLINE
    if 4 * np.count_nonzero(separators) > len(text):  # numbers so short are no measurements
        return None
    ends = np.flatnonzero(separators)  # of all fields
    last = np.flatnonzero(text[ends] == _NEWLINE)  # the last field of each line
    line_ends = ends[last]
    if ends[0] == 0 or (separators[1:] & separators[:-1]).any() or not _is_plain(text, line_ends):
        return None
    fields = np.diff(last, prepend=-1)  # of each line
    first = last - fields + 1
    line_starts = np.concatenate([[0], line_ends[:-1] + 1])
    walked = _walk(data, line_starts.tolist(), ends[first].tolist(), (fields == 1).tolist())
    if walked is None or not walked[0]:
        return None
    starts_of, lines_of = walked
    lines = np.concatenate([np.array(lines) for lines in lines_of.values()])  # (body frames,)
    lines = (lines[:, None] + np.arange(NUM_JOINTS)).ravel()
    if (fields[lines] != NUMBERS_PER_JOINT).any():
        return None
    positions = (first[lines] + np.arange(3)[:, None]).ravel()  # the fields x, y and z
    numbers = _numbers(text, ends[positions - 1] + 1, ends[positions])
    if numbers is None or not (np.abs(numbers) <= MAX_METRES).all():
        return None
    joints = numbers.astype(np.float32).reshape(3, -1, NUM_JOINTS).transpose(1, 2, 0)
    counts = np.cumsum([len(lines) for lines in lines_of.values()])
    parts = np.split(np.ascontiguousarray(joints), counts[:-1])
    return list(zip(starts_of.values(), parts, strict=True))


def _is_plain(text: np.ndarray, line_ends: np.ndarray) -> bool:
    """Return whether all bytes are printable ASCII, and lines short with LF or CRLF behind them."""
    returns = text[line_ends - 1] == _RETURN
    return (
        text.max() < _DELETE
        and not (text == _UNDERSCORE).any()  # float() and int() read 1_0 as 10
        and np.count_nonzero(text < _SPACE) == len(line_ends) + np.count_nonzero(returns)
        and not (returns & (text[line_ends - 2] == _SPACE)).any()
        and np.diff(line_ends, prepend=-1).max() <= _LONGEST_LINE
    )


def _walk(
    data: bytes, starts: list[int], ends: list[int], single: list[bool]
) -> tuple[dict[int, int], dict[int, list[int]]] | None:
    """Follow the counts through the lines.

    Args:
        data: the text.
        starts: for each line where its first field starts.
        ends: where that ends.
        single: whether it is the only one.

    Returns:
        For each body id the clock when it is first seen, and the lines of the first joints of all
        its frames; or None.
    """
    line = clock = 0
    starts_of: dict[int, int] = {}
    lines_of: dict[int, list[int]] = {}

    def next_count() -> int | None:
        nonlocal line
        field = data[starts[line] : ends[line]].rstrip(b"\r")
        if not (single[line] and field.isdigit() and len(field) <= 6 and int(field) <= MAX_COUNT):
            return None
        line += 1
        return int(field)

    try:
        num_frames = next_count()
        if num_frames is None:
            return None
        for _ in range(num_frames):
            num_bodies = next_count()
            if num_bodies is None:
                return None
            for _ in range(num_bodies):
                body_id = data[starts[line] : ends[line]]
                line += 1
                if not BODY_ID.fullmatch(body_id) or next_count() != NUM_JOINTS:
                    return None
                starts_of.setdefault(int(body_id), clock)
                lines_of.setdefault(int(body_id), []).append(line)
                line += NUM_JOINTS
            clock += num_bodies > 0
    except IndexError:  # cut short
        return None
    return (starts_of, lines_of) if line == len(starts) else None


def _numbers(text: np.ndarray, starts: np.ndarray, ends: np.ndarray) -> np.ndarray | None:
    """Return the float64 numbers that stand at some places of the text, as ``float`` reads them.

    A number of few digits is the whole number without its dot, divided by a power of ten: both
    exact, so that the quotient is rounded once. All other ones are left to ``float``.
    """
    lengths = ends - starts
    width = min(int(lengths.max()), _LONGEST_NUMBER)
    places = np.arange(width)[:, None]
    # Characters in columns, aligned right; what is left of a number is not inside it.
    windows = np.ndarray((len(text) - width + 1,), f"V{width}", text, strides=(1,))
    rows = windows[(ends - width).clip(min=0)].view(np.uint8).reshape(-1, width)
    characters = np.ascontiguousarray(rows.T)  # (width, numbers)
    inside = width - places <= lengths
    digits = characters - np.uint8(_ZERO)  # wraps for what is below
    is_digit = (digits < 10) & inside
    is_dot = (characters == _DOT) & inside
    is_negative = text[starts] == _MINUS
    whole = np.zeros(len(starts))
    for row in digits * is_digit:
        whole *= 10
        whole += row
    dots = is_dot.sum(axis=0, dtype=np.uint8)
    behind_dot = (is_dot * (width - 1 - places).astype(np.uint8)).sum(axis=0, dtype=np.uint8)
    # The dot took a place: what stands before it is ten times too large.
    power = _POWERS_OF_TEN[behind_dot.clip(max=width - 1)]
    before_dot = np.floor(whole / (10 * power))
    numbers = np.where(dots == 1, whole - 9 * before_dot * power, whole) / power
    np.negative(numbers, out=numbers, where=is_negative)
    num_digits = is_digit.sum(axis=0, dtype=np.uint8)
    plain = num_digits + dots + is_negative == lengths
    plain &= (dots <= 1) & (num_digits >= 1) & (num_digits <= _LONGEST_NUMBER - 2)
    try:
        for place in np.flatnonzero(~plain):
            numbers[place] = float(text[starts[place] : ends[place]].tobytes())
    except ValueError:
        return None
    return numbers
