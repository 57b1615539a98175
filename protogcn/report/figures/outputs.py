"""The files of a figure: its command-line arguments, and the same bytes for the same data."""

import argparse
import io
from collections.abc import Iterable
from pathlib import Path

from matplotlib.figure import Figure

from protogcn.errors import ConfigError
from protogcn.files.contracts import writing
from protogcn.report.provenance.record import add_manifest

# No date and no version: what is drawn decides the bytes.
_METADATA = {
    ".png": {"Software": None},
    ".pdf": {"CreationDate": None, "Creator": None, "Producer": None},
    ".svg": {"Date": None, "Creator": None},
}


def add_outputs(parser: argparse.ArgumentParser, *, with_table: bool = True) -> None:
    """Add the arguments that name the files of a figure."""
    if with_table:
        parser.add_argument("--table", type=Path, required=True, help="csv of what is drawn")
    parser.add_argument("--figures", type=Path, nargs="+", required=True, help="png, pdf or svg")
    parser.add_argument("--caption", type=Path, required=True, help="text file")
    add_manifest(parser)


def save_figure(figure: Figure, paths: Iterable[Path]) -> None:
    """Write a figure to files in the format of their endings, each whole or not at all.

    Raises:
        ConfigError: an ending that is none of .png, .pdf and .svg.
        ContractError: a file cannot be written.
    """
    for path in paths:
        if path.suffix not in _METADATA:
            raise ConfigError(f"{path}: a figure ends in one of {', '.join(_METADATA)}.")
        buffer = io.BytesIO()
        figure.savefig(buffer, format=path.suffix[1:], metadata=_METADATA[path.suffix])
        with writing(path, needed=buffer.tell()) as file:
            file.write(buffer.getbuffer())
