"""Faults of raw files -> one sentence each, and one ContractError for all of them."""

import stat
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from protogcn.errors import ConfigError, ContractError

SHOWN = 10


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


def report_malformed(
    where: str,
    kind: str,
    faults: Sequence[MalformedError],
    total: int,
    *,
    shown: int | None = SHOWN,
) -> None:
    """Raise for the faults of a whole data set; return if there is none.

    Args:
        where: the folder or file that was read.
        kind: what the faults are counted in, plural: ``files`` or ``samples``.
        faults: at least the first of them that are shown, in reading order.
        total: how many there are.
        shown: how many the message names, None for all.

    Raises:
        ContractError: there is a fault; names the total and the first ones.
    """
    if not total:
        return
    lines = "".join(f"\n  {fault}" for fault in faults[:shown])
    first = f"; the first {shown}" if shown is not None and total > shown else ""
    raise ContractError(f"{where}: {total} malformed {kind}{first}:{lines}")


def results_of(*checks: Callable[[], Any]) -> list[Any]:
    """Return what checks return that do not depend on one another.

    Raises:
        ConfigError, ContractError: for all that fail, together; the kind is that of the first.
    """
    results, faults = [], []
    for check in checks:
        try:
            results.append(check())
        except (ConfigError, ContractError) as fault:
            faults.append(fault)
    if faults:
        raise type(faults[0])("\n".join(map(str, faults)))
    return results


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
