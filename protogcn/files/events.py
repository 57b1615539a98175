"""Rows of a history -> an event file that TensorBoard shows, beside ``history.csv``.

A row is one event, its step the epoch and its tags the columns. Source of the format: TFRecord
framing (length and CRC-32C) around protocol buffers of event.proto and summary.proto. Written here
and not by the library, whose writer is a thread that may fail anywhere, and loads TensorFlow where
that is installed: what is written here fails with an OSError or not at all.
"""

import struct
import sys
import time
from collections.abc import Iterable, Mapping
from importlib.util import find_spec
from pathlib import Path
from socket import gethostname

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5  # wire types of protocol buffers
_VERSION = "brain.Event:2"
_POLYNOMIAL = 0x82F63B78  # of CRC-32C, bits reversed
_LARGEST = 3e38  # that a number of four bytes holds
_START = 1  # SessionLog.START: what earlier files have from this step on is replaced


class EventFile:
    """The event file of one training from its start, or from where it resumes."""

    def __init__(self, folder: Path, history: Iterable[Mapping[str, float]]):
        """Write the epochs done; they replace those of earlier files, so that none is shown twice.

        Without TensorBoard nothing is ever written.
        """
        name = f"events.out.tfevents.{time.time():.6f}.{gethostname()}"
        self._path = folder / name if _is_installed() else None
        start = _event(_number(2, 1), _message(7, _number(1, _START)))
        self._append([_event(_text(3, _VERSION)), start, *map(_event_of, history)])

    def add(self, row: Mapping[str, float]) -> None:
        """Append an epoch; the first failure is reported, and ends the file alone."""
        self._append([_event_of(row)])

    def _append(self, events: Iterable[bytes]) -> None:
        if self._path is None:
            return
        try:
            with self._path.open("ab") as file:
                file.write(b"".join(map(_record, events)))
        except OSError as error:
            print(
                f"Warning: {self._path}: could not be written ({error.strerror or error}); the"
                " training goes on without TensorBoard's curves.",
                file=sys.stderr,
            )
            self._path = None


def _is_installed() -> bool:
    try:
        return find_spec("tensorboard") is not None
    except ValueError:  # a module without a file, put there by a program
        return True


def _event_of(row: Mapping[str, float]) -> bytes:
    values = [
        _message(1, _text(1, tag), _field(2, _FIXED32, struct.pack("<f", min(value, _LARGEST))))
        for tag, value in row.items()
        if tag != "epoch"
    ]
    return _event(_number(2, int(row["epoch"])), _message(5, *values))


def _record(data: bytes) -> bytes:
    length = struct.pack("<Q", len(data))
    return length + _masked_checksum(length) + data + _masked_checksum(data)


def _masked_checksum(data: bytes) -> bytes:
    checksum = 0xFFFFFFFF
    for byte in data:
        checksum ^= byte
        for _ in range(8):
            checksum = checksum >> 1 ^ _POLYNOMIAL * (checksum & 1)
    checksum ^= 0xFFFFFFFF
    rotated = checksum >> 15 | checksum << 17
    return struct.pack("<I", (rotated + 0xA282EAD8) & 0xFFFFFFFF)


def _event(*fields: bytes) -> bytes:
    return b"".join([_field(1, _FIXED64, struct.pack("<d", time.time())), *fields])


def _message(number: int, *fields: bytes) -> bytes:
    content = b"".join(fields)
    return _field(number, _BYTES, _varint(len(content)) + content)


def _text(number: int, text: str) -> bytes:
    return _message(number, text.encode())


def _number(number: int, value: int) -> bytes:
    return _field(number, _VARINT, _varint(value))


def _field(number: int, wire_type: int, content: bytes) -> bytes:
    return _varint(number << 3 | wire_type) + content


def _varint(value: int) -> bytes:
    parts = []
    while value > 0x7F:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*parts, value])
