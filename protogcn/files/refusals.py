"""What the system says against a write -> one sentence with the true reason and a remedy."""

import errno
import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from protogcn.errors import ContractError

_NO_INODE = "no inode is left there: remove some files, their bytes do not matter"
_REMEDIES = {
    errno.EDQUOT: "your quota is used up (quota -s shows it): remove some of your files",
    errno.EFBIG: "the file system or a limit (ulimit -f) allows no file of this size",
    errno.EROFS: "write elsewhere (snakemake --directory), or mount it for writing",
    errno.EIO: "the disk or the way to it fails: ask the system's log (dmesg)",
}
_TOO_MANY = (errno.EMFILE, errno.ENFILE)
_OF_THE_MACHINE = (*_REMEDIES, *_TOO_MANY, errno.ENOSPC, errno.ESTALE)
_DENIED = (errno.EACCES, errno.EPERM)


@contextmanager
def refusals(
    path: Path, *others: Path, needed: int | None = None, what: str = "could not be written"
) -> Iterator[None]:
    """Turn what the system says against a change at ``path`` into a ContractError.

    Errors at files that are not named here are left alone: the caller could not read something.

    Args:
        path: a file or a folder.
        others: what else is written for it; what lies in one that is a folder counts as well.
        needed: its size in bytes if that is known.
        what: could not be done.

    Raises:
        ContractError: with the reason, and what to do.
    """
    try:
        yield
    except OSError as error:
        if not _is_at(error, (path, *others)):
            raise
        raise ContractError(f"{path}: {what} {why_refused(error, path, needed)}.") from error


@contextmanager
def refusals_anywhere(what: str) -> Iterator[None]:
    """Turn what the system says for lack of anything into a ContractError, wherever it comes.

    No place is safe from it: libraries open files of their own, and a log may be on a full disk.

    Args:
        what: runs, where no file is named.

    Raises:
        ContractError: with the reason, and what to do.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in _OF_THE_MACHINE:
            raise
        named = isinstance(error.filename, str | os.PathLike)
        place = Path(error.filename) if named else Path("log")
        raise ContractError(
            f"{place if named else what}: could not go on {why_refused(error, place)}."
        ) from error


def why_refused(error: OSError, path: Path, needed: int | None = None) -> str:
    """Return the reason in brackets, and what to do about it if that is known."""
    remedy = _remedy(error.errno, _existing(path), needed)
    return f"({error.strerror or error})" + (f"; {remedy}" if remedy else "")


def _remedy(number: int | None, folder: Path, needed: int | None) -> str | None:
    if number == errno.ENOSPC:
        room = os.statvfs(folder)
        if room.f_files and not room.f_favail:
            return _NO_INODE
        size = "" if needed is None else f"{needed:,} bytes are needed, "
        free = room.f_bavail * room.f_frsize
        return f"{size}{free:,} bytes are free there: free some space and start again"
    if number in _TOO_MANY:
        most, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        return f"this process may open {most}: raise the limit (ulimit -n)"
    if number in _DENIED:
        return f"user {os.geteuid()} may not do that in {folder}: ask its owner, or write elsewhere"
    return _REMEDIES.get(number)


def _is_at(error: OSError, paths: tuple[Path, ...]) -> bool:
    """Whether an error is about one of the paths, a folder around them, or names no file."""
    if not isinstance(error.filename, str | os.PathLike):
        return not isinstance(error, BrokenPipeError)  # who reads what we print has gone
    found = Path(error.filename)
    around = {folder for path in paths for folder in (path, *path.parents)}
    return found in around or any(other in found.parents for other in paths[1:])


def _existing(path: Path) -> Path:
    """Return the folder of a file, or the nearest one around it that exists."""
    return next(folder for folder in (*path.parents, Path("/")) if folder.is_dir())
