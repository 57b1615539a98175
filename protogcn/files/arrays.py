"""Arrays on disk: ``.npy`` files that grow frame by frame and carry their own digest.

numpy checks nothing when it maps a ``.npy`` file. Ours have a trailer after the array, which
numpy ignores: a JSON object (``sha256`` of the array's bytes, digests of the inputs, commit), its
length, and a magic word.
"""

import hashlib
import json
import math
import struct
from collections.abc import Iterator, Mapping
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.lib import format as npy

from protogcn.errors import ContractError
from protogcn.files.contracts import digest_of_stream, reading, writing
from protogcn.files.provenance import commit

ROWS_AT_ONCE = 4096  # frames of two persons with 25 joints are 2.5 MB: still in the cache
_MAGIC = b"PGCNSHA1"
_FOOT = struct.Struct("<Q8s")  # length of the JSON, magic
_LONGEST_TRAILER = 1 << 20


class ArrayWriter:
    """Writes an array of unknown length, rows of one shape at a time.

    Attributes:
        num_rows: how many are written so far.
    """

    def __init__(self, file: BinaryIO, row_shape: tuple[int, ...], threads: Executor | None = None):
        self._file = file
        self._row_shape = row_shape
        self._threads = threads
        self._waiting: list[np.ndarray] = []
        self._under_way: Future[None] | None = None
        self._digest = hashlib.sha256()
        self.num_rows = 0
        self._write_header()
        self._start = file.tell()

    def append(self, rows: np.ndarray) -> None:
        """Add rows (n, *row_shape), stored as float32; the caller leaves them unchanged."""
        if rows.shape[1:] != self._row_shape:
            raise ContractError(f"rows of shape {rows.shape[1:]}, expected {self._row_shape}.")
        if sum(map(len, self._waiting)) + len(rows) > ROWS_AT_ONCE:
            self._write_waiting()
        self._waiting.append(rows)

    def flush(self) -> None:
        """Write all rows that were added so far, and wait for it."""
        self._write_waiting()
        if self._under_way is not None:
            self._under_way.result()

    def _write_waiting(self) -> None:
        """Write what was added; in a thread, once the one before it has ended."""
        parts, self._waiting = self._waiting, []
        if self._under_way is not None:
            self._under_way.result()
        if self._threads is None:
            self._write(parts)
        else:
            self._under_way = self._threads.submit(self._write, parts)

    def _write(self, parts: list[np.ndarray]) -> None:
        for rows in parts:
            block = np.ascontiguousarray(rows, dtype="<f4").data.cast("B")
            self._file.write(block)
            self._digest.update(block)
            self.num_rows += len(rows)

    def finish(self, inputs: Mapping[str, str]) -> None:
        """Write the trailer after the rows and the final length into the header.

        ``inputs`` says what the rows are and the digests of what they were made from.
        """
        self.flush()
        digest = self._digest.hexdigest()
        trailer = {"format": 1, "sha256": digest, "inputs": dict(inputs), "commit": commit()}
        text = json.dumps(trailer, sort_keys=True).encode()
        self._file.write(text + _FOOT.pack(len(text), _MAGIC))
        self._file.seek(0)
        self._write_header()
        if self._file.tell() != self._start:
            raise AssertionError("numpy's header did not keep its length")
        self._file.seek(0, 2)

    def _write_header(self) -> None:
        # numpy pads the header for a first axis of up to 21 digits, so it never changes its length.
        npy.write_array_header_1_0(
            self._file,
            {"descr": "<f4", "fortran_order": False, "shape": (self.num_rows, *self._row_shape)},
        )


@contextmanager
def writing_array(
    path: Path,
    row_shape: tuple[int, ...],
    num_rows: int | None = None,
    *,
    threads: Executor | None = None,
) -> Iterator[ArrayWriter]:
    """Open an array file that appears under its name only when it is whole.

    The caller ends with ``finish``; without it the file is refused by ``open_array``.

    Args:
        path: the file.
        row_shape: the shape after the first axis.
        num_rows: how many there will be, if that is known: a full disk is then reported with it.
        threads: hash and write in one of them while the caller makes the next rows; by default
            in the caller's. They change no byte of the file.
    """
    with writing(path, needed=num_rows and 4 * num_rows * math.prod(row_shape)) as file:
        yield ArrayWriter(file, row_shape, threads)


def open_array(path: Path) -> tuple[np.ndarray, dict]:
    """Check an array's digest and map it into memory; writing to it never reaches the file.

    Returns:
        The array (rows, ...) as float32, and its trailer.

    Raises:
        ContractError: missing, truncated, changed since it was written, or not one of ours.
    """
    with reading(path, "an array file with its digest"):
        array = np.load(path, mmap_mode="c", allow_pickle=False)
        with path.open("rb") as file:
            trailer = _read_trailer(path, file)
            file.seek(array.offset)
            found = digest_of_stream(file, array.nbytes)
        if array.dtype != np.float32 or found != trailer["sha256"]:
            raise ContractError(
                f"{path}: its bytes changed since it was written (digest {found[:12]},"
                f" expected {trailer['sha256'][:12]}); remove it and run again."
            )
        return array, trailer


def digest_of_array(path: Path) -> str:
    """Return the SHA-256 that an array's trailer says it has, without reading the array.

    Raises:
        ContractError: missing, or not one of ours.
    """
    with reading(path, "an array file with its digest"), path.open("rb") as file:
        return str(_read_trailer(path, file)["sha256"])


def _read_trailer(path: Path, file: BinaryIO) -> dict:
    size = file.seek(0, 2)
    file.seek(max(0, size - _FOOT.size))
    foot = file.read()
    length, magic = _FOOT.unpack(foot) if len(foot) == _FOOT.size else (0, b"")
    if magic != _MAGIC or length > min(_LONGEST_TRAILER, size):
        raise ContractError(
            f"{path}: has no digest at its end, expected a whole array written by this"
            " pipeline; remove it and run again."
        )
    file.seek(size - _FOOT.size - length)
    trailer = json.loads(file.read(length))
    kinds = {"sha256": str, "inputs": dict}
    if not all(isinstance(trailer[name], kind) for name, kind in kinds.items()):
        raise ContractError(f"{path}: its trailer lacks digests; remove it and run again.")
    return trailer
