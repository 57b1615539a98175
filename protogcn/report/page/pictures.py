"""A picture file -> what the page embeds: its bytes as a data address, and its words."""

import base64
from dataclasses import dataclass
from pathlib import Path

from protogcn.errors import ConfigError
from protogcn.files.contracts import reading

_KINDS = {".png": "image/png", ".svg": "image/svg+xml", ".gif": "image/gif"}


@dataclass(frozen=True)
class ShownFigure:
    """One picture.

    Attributes:
        name: what the page calls it.
        address: the picture itself, as a ``data:`` address.
        caption: what it shows, empty if nothing was written about it.
    """

    name: str
    address: str
    caption: str


def read_shown_figure(path: Path, name: str, caption: Path | None = None) -> ShownFigure:
    """Read a picture and the text file with its caption.

    Raises:
        ConfigError: not a format that every browser shows.
        ContractError: a file is missing or is not text.
    """
    if path.suffix not in _KINDS:
        raise ConfigError(
            f"{path}: found the ending {path.suffix!r}, expected one of {', '.join(_KINDS)}."
        )
    with reading(path, "a picture"):
        content = base64.b64encode(path.read_bytes()).decode("ascii")
    text = ""
    if caption is not None:
        with reading(caption, "the caption of a figure"):
            text = " ".join(caption.read_text("utf-8").split())
    return ShownFigure(name, f"data:{_KINDS[path.suffix]};base64,{content}", text)
