"""A ``.npy`` or ``.npz`` file of unknown origin -> its arrays, in memory of the file's own size.

numpy asks for the memory that a header promises before it looks for the bytes, and unpacks whatever
a zip holds: 100 bytes may ask for terabytes.
"""

import math
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.lib import format as npy

from protogcn.errors import ContractError
from protogcn.files.kind import kind_of

# Numbers hardly shrink; zeros and ones of few clips do.
_LARGEST_RATIO, _ANY_RATIO = 20, 64 << 20  # bytes for one of the file; bytes that are few anyway
_LARGEST = 1 << 32  # bytes of an array in a zip
_END = ".npy"
_KINDS = "biufSU"  # of elements: numbers and text
_HEADERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}


class PlainArrays(Mapping[str, np.ndarray]):
    """The arrays of an ``.npz`` file, each read when it is asked for.

    Getting one raises ContractError if it is not as large as its header says, unpacks to far more
    than it takes in the file, or has objects.
    """

    def __init__(self, path: Path, archive: zipfile.ZipFile):
        self._path, self._archive = path, archive
        self._entries = {entry.filename.removesuffix(_END): entry for entry in archive.infolist()}

    def __getitem__(self, name: str) -> np.ndarray:
        entry, where = self._entries[name], f"{self._path}: {name}"
        most = min(max(_LARGEST_RATIO * entry.compress_size, _ANY_RATIO), _LARGEST)
        if entry.file_size > most:
            raise ContractError(
                f"{where} unpacks to {entry.file_size:,} bytes, expected at most {most:,} of"
                f" {entry.compress_size:,}; write it with numpy.savez, which does not compress."
            )
        with self._archive.open(entry) as file:
            _check_header(where, file, entry.file_size, exactly=True)
        with self._archive.open(entry) as file:
            return _read(file)

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)


@contextmanager
def opening_npz(path: Path) -> Iterator[PlainArrays]:
    """Open an ``.npz`` file as long as the context lasts.

    Raises:
        ContractError: it is no zip.
    """
    if path.is_file() and not zipfile.is_zipfile(path):
        raise ContractError(f"{path}: found {kind_of(path)}, expected a .npz file of numpy.")
    with zipfile.ZipFile(path) as archive:
        yield PlainArrays(path, archive)


def load_npy(path: Path) -> np.ndarray:
    """Read an ``.npy`` file.

    Raises:
        ContractError: it is not as large as its header says, or has objects.
    """
    with path.open("rb") as file:
        _check_header(f"{path}: the array", file, path.stat().st_size, exactly=False)
        file.seek(0)
        return _read(file)


def _read(file: BinaryIO) -> np.ndarray:
    array = npy.read_array(file, allow_pickle=False)
    if array.dtype.kind == "f" and array.itemsize > 8:  # not all of its bit patterns are numbers
        with np.errstate(all="ignore"):
            return array.astype(np.float64)
    return array


def _check_header(where: str, file: BinaryIO, num_bytes: int, *, exactly: bool) -> None:
    version = npy.read_magic(file)
    if version not in _HEADERS:
        raise ContractError(f"{where} has fields, expected numbers or text alone.")
    shape, _, dtype = _HEADERS[version](file)
    if dtype.hasobject:
        raise ContractError(
            f"{where} holds Python objects, which are not read, as they could run code; store names"
            " as text with .astype(str), numbers with .astype(float)."
        )
    if dtype.kind not in _KINDS:
        raise ContractError(f"{where} holds {dtype}, expected numbers or text.")
    needed, left = math.prod(shape) * max(dtype.itemsize, 1), num_bytes - file.tell()
    if needed > left or min(shape, default=0) < 0 or (exactly and needed < left):
        raise ContractError(
            f"{where} is of {dtype} and shape {shape}, which needs {needed:,} bytes, but has"
            f" {left:,}; the file is damaged: download or make it again."
        )
