"""A folder of one's own for as long as it is needed."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import gettempdir

from protogcn.errors import ContractError
from protogcn.files.contracts import remove_orphans, temporary_name
from protogcn.files.refusals import refusals


@contextmanager
def temporary_folder(parent: Path | None = None) -> Iterator[Path]:
    """Give an empty folder, which is removed at the end.

    Args:
        parent: where it is made; None is where the system has temporary files (TMPDIR).

    Raises:
        ContractError: there is no such place, or it refuses to be written into.
    """
    try:
        place = parent or Path(gettempdir())
    except FileNotFoundError as error:  # it tries to write into each
        raise ContractError(
            f"{error.strerror}: all are full or refuse writing; free some space, or name another"
            " folder in TMPDIR."
        ) from error
    name = place / "protogcn"
    folder = temporary_name(name)
    try:
        with refusals(place, folder, what="could not hold a temporary folder"):
            place.mkdir(parents=True, exist_ok=True)
            folder.mkdir(mode=0o700)
            remove_orphans(name, now=folder.stat().st_mtime)  # of processes that were killed
        with refusals(folder, folder):
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
