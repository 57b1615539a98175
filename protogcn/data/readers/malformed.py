"""What is wrong in a raw file, where, and what its format promises."""

import stat
from pathlib import Path

import numpy as np


class MalformedError(Exception):
    """One raw file, or one sample of it, is not what its format promises.

    Attributes:
        file: name of the file.
        place: where in it: a line, or a sample and its field.
        found: what is there.
        expected: what the format promises.
    """

    def __init__(self, file: str, place: str, found: str, expected: str):
        super().__init__(file, place, found, expected)
        self.file = file
        self.place = place
        self.found = found
        self.expected = expected

    def __str__(self) -> str:
        return f"{self.file}, {self.place}: found {self.found}, expected {self.expected}"


def check_regular_file(path: Path, max_bytes: int) -> None:
    """Raise MalformedError unless a file is a regular one of at most some bytes."""
    try:
        status = path.stat()
    except OSError as error:
        found = error.strerror or str(error)
        raise MalformedError(path.name, "the file", found, "a readable file") from error
    if not stat.S_ISREG(status.st_mode):  # opening a pipe would wait for ever
        raise MalformedError(path.name, "the file", "a folder, pipe or device", "a file")
    if status.st_size > max_bytes:
        found = f"{status.st_size} bytes"
        raise MalformedError(path.name, "the file", found, f"at most {max_bytes}")


def show(value: object) -> str:
    """Return a short printable form of a value from a file of unknown origin."""
    if isinstance(value, np.number | np.bool_):
        value = value.item()
    if isinstance(value, bytes):
        text = repr(value[:40])[1:]
        return f"{text}..." if len(value) > 40 else text
    if isinstance(value, str):
        text = ascii(str(value[:40]))
        return f"{text}..." if len(value) > 40 else text
    if value is None or isinstance(value, bool | float):
        return repr(value)
    if isinstance(value, int):
        return str(value) if value.bit_length() <= 64 else f"a {value.bit_length()}-bit integer"
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape}"
    # What stands in for a class of a pickle has a name of its own.
    return f"a {getattr(value, 'shown_as', type(value).__name__.lstrip('_'))}"
