"""One raw NTU ``.skeleton`` text file -> the tracked bodies in it.

Shapes: T frames, 25 joints, 3 coordinates in metres.
Source: the text format of NTU RGB+D (Shahroudy et al. 2016), as the released preparation reads it.
"""

import re
from array import array
from dataclasses import dataclass
from io import BytesIO
from itertools import islice
from pathlib import Path

import numpy as np

from protogcn.data.readers.malformed import MalformedError, check_regular_file, show

NUM_JOINTS = 25
MAX_BYTES = 16 * 2**20  # a real file of 300 frames with six bodies has 7 MB
_MAX_LINE = 1000  # bytes
_MAX_COUNT = 100_000  # frames of a clip, an hour of them; bodies or joints in a frame
_MAX_METRES = 65504.0  # the largest float16
_NUMBERS_PER_JOINT = 12
_BODY_ID = re.compile(rb"-?[0-9]{1,20}")
_TEXT = bytes({*b"\t\r\n", *range(32, 127)} - {ord("_")})  # float() and int() read 1_0 as 10
_FOREIGN = {
    b"\xff\xfe": "UTF-16 text",
    b"\xfe\xff": "UTF-16 text",
    b"\xef\xbb\xbf": "a UTF-8 byte-order mark",
}


@dataclass(frozen=True)
class TrackedBody:
    """One tracked body.

    Attributes:
        start: number of the frame it is first seen in, not counting frames without any body.
        joints: positions in metres, (T, 25, 3) float32; frames it is not seen in are left out.
    """

    start: int
    joints: np.ndarray


def read_skeleton_file(path: Path) -> list[TrackedBody]:
    """Read one file; see ``parse_skeleton``.

    Raises:
        MalformedError: not a regular file, unreadable, larger than 16 MiB, or malformed.
    """
    check_regular_file(path, MAX_BYTES)
    try:
        data = path.read_bytes()
    except OSError as error:
        found = error.strerror or str(error)
        raise MalformedError(path.name, "the file", found, "a readable file") from error
    return parse_skeleton(data, path.name)


def parse_skeleton(data: bytes, file: str) -> list[TrackedBody]:
    """Return the bodies of one file's text in the order they are first seen; maybe none.

    Args:
        data: the whole text; lines end with LF or CRLF.
        file: its name, for messages.

    Raises:
        MalformedError: the text is cut short, continues after the announced frames, has another
            number of joints or numbers, or a position that is no finite float16.
    """
    _check_bytes(data, file)
    lines = _Lines(data, file)
    starts: dict[int, int] = {}
    rows: dict[int, array] = {}  # per body x, y, z of all its joints and frames, end to end
    clock = 0
    num_frames = lines.next_count("the number of frames")
    for frame in range(num_frames):
        num_bodies = lines.next_count(f"the body count of frame {frame + 1} of {num_frames}")
        for _ in range(num_bodies):
            body_id = lines.next_body_id()
            starts.setdefault(body_id, clock)
            lines.read_joints_into(rows.setdefault(body_id, array("d")))
        clock += num_bodies > 0
    lines.check_end()
    return [
        TrackedBody(
            start=starts[body_id],
            joints=np.frombuffer(numbers).astype(np.float32).reshape(-1, NUM_JOINTS, 3),
        )
        for body_id, numbers in rows.items()
    ]


class _Lines:
    """The lines of one file, read once from the top."""

    def __init__(self, data: bytes, file: str):
        self._lines = BytesIO(data.rstrip())
        self._file = file
        self._number = 0

    def next_count(self, meaning: str) -> int:
        line = self._next(meaning)
        count = line.strip()
        if not count.isdigit() or len(count) > 10 or int(count) > _MAX_COUNT:
            raise self._malformed(show(count), f"{meaning}, a whole number up to {_MAX_COUNT}")
        return int(count)

    def next_body_id(self) -> int:
        fields = self._next("a body's info line").split(None, 1)
        if not fields or not _BODY_ID.fullmatch(fields[0]):
            found = show(fields[0]) if fields else "an empty line"
            raise self._malformed(found, "a body id, a 64-bit whole number")
        return int(fields[0])

    def read_joints_into(self, numbers: array) -> None:
        """Append the x, y, z of one body in one frame."""
        num_joints = self.next_count("the joint count")
        if num_joints != NUM_JOINTS:
            raise self._malformed(f"{num_joints} joints", f"{NUM_JOINTS}")
        end = self._number + NUM_JOINTS
        for line in islice(self._lines, NUM_JOINTS):
            self._number += 1
            fields = line.split(None, _NUMBERS_PER_JOINT)
            if len(fields) != _NUMBERS_PER_JOINT or len(line) > _MAX_LINE:
                raise self._malformed(_amount(line, fields), f"{_NUMBERS_PER_JOINT} for a joint")
            # The other nine are not read: real files have NaN there.
            try:
                x, y, z = float(fields[0]), float(fields[1]), float(fields[2])
            except ValueError:
                raise self._malformed(show(b" ".join(fields[:3])), "x, y and z in metres") from None
            if not (abs(x) <= _MAX_METRES and abs(y) <= _MAX_METRES and abs(z) <= _MAX_METRES):
                raise self._malformed(
                    show(b" ".join(fields[:3])), "finite x, y and z of at most 65504 metres"
                )
            numbers.extend((x, y, z))
        if self._number < end:
            self._next(f"joint {NUM_JOINTS - end + self._number + 1} of {NUM_JOINTS}")

    def check_end(self) -> None:
        """Raise unless no line is left."""
        if line := self._lines.readline(_MAX_LINE):
            self._number += 1
            raise self._malformed(show(line.strip()), "the end after the last announced frame")

    def _next(self, meaning: str) -> bytes:
        self._number += 1
        line = self._lines.readline(_MAX_LINE)
        if not line:
            raise self._malformed("the end of the file", meaning)
        if len(line) == _MAX_LINE:
            raise self._malformed(f"a line of {_MAX_LINE} bytes or more", meaning)
        return line

    def _malformed(self, found: str, expected: str) -> MalformedError:
        return MalformedError(self._file, f"line {self._number}", found, expected)


def _amount(line: bytes, fields: list[bytes]) -> str:
    if len(line) > _MAX_LINE:
        return f"a line of {len(line)} bytes"
    more = "more than " if len(fields) > _NUMBERS_PER_JOINT else ""
    return f"{more}{min(len(fields), _NUMBERS_PER_JOINT)} numbers"


def _check_bytes(data: bytes, file: str) -> None:
    """Raise unless every byte belongs to plain text."""
    for start, name in _FOREIGN.items():
        if data.startswith(start):
            raise MalformedError(file, "line 1", name, "plain ASCII text")
    if odd := data.translate(None, _TEXT):
        line = data.count(b"\n", 0, data.index(odd[:1])) + 1
        raise MalformedError(file, f"line {line}", f"the byte 0x{odd[0]:02x}", "ASCII numbers")
