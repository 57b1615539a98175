"""A file that ``torch.save`` wrote, of unknown origin -> its numbers, text, dicts and tensors.

Both forms are read: the zip of torch 1.6 and later, and the row of pickles before it. Nothing in
them is run. ``torch.load(weights_only=True)`` would not do: of 400 bytes that call ``bytearray`` it
makes 2 GB, and it refuses classes that are unknown here, which a checkpoint of mmcv may hold beside
its weights. See docs/reliability.md.
"""

import io
import struct
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path

import numpy as np

from protogcn.data.readers.pickles.allowed_names import Foreign, StandIn
from protogcn.data.readers.pickles.numpy_arrays import RefusedError
from protogcn.data.readers.pickles.torch_tensors import (
    PickledTensor,
    Storage,
    find_name_or_foreign,
    find_tensor_name,
    storage_of,
)
from protogcn.data.readers.pickles.unpickle import LEAST_ALLOWANCE, unpickle
from protogcn.errors import ConfigError, ContractError
from protogcn.files.contracts import reading
from protogcn.files.kind import CHECKPOINT, kind_of

# What a file before torch 1.6 starts with: a magic number and a version, each a pickle.
_OLD_START = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03."
_SIZE = struct.Struct("<q")


def load_torch_file(path: Path) -> object:
    """Read a checkpoint.

    Returns:
        Plain data as ``load_pickle`` gives it, with a ``PickledTensor`` for each tensor, whose
        elements are read when it is asked for them, and a ``Foreign`` for what only the code that
        wrote it knows.

    Raises:
        ConfigError: no readable file.
        ContractError: not a file of torch, or damaged.
    """
    if not path.is_file():
        raise ConfigError(f"{path}: is no file, expected a checkpoint.")
    with _reading_torch(path, str(path)):
        data = path.read_bytes()
        if data.startswith(_OLD_START):
            return _read_old(data, find_name_or_foreign)
        if not zipfile.is_zipfile(path):
            raise RefusedError(f"{kind_of(path)}, expected {CHECKPOINT}")
        return _read_zip(zipfile.ZipFile(io.BytesIO(data)), path)


def is_torch_file(path: Path) -> bool:
    """Whether a file begins as one of torch, whatever its name is."""
    with path.open("rb") as file:
        return file.read(len(_OLD_START)).startswith((b"PK", _OLD_START))


def array_of(path: Path, name: str, tensor: PickledTensor) -> np.ndarray:
    """Read the elements of a tensor of a file.

    Raises:
        ContractError: they are damaged or missing.
    """
    with _reading_torch(path, f"{path}: {name}"):
        return tensor.to_array()


def find_score_name(module: str, name: str) -> object:
    """Return what stands in for ``module.name`` in a pickle with tensors that torch did not write.

    Raises:
        RefusedError: the name is none of those that plain data and tensors need.
    """
    if (module, name) == ("torch.storage", "_load_from_bytes"):
        return StandIn(_storage_in_bytes)
    return find_tensor_name(module, name)


@contextmanager
def _reading_torch(path: Path, where: str) -> Iterator[None]:
    with reading(path, CHECKPOINT):
        try:
            yield
        except RefusedError as error:
            raise ContractError(f"{where}: found {error}.") from error
        except zipfile.BadZipFile as error:
            raise ContractError(
                f"{where}: found a damaged file ({error}), expected {CHECKPOINT}; download or make"
                " it again."
            ) from error


def _read_zip(archive: zipfile.ZipFile, path: Path) -> object:
    entries = {entry.filename: entry for entry in archive.infolist()}
    pickles = [name for name in entries if name.count("/") == 1 and name.endswith("/data.pkl")]
    if len(pickles) != 1:
        raise RefusedError(f"{kind_of(path)}, expected {CHECKPOINT}")
    folder = pickles[0].removesuffix("data.pkl")

    @cache
    def read(name: str, num_bytes: int) -> bytes:
        entry = entries.get(f"{folder}{name}")
        if entry is None or entry.file_size != num_bytes:
            size = "no" if entry is None else entry.file_size
            raise RefusedError(f"{size} bytes of the tensor {name}, expected {num_bytes}")
        return _read_entry(archive, entry)

    if (order := entries.get(f"{folder}byteorder")) and _read_entry(archive, order) != b"little":
        raise RefusedError("another byte order, expected little")
    content, _ = unpickle(
        _read_entry(archive, entries[pickles[0]]),
        find_name=find_name_or_foreign,
        find_storage=partial(storage_of, read=lambda name, size: read(f"data/{name}", size)),
        allowance=max(4 * sum(entry.file_size for entry in entries.values()), LEAST_ALLOWANCE),
    )
    return content


def _read_entry(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    """Read one file of the zip, which also tests its checksum."""
    if entry.compress_type != zipfile.ZIP_STORED:  # may hide gigabytes in a few bytes
        raise RefusedError(f"{entry.filename} compressed, expected as it is")
    return archive.read(entry)


def _read_old(data: bytes, find_name: Callable[[str, str], object]) -> object:
    """Read magic number, version, machine, content, names of the storages, and their elements."""
    places: dict[str, tuple[int, int]] = {}  # of each storage: first byte, elements

    def read(name: str, num_bytes: int) -> memoryview:
        if name not in places:
            raise RefusedError("a tensor without elements, expected some; the file is damaged")
        first, _ = places[name]
        return memoryview(data)[first : first + num_bytes]

    sizes: dict[str, Storage] = {}

    def find_storage(key: object) -> Storage | Foreign:
        if type(key) is tuple and len(key) == 4 and key[0] == "module":  # a class, with its code
            return Foreign(getattr(key[1], "name", "of a class"))
        storage = storage_of(key, read)
        sizes[key[2]] = storage
        return storage

    read_next = partial(unpickle, data, find_name=find_name, find_storage=find_storage)
    system, end = read_next(start=len(_OLD_START))
    if type(system) is not dict or system.get("little_endian") is not True:
        raise RefusedError("another byte order, expected little")
    content, end = read_next(start=end)
    names, position = read_next(start=end)
    if type(names) is not list or not all(name in sizes for name in names):
        raise RefusedError("elements of unknown tensors, expected those of the tensors before")
    for name in names:
        (count,) = _SIZE.unpack_from(data, position)
        first, storage = position + _SIZE.size, sizes[name]
        if count != storage.size:
            raise RefusedError(f"{count} elements of a tensor, expected {storage.size}")
        places[name] = first, count
        position = first + count * storage.dtype.itemsize
        if position > len(data):
            raise RefusedError(
                f"{len(data)} bytes, expected at least {position}: the end of the file is"
                " missing, download or make it again"
            )
    return content


def _storage_in_bytes(args: tuple[object, ...]) -> Storage:
    """Return the storage that a small old file of torch holds; that file can hold no other."""
    if len(args) != 1 or type(args[0]) is not bytes or not args[0].startswith(_OLD_START):
        raise RefusedError("elements in another form, expected those of a torch tensor")
    storage = _read_old(args[0], find_tensor_name)
    if type(storage) is not Storage:
        raise RefusedError("elements in another form, expected those of a torch tensor")
    return storage
