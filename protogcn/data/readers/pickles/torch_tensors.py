"""Torch tensors as a pickle describes them -> arrays, checked as those of numpy are; without torch.

A tensor is a view of a storage: its bytes lie elsewhere in the file, or, in a pickle that torch
did not write itself, in a small file of torch inside the pickle.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from protogcn.data.readers.pickles.allowed_names import Foreign, StandIn, find_stand_in, shown_name
from protogcn.data.readers.pickles.numpy_arrays import RefusedError

_TYPES = {
    "FloatStorage": "<f4",
    "DoubleStorage": "<f8",
    "HalfStorage": "<f2",
    "BFloat16Storage": "V2",  # numpy has no such numbers: they become float32
    "LongStorage": "<i8",
    "IntStorage": "<i4",
    "ShortStorage": "<i2",
    "CharStorage": "i1",
    "ByteStorage": "u1",
    "BoolStorage": "?",
}
_MAX_AXES = 32


@dataclass(frozen=True)
class StorageType:
    """Stands for a class such as ``torch.FloatStorage``."""

    dtype: np.dtype


@dataclass(frozen=True)
class Storage:
    """The elements that tensors are views of.

    Attributes:
        dtype: of an element.
        size: elements.
        read: returns their bytes, which are not copied for each tensor: many may share a storage.
    """

    dtype: np.dtype
    size: int
    read: Callable[[], bytes | memoryview]


@dataclass(frozen=True)
class PickledTensor:
    """A tensor whose elements are not read yet."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    @property
    def nbytes(self) -> int:
        """Bytes that reading it takes."""
        return min(math.prod(self.shape), self.storage.size) * self.storage.dtype.itemsize

    def to_array(self) -> np.ndarray:
        """Read the elements; bfloat16 gives float32.

        Raises:
            RefusedError: the tensor would reach beyond its storage, or repeat it.
        """
        storage, count = self.storage, math.prod(self.shape)
        last = self.offset + sum(
            (size - 1) * stride for size, stride in zip(self.shape, self.strides, strict=True)
        )
        if count and (count > storage.size or last >= storage.size):
            raise RefusedError(
                f"a tensor of shape {self.shape} in {storage.size} elements, expected enough"
            )
        if not count:
            return np.zeros(self.shape, _numbers(np.zeros(0, storage.dtype)).dtype)
        raw = storage.read()
        if len(raw) != storage.size * storage.dtype.itemsize:
            raise RefusedError(
                f"{len(raw)} bytes for {storage.size} elements of {storage.dtype}, expected all"
            )
        elements = _numbers(np.frombuffer(raw, storage.dtype)[self.offset :])
        steps = [stride * elements.itemsize for stride in self.strides]
        view = np.lib.stride_tricks.as_strided(elements, self.shape, steps, writeable=False)
        if storage.dtype.kind == "b" and (view.view(np.uint8) > 1).any():
            raise RefusedError("a truth value other than 0 and 1, expected these")
        return view.astype(elements.dtype.newbyteorder("="))  # a copy in one piece


def find_tensor_name(module: str, name: str) -> object:
    """Return what stands in for ``module.name`` among plain data and tensors.

    Raises:
        RefusedError: the name is none of theirs.
    """
    if module == "torch" and name in _TYPES:
        return StorageType(np.dtype(_TYPES[name]))
    return _STAND_INS.get((module, name)) or find_stand_in(module, name)


def find_name_or_foreign(module: str, name: str) -> object:
    """Return what stands in for ``module.name``; for a name that is not known, a ``Foreign``."""
    try:
        return find_tensor_name(module, name)
    except RefusedError:
        return Foreign(shown_name(module, name))


def storage_of(key: object, read: Callable[[str, int], bytes | memoryview]) -> Storage:
    """Return the storage that a persistent id means.

    Args:
        key: ("storage", type, name, device, elements), maybe followed by a view.
        read: (name, number of bytes) -> the bytes of a storage.

    Raises:
        RefusedError: it is no such id, or the storage is a view of another one.
    """
    if type(key) is not tuple or len(key) not in (5, 6) or key[0] != "storage":
        raise RefusedError("a reference in another form, expected a storage of torch")
    _, kind, name, _, size = key[:5]
    if type(kind) is Foreign:
        raise RefusedError(f"a tensor of {kind.name}, expected {', '.join(_TYPES)}")
    if type(kind) is not StorageType or type(name) is not str or not _is_size(size):
        raise RefusedError("a reference in another form, expected a storage of torch")
    if key[5:] not in ((), (None,)):
        raise RefusedError("a storage that is a view, expected a whole one")
    return Storage(kind.dtype, size, lambda: read(name, size * kind.dtype.itemsize))


def _numbers(elements: np.ndarray) -> np.ndarray:
    """Return elements as numpy knows them; a bfloat16 is the upper half of a float32."""
    if elements.dtype.kind != "V":
        return elements
    return (elements.view("<u2").astype("<u4") << 16).view("<f4")


def _tensor(args: tuple[object, ...]) -> PickledTensor:
    """(storage, offset, shape, strides), and what only training needs."""
    if len(args) < 4 or type(args[0]) is not Storage or not _is_size(args[1]):
        raise RefusedError("a tensor in another form, expected torch's")
    storage, offset, shape, strides = args[:4]
    for numbers in (shape, strides):
        if type(numbers) is not tuple or not all(map(_is_size, numbers)):
            raise RefusedError("a tensor with another shape, expected whole numbers")
    if not len(shape) == len(strides) <= _MAX_AXES:
        raise RefusedError("a tensor with another shape, expected a stride for each axis")
    return PickledTensor(storage, offset, shape, strides)


def _parameter(args: tuple[object, ...]) -> PickledTensor:
    if not args or type(args[0]) is not PickledTensor:
        raise RefusedError("a parameter in another form, expected torch's")
    return args[0]


def _is_size(value: object) -> bool:
    return type(value) is int and 0 <= value < 2**48


_STAND_INS = {
    ("torch._utils", "_rebuild_tensor"): StandIn(_tensor),  # before torch 0.4
    ("torch._utils", "_rebuild_tensor_v2"): StandIn(_tensor),
    ("torch._utils", "_rebuild_parameter"): StandIn(_parameter),
}
