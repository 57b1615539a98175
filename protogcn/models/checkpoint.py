"""``.pt`` files: a network's weights or a training's state, never unpickled freely."""

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from protogcn.errors import ContractError
from protogcn.files.contracts import reading, writing


def save_checkpoint(path: Path, content: dict[str, Any]) -> None:
    """Write tensors, numbers, text, lists and dicts, whole or not at all."""
    buffer = io.BytesIO()  # torch's zip writer reports a full disk in its own, unreadable words
    torch.save(content, buffer)
    with writing(path, needed=buffer.tell()) as file:
        file.write(buffer.getbuffer())


def load_checkpoint(path: Path, entries: Mapping[str, Any]) -> dict[str, Any]:
    """Read a checkpoint onto the CPU.

    torch does not test the checksums of its own container, so they are tested here first.

    Args:
        path: the file.
        entries: what it must have, each with its type.

    Raises:
        ContractError: missing, damaged, an entry is missing, or it would run code.
    """
    with reading(path, "a checkpoint"):
        with zipfile.ZipFile(path) as archive:
            if (broken := archive.testzip()) is not None:
                raise ContractError(f"{path}: {broken} in it is damaged; remove it and run again.")
        content = torch.load(path, map_location="cpu", weights_only=True)
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
