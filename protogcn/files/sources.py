"""What a product was made from, in a note beside it, so that an exchanged source is noticed.

Snakemake compares dates alone, and of a folder only its own. A pickle that was unpacked from an
archive, a score file copied with its date, or a clip written anew in its folder are no news to it.
"""

import json
import os
import stat
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from pathlib import Path
from typing import Any

from protogcn.errors import ConfigError
from protogcn.files.contracts import digest_of, reading, save_text

_FORMAT = 1
_AT_ONCE = 512  # files asked for their dates by one thread: a network's disk answers slowly
_THREADS = 16
_ROUNDING = 2 * 10**9  # nanoseconds: archives and some disks keep dates in whole or even seconds
_Stamp = list[int]  # size in bytes, date in nanoseconds since 1970


def note_sources(product: Path, sources: Iterable[Path]) -> None:
    """Write down which files a product is made from; called before they are read.

    Args:
        product: a file that is written next.
        sources: files, whose digests are taken, and folders, of whose files only sizes and dates.

    Raises:
        ContractError: a source cannot be read, or the note not be written.
    """
    files: dict[str, list[Any]] = {}
    folders: dict[str, dict[str, _Stamp]] = {}
    for source in sources:
        if source.is_dir():
            folders[str(source)] = dict(_stamps_below(source))
        else:
            with reading(source, "a file"):
                stamp = _stamp(source.stat())
            files[str(source)] = [*stamp, digest_of(source)]
    content = {"format": _FORMAT, "files": files, "folders": folders}
    save_text(_note_of(product), json.dumps(content) + "\n")


def refuse_exchanged_sources(product: Path) -> None:
    """Refuse a product that is of other sources than there are now, if Snakemake cannot know.

    A product without a note, as older versions have left it, is believed.

    Raises:
        ConfigError: with what differs, and what to do.
        ContractError: the note is damaged.
    """
    note = _note_of(product)
    if not (product.exists() and note.exists()):
        return
    with reading(note, "what its file was made from; without it that is not compared"):
        content = json.loads(note.read_text(encoding="utf-8"))
        files, folders = dict(content["files"]), dict(content["folders"])
        date = product.stat().st_mtime
        sources = [Path(name) for name in (*files, *folders)]
        # What is gone is reported by who needs it; what is newer is read again.
        if not all(path.exists() and path.stat().st_mtime <= date for path in sources):
            return
        for name, (size, when, digest) in files.items():
            path = Path(name)
            if _stamp(path.stat()) != [size, when] and (found := digest_of(path)) != digest:
                raise ConfigError(
                    f"{path}: is not the file that {product} was made from (SHA-256 {found[:12]},"
                    f" then {digest[:12]}), but its date is older, and Snakemake goes by dates;"
                    f" remove {product} to make it from this one, or put the other back."
                )
        for name, then in folders.items():
            if others := _differences(then, dict(_stamps_below(Path(name)))):
                raise ConfigError(
                    f"{name}: {len(others):,} of its {len(then):,} files are not as they were when"
                    f" {product} was made from them ({others[0]}), and Snakemake sees only the date"
                    f" of the folder; remove {product} to read them again, or, if nothing but their"
                    f" dates changed, {note}."
                )


def _differences(then: dict[str, _Stamp], now: dict[str, _Stamp]) -> list[str]:
    """Return what differs, the first of it in order of the names."""
    words = {}
    for name in then.keys() | now.keys():
        if name not in now:
            words[name] = f"{name} is gone"
        elif name not in then:
            words[name] = f"{name} is new"
        elif then[name][0] != now[name][0]:
            words[name] = f"{name} has another size"
        elif abs(then[name][1] - now[name][1]) > _ROUNDING:
            words[name] = f"{name} has another date"
    return [words[name] for name in sorted(words)]


def _stamps_below(folder: Path) -> Iterator[tuple[str, _Stamp]]:
    """Yield the files of a folder, by their path in it, but for hidden ones."""
    found = [
        Path(parent, name)
        for parent, _, names in os.walk(folder, onerror=_raise)
        for name in names
        if not name.startswith(".")
    ]
    parts = [found[start : start + _AT_ONCE] for start in range(0, len(found), _AT_ONCE)]
    with ThreadPoolExecutor(_THREADS) as threads:
        yield from chain.from_iterable(threads.map(lambda part: _stamps_of(folder, part), parts))


def _raise(error: OSError) -> None:
    raise error


def _stamps_of(folder: Path, paths: Iterable[Path]) -> list[tuple[str, _Stamp]]:
    pairs = ((str(path.relative_to(folder)), _status(path)) for path in paths)
    return [(name, _stamp(status)) for name, status in pairs if status is not None]


def _status(path: Path) -> os.stat_result | None:
    """Return the state of a file; None of what is none, or is gone by now."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status if stat.S_ISREG(status.st_mode) else None


def _stamp(status: os.stat_result) -> _Stamp:
    return [status.st_size, status.st_mtime_ns]


def _note_of(product: Path) -> Path:
    return product.with_name(f".{product.name}.sources.json")
