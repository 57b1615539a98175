"""A table, a folder or a zip file of results -> the manifests in it; a folder -> a zip file."""

import os
import shutil
import stat
import zipfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from protogcn.errors import ConfigError, ContractError
from protogcn.files.contracts import reading, writing
from protogcn.files.kind import kind_of
from protogcn.files.manifest import ENDING, Manifest, manifest_beside
from protogcn.files.refusals import refusals
from protogcn.files.temporary import temporary_folder
from protogcn.report.provenance.record import COMMANDS

_MOST_FILES = 100_000
# Tables and records shrink to a tenth, zeros to a thousandth.
_LARGEST_RATIO, _ANY_RATIO = 100, 64 << 20  # bytes for one of the file; bytes that are few anyway
_BLOCK = 1 << 20
_DATE = (1980, 1, 1, 0, 0, 0)  # the same bytes for the same files


@contextmanager
def manifests_of(target: Path) -> Iterator[tuple[list[Path], Callable[[str], str]]]:
    """Yield the manifests that a path is or has, and a function that names their files to people.

    Args:
        target: a file with a manifest beside it, a folder, or a zip file, which is unpacked as long
            as this lasts.

    Raises:
        ConfigError: there is no such file, or it has no manifest.
        ContractError: the zip file is damaged, or would write outside of its folder.
    """
    if not target.exists():
        raise ConfigError(f"{target}: does not exist; expected a table, a figure, a page, a folder"
                          " or a bundle.")  # fmt: skip
    if target.is_dir():
        yield _found_in(target, target), str
    elif target.suffix == ".zip":
        with temporary_folder() as folder:

            def named(text: str) -> str:
                return text.replace(f"{folder}/", f"{target}/")

            try:
                _unpack(target, folder)
                found = _found_in(folder, target)
                _check_inside(found, folder, target)
                yield found, named
            except (ConfigError, ContractError) as error:
                raise type(error)(named(str(error))) from error
    else:
        yield [manifest_of(target)], str


def manifest_of(path: Path) -> Path:
    """Return the manifest that a file is named in.

    Raises:
        ConfigError: there is none.
    """
    beside = manifest_beside(path)
    others = sorted(path.parent.glob(f"*{ENDING}"))
    for manifest in [beside] * beside.exists() + others:
        if path == manifest or os.path.normpath(path) in map(str, Manifest.load(manifest).files):
            return manifest
    raise ConfigError(
        f"{path}: has no manifest {beside.name} beside it; make it again, as earlier versions wrote"
        " none."
    )


def write_zip(path: Path, folder: Path, names: Iterable[str]) -> None:
    """Write files of a folder into a zip file, whole or not at all."""
    with writing(path) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            entry = zipfile.ZipInfo(name, _DATE)
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            size = (folder / name).stat().st_size
            with (folder / name).open("rb") as source:
                with archive.open(entry, "w", force_zip64=size >= 1 << 31) as part:
                    shutil.copyfileobj(source, part, _BLOCK)


def _found_in(folder: Path, target: Path) -> list[Path]:
    if not (found := sorted(folder.rglob(f"*{ENDING}"))):
        raise ConfigError(f"{target}: has no manifest (*{ENDING}) in it.")
    return found


def _check_inside(manifests: Iterable[Path], folder: Path, target: Path) -> None:
    for manifest in manifests:
        found = Manifest.load(manifest)
        if (known := COMMANDS.get(found.command)) and not known.of_scores:
            raise ContractError(
                f"{target}: {manifest.name} is of {found.command}, which is not computed again from"
                " scores; a bundle has tables and figures of scores."
            )
        for path in found.files:
            if not path.is_relative_to(folder):
                raise ContractError(f"{target}: {manifest.name} names {path}, which is not in it.")


def _unpack(path: Path, folder: Path) -> None:
    with reading(path, "a bundle"):
        if not zipfile.is_zipfile(path):
            raise ContractError(f"{path}: found {kind_of(path)}, expected a bundle.")
    with reading(path, "a bundle"), zipfile.ZipFile(path) as archive:
        entries = [entry for entry in archive.infolist() if not entry.is_dir()]
        needed, free = sum(entry.file_size for entry in entries), shutil.disk_usage(folder).free
        size = path.stat().st_size
        most = max(_LARGEST_RATIO * size, _ANY_RATIO)
        if needed > most:
            raise ContractError(
                f"{path}: unpacks to {needed:,} bytes, expected at most {most:,} of a file of"
                f" {size:,}; this is no bundle."
            )
        if len(entries) > _MOST_FILES or needed > free:
            raise ContractError(
                f"{path}: has {len(entries)} files of {needed:,} bytes, more than {_MOST_FILES:,}"
                f" or than the {free:,} bytes that are free in {folder.parent} (TMPDIR)."
            )
        for entry in entries:
            place = PurePosixPath(entry.filename)
            is_link = stat.S_ISLNK(entry.external_attr >> 16)
            if place.is_absolute() or ".." in place.parts or "\\" in entry.filename or is_link:
                raise ContractError(
                    f"{path}: {entry.filename} would lead out of its folder; this is no bundle."
                )
            with refusals(folder / place):
                (folder / place).parent.mkdir(parents=True, exist_ok=True)
                with archive.open(entry) as source, (folder / place).open("wb") as part:
                    shutil.copyfileobj(source, part, _BLOCK)
