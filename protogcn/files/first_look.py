"""A file that is about to be read -> nothing, or why it is none of its kind: by its size and start.

What a reader would take gigabytes for is refused here, before it is read.
"""

from pathlib import Path

from protogcn.errors import ContractError
from protogcn.files.kind import is_pipe_or_device, kind_of

_TABLES = (".csv", ".tsv", ".txt")
_TEXTS = (*_TABLES, ".json", ".yaml", ".yml")
_LARGE = 64 << 20  # bytes
_LARGEST_TEXT = 1 << 30  # bytes; a million clips have 0.1 GB
_MOST_COLUMNS = 101_000  # of a table: a class each, and some more
_FIRST = 4096  # bytes that are looked at
_LONGEST_HEADER = 1 << 24  # bytes


def glance_at(path: Path, expected: str) -> None:
    """Refuse a pipe, a file of zeros, a text of gigabytes, a table of a million columns.

    What does not exist, cannot be opened or is a folder is left to the reader.

    Args:
        path: the file.
        expected: what it should be, for messages.

    Raises:
        ContractError: it is one of these.
    """
    try:
        found = _odd(path, path.suffix.lower(), path.stat().st_size)
    except OSError:
        return
    if found:
        raise ContractError(f"{path}: found {found}, expected {expected}.")


def _odd(path: Path, suffix: str, size: int) -> str | None:
    if is_pipe_or_device(path):
        return kind_of(path)
    if suffix in _TEXTS and size > _LARGEST_TEXT:
        return f"{size:,} bytes of text (at most {_LARGEST_TEXT:,} are read)"
    if size > _LARGE:  # a small one is refused by its reader as soon
        with path.open("rb") as file:
            if not file.read(_FIRST).strip(b"\0"):
                return kind_of(path)
    if suffix in _TABLES and size > _MOST_COLUMNS:
        with path.open("rb") as file:
            header = file.readline(_LONGEST_HEADER)
        if (count := max(map(header.count, (b",", b";", b"\t", b" ")))) > _MOST_COLUMNS:
            return f"{count:,} columns (at most {_MOST_COLUMNS:,} are read)"
    return None
