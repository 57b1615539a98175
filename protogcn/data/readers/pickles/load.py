"""A pickle file of unknown origin -> the numbers, text, lists, dicts and arrays in it."""

import stat
from collections.abc import Callable
from pathlib import Path

from protogcn.data.readers.pickles.allowed_names import find_stand_in
from protogcn.data.readers.pickles.numpy_arrays import RefusedError
from protogcn.data.readers.pickles.unpickle import PROTOCOLS, unpickle
from protogcn.errors import ConfigError, ContractError
from protogcn.files.kind import kind_of

_FIRST = 0x80
_LAST = b"."


def load_pickle(path: Path, *, find_name: Callable[[str, str], object] = find_stand_in) -> object:
    """Read one pickle of plain data, protocol 2 to 5; run nothing.

    Memory and time stay in proportion to the size of the file.

    Args:
        path: the pickle.
        find_name: what stands in for a name in it, in place of the few of plain data.

    Returns:
        What the pickle holds: None, bool, int (64 bits), float, str, bytes, list, tuple, dict
        with plain keys, and numpy arrays and numbers of bool, integer, float, fixed-width text or
        these objects. Arrays may be read-only. Sets are lists; dates, paths and the like are
        ``Foreign``.

    Raises:
        ConfigError: no readable file.
        ContractError: not a pickle, damaged, or it wants anything else.
    """
    data = _read(path)
    try:
        value, end = unpickle(data, find_name=find_name)
    except RefusedError as error:
        raise ContractError(f"{path}: byte {error.position}: {error.place}{error}.") from error
    except MemoryError as error:
        raise ContractError(
            f"{path}: found more than fits into memory, expected less; nested lists take eight"
            " times the file, arrays once."
        ) from error
    if end != len(data):
        raise ContractError(f"{path}: byte {end}: more after the end of the pickle, expected none.")
    return value


def _read(path: Path) -> bytes:
    """Return the bytes of a file that starts and ends like a pickle."""
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):  # opening a pipe would wait for ever
            raise ConfigError(f"{path}: found a folder, pipe or device, expected a pickle file.")
        with path.open("rb") as file:
            start = file.read(2)
            if len(start) < 2 or start[0] != _FIRST or start[1] not in PROTOCOLS:
                raise ContractError(
                    f"{path}: found {kind_of(path)}, expected a pickle of protocol 2 to 5."
                )
            file.seek(-1, 2)
            if file.read(1) != _LAST:  # reported before many bytes are read
                raise ContractError(
                    f"{path}: found no end of a pickle after {status.st_size} bytes, expected"
                    " one; the file is cut short, or more follows."
                )
            file.seek(0)
            return file.read()
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}, expected a pickle file.") from error
