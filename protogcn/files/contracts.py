"""The contract of every file between stages: written whole or not at all, checked on load."""

import errno
import hashlib
import os
import secrets
import shutil
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import BinaryIO

from protogcn.errors import ConfigError, ContractError, UnreadableError, lacks_memory
from protogcn.files.first_look import glance_at
from protogcn.files.kind import is_pipe_or_device, kind_to_mend
from protogcn.files.refusals import refusals

_BLOCK = 1 << 20  # bytes read at once when a file is hashed: they stay in the cache
_PASSING = (
    errno.EMFILE, errno.ENFILE, errno.EACCES, errno.EPERM, errno.ESTALE, errno.EIO, errno.ETIMEDOUT
)  # fmt: skip
_NOT_FOR_FOLDERS = (errno.EINVAL, errno.ENOTSUP, errno.EACCES, errno.EPERM)  # of network systems
_SECONDS_OF_A_DAY = 86400


@contextmanager
def writing(path: Path, *, needed: int | None = None) -> Iterator[BinaryIO]:
    """Open ``path`` for writing so that it is seen whole or not at all.

    The bytes go to a temporary name in the same folder, are flushed to the disk and renamed at
    the end; on any failure the temporary file is removed and ``path`` is as it was.

    Args:
        path: the file.
        needed: its size in bytes if that is known, for the message about a full disk.

    Raises:
        ContractError: the disk is full or refuses the write; with the reason.
    """
    if is_pipe_or_device(path):  # which the file would take the place of
        raise ContractError(f"{path}: is a pipe or device, expected the name of a file to write.")
    temporary = temporary_name(path)
    with refusals(path, temporary, needed=needed):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with temporary.open("w+b") as file:
                remove_orphans(path, now=os.fstat(file.fileno()).st_mtime)
                yield file
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
            _sync_folder(path.parent)
        finally:
            with suppress(OSError):  # it has its name, or the folder cannot be written
                temporary.unlink()


@contextmanager
def reading(path: Path, expected: str) -> Iterator[None]:
    """Look at ``path``, and turn whatever goes wrong while it is read into one ContractError.

    Reading damaged files raises a dozen kinds of exception, depending on the library and the
    damage; this is the one place that catches them all.
    """
    try:
        glance_at(path, expected)
        yield
    except (ConfigError, ContractError) as error:
        if str(path) in str(error):
            raise
        raise type(error)(f"{path}: {error}", error.faults) from error
    except FileNotFoundError:
        raise ContractError(f"{path}: does not exist, expected {expected}.") from None
    except IsADirectoryError:
        raise ContractError(f"{path}: is a folder, expected {expected}.") from None
    except Exception as error:
        if reason := _passing_reason(error):
            raise UnreadableError(
                f"{path}: cannot be read now ({reason}), expected {expected}; it may be whole:"
                " mend that and start again."
            ) from error
        with suppress(OSError):
            if kind := kind_to_mend(path):
                raise ContractError(f"{path}: found {kind}, expected {expected}.") from error
        found = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        raise ContractError(
            f"{path}: found a damaged file ({found}), expected {expected}; if a rule wrote it,"
            " remove it and run again."
        ) from error


def rename_file(path: Path, target: Path) -> None:
    """Give a file another name in its folder, in place of what has it.

    Raises:
        ContractError: the folder refuses it.
    """
    with refusals(path, target, what=f"could not be renamed to {target.name}"):
        path.replace(target)


def save_text(path: Path, text: str, *, sealed: bool = False) -> None:
    """Write a text file whole or not at all.

    Args:
        path: the file.
        text: its content.
        sealed: a later stage believes it: its digest is kept beside it, see ``check_seal``.
    """
    content = text.encode("utf-8")
    digest = hashlib.sha256(content).hexdigest()
    if sealed:
        _write_seal(path, [digest, *_believed_digest(path)])
    else:
        with suppress(OSError):  # what is wrong with the folder is reported by the write
            _seal_of(path).unlink()
    with writing(path, needed=len(content)) as file:
        file.write(content)
    if sealed:
        _write_seal(path, [digest])


def check_seal(path: Path) -> None:
    """Refuse a file that is not what was written under its name.

    The seal, ``.NAME.sha256``, is written before the file is renamed, and has the digest of the
    file before as well until that is done: there is no moment at which a whole file is refused.
    Files without one, as older versions and people write them, are believed.

    Raises:
        ContractError: the file was changed or damaged.
    """
    known = _digests_in_seal(path)
    if known is not None and path.exists() and (found := digest_of(path)) not in known:
        then = known[0][:12] if known else "none in its seal"
        raise ContractError(
            f"{path}: was changed since it was written (SHA-256 {found[:12]}, then {then}); remove"
            f" it and run again, or, if you changed it on purpose, remove {_seal_of(path).name}"
            " beside it."
        )


def digest_of(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, in hex."""
    with reading(path, "a file"), path.open("rb") as file:
        return digest_of_stream(file, path.stat().st_size)


def digest_of_stream(file: BinaryIO, num_bytes: int) -> str:
    """Return the SHA-256 of the next ``num_bytes`` bytes, in hex."""
    digest = hashlib.sha256()
    block = memoryview(bytearray(min(num_bytes, _BLOCK)))
    while num_bytes and (size := file.readinto(block[: min(num_bytes, _BLOCK)])):
        digest.update(block[:size])
        num_bytes -= size
    return digest.hexdigest()


def _passing_reason(error: Exception) -> str | None:
    """Return why a file cannot be read if the file is not the reason."""
    if lacks_memory(error):
        return "there is too little memory"
    if isinstance(error, OSError) and error.errno in _PASSING:
        return error.strerror
    return None


def _seal_of(path: Path) -> Path:
    return path.with_name(f".{path.name}.sha256")


def _digests_in_seal(path: Path) -> list[str] | None:
    """Return the digests that a file may have; None if it has no seal."""
    seal = _seal_of(path)
    with reading(seal, "the digest of its file"), suppress(FileNotFoundError, NotADirectoryError):
        return seal.read_text("ascii", errors="replace").split()
    return None


def _believed_digest(path: Path) -> list[str]:
    """Return the digest of the file that is to be replaced; none if its seal refuses it."""
    if not path.is_file():
        return []
    known, found = _digests_in_seal(path), digest_of(path)
    return [found] if known is None or found in known else []


def _write_seal(path: Path, digests: Sequence[str]) -> None:
    with writing(_seal_of(path)) as file:
        file.write("\n".join([*digests, ""]).encode())


def temporary_name(path: Path) -> Path:
    """Return a name beside a file that no other process uses, and that says whose it is."""
    return path.with_name(f".{path.name}.{_here()}.{os.getpid()}.{secrets.token_hex(4)}.tmp")


def remove_orphans(path: Path, *, now: float) -> None:
    """Remove our files and folders with temporary names of ``path`` whose writer is dead.

    It is if it ran here and is gone, or if nothing was written for a day: processes of other
    machines and containers are not seen from here, nor, on some systems, those of other users.
    ``now`` is by the clock of the file system, which dates their files.
    """
    for orphan in path.parent.glob(f".{_escape(path.name)}.*.tmp"):
        with suppress(OSError):  # another process was faster
            status = orphan.stat()
            if status.st_uid == os.geteuid() and _is_dead(orphan.name, now - status.st_mtime):
                shutil.rmtree(orphan) if orphan.is_dir() else orphan.unlink()


def _is_dead(name: str, age: float) -> bool:
    place, process = name.split(".")[-4:-2]
    if place == _here() and process.isdigit() and Path("/proc/self").exists():
        return not Path(f"/proc/{process}").exists()
    return age > _SECONDS_OF_A_DAY


def _escape(name: str) -> str:
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in name)


@cache
def _here() -> str:
    """Return a short name of this machine and of the container in which we number processes."""
    spaces = Path("/proc/self/ns/pid")
    place = f"{socket.gethostname()} {spaces.stat().st_ino if spaces.exists() else ''}"
    return hashlib.sha256(place.encode()).hexdigest()[:8]


def _sync_folder(folder: Path) -> None:
    """Write a folder's names to the disk, where its file system and its rights allow that."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        if error.errno not in _NOT_FOR_FOLDERS:
            raise
