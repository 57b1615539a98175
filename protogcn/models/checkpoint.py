"""``.pt`` files: a network's weights or a training's state, never unpickled freely."""

import hashlib
import io
import struct
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from protogcn.errors import ContractError
from protogcn.files.contracts import reading, writing

_MAGIC = b"protogcn sha256 "
_COMMENT = len(_MAGIC) + 64  # bytes at the end of the file: the comment of the zip archive
_END = 22  # bytes of a zip's last table, where there is no comment
_FOLDER = 0x10  # of an entry's attributes: torch leaves such an entry unread


def save_checkpoint(path: Path, content: dict[str, Any]) -> None:
    """Write tensors, numbers, text, lists and dicts, whole or not at all.

    The comment of the zip archive has the SHA-256 of all bytes before it: checksums of the entries
    say nothing of the archive's own tables.
    """
    buffer = io.BytesIO()  # torch's zip writer reports a full disk in its own, unreadable words
    torch.save(content, buffer)
    archive = buffer.getbuffer()[:-2]  # without the length of the comment, none so far
    length = struct.pack("<H", _COMMENT)
    digest = hashlib.sha256(archive)
    digest.update(length)
    with writing(path, needed=len(archive) + len(length) + _COMMENT) as file:
        file.write(archive)
        file.write(length + _MAGIC + digest.hexdigest().encode())


def load_checkpoint(path: Path, entries: Mapping[str, Any]) -> dict[str, Any]:
    """Read a checkpoint onto the CPU.

    torch tests no checksum of its own container. Files of older versions have no digest of the
    whole file, nor a comment that might have had it; theirs of the entries are tested.

    Args:
        path: the file.
        entries: what it must have, each with its type.

    Raises:
        ContractError: missing, damaged, an entry is missing, or it would run code.
    """
    with reading(path, "a checkpoint"):
        data = path.read_bytes()
        if has_digest := data[-_COMMENT:].startswith(_MAGIC):
            found = hashlib.sha256(data[:-_COMMENT]).hexdigest()
            if found.encode() != data[-64:]:
                raise ContractError(
                    f"{path}: its bytes changed since it was written; remove it and run again."
                )
        _refuse_compressed(path, data)
        if not has_digest:
            _test_older(path, data)
        content = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
        if not isinstance(content, dict):
            raise ContractError(f"{path}: found no dict, expected {', '.join(entries)}.")
        for name, kind in entries.items():
            if name not in content:
                raise ContractError(f"{path}: lacks {name}, expected {', '.join(entries)}.")
            if not isinstance(content[name], kind):
                found = type(content[name]).__name__
                wanted = getattr(kind, "__name__", kind)
                raise ContractError(f"{path}: {name} is of type {found}, expected {wanted}.")
    return content


def _refuse_compressed(path: Path, data: bytes) -> None:
    """Torch stores tensors as they are; a compressed one may hide gigabytes in a few bytes."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for entry in archive.infolist():
            if entry.compress_type != zipfile.ZIP_STORED:
                raise ContractError(f"{path}: {entry.filename} is compressed, expected stored.")


def _test_older(path: Path, data: bytes) -> None:
    if data[-_END : -_END + 4] != b"PK\5\6" or data[-2:] != b"\0\0":  # the length of a comment
        raise ContractError(f"{path}: its end is missing or damaged; remove it and run again.")
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        folders = [entry.filename for entry in archive.infolist() if entry.external_attr & _FOLDER]
        if broken := archive.testzip() or next(iter(folders), None):
            raise ContractError(f"{path}: {broken} in it is damaged; remove it and run again.")
