"""A file of safetensors, of unknown origin -> its tensors by name.

The length of a header (8 bytes), the header in JSON (for each tensor its type, shape, and first and
last byte), then the bytes of all tensors.
"""

import json
import math
from itertools import accumulate
from pathlib import Path

import numpy as np

from protogcn.data.readers.malformed import show
from protogcn.data.readers.pickles.numpy_arrays import RefusedError
from protogcn.data.readers.pickles.torch_tensors import PickledTensor, Storage
from protogcn.errors import ContractError
from protogcn.files.contracts import reading

_TYPES = {
    "F64": "<f8",
    "F32": "<f4",
    "F16": "<f2",
    "BF16": "V2",  # numpy has no such numbers: they become float32
    "I64": "<i8",
    "I32": "<i4",
    "I16": "<i2",
    "I8": "i1",
    "U8": "u1",
    "BOOL": "?",
}
_LENGTH = 8  # bytes of the header's length
_METADATA = "__metadata__"


def load_safetensors(path: Path) -> dict[str, PickledTensor]:
    """Read names and shapes; elements are read when a tensor is asked for them.

    Raises:
        ContractError: it is damaged or cut short, or has elements of another type.
    """
    with reading(path, "a safetensors file"):
        data = path.read_bytes()
        start = _LENGTH + int.from_bytes(data[:_LENGTH], "little")
        header = json.loads(data[_LENGTH:start])
        try:
            found = {
                name: _tensor(entry, memoryview(data)[start:])
                for name, entry in header.items()
                if name != _METADATA
            }
            needed = sum(tensor.nbytes for tensor in found.values())
            if needed > len(data) - start:
                raise RefusedError(
                    f"tensors of {needed:,} bytes in {len(data) - start:,}, expected each in its"
                    " own"
                )
            return found
        except RefusedError as error:
            raise ContractError(f"{path}: found {error}.") from error


def _tensor(entry: object, data: memoryview) -> PickledTensor:
    fields = entry if type(entry) is dict else {}
    kind, shape, places = (fields.get(key) for key in ("dtype", "shape", "data_offsets"))
    if kind not in _TYPES:
        raise RefusedError(f"a tensor of {show(kind)}, expected {', '.join(_TYPES)}")
    if not _are_sizes(shape) or not _are_sizes(places) or len(places) != 2:
        raise RefusedError("a tensor without shape and place, expected both")
    dtype, (first, last) = np.dtype(_TYPES[kind]), places
    if last - first != math.prod(shape) * dtype.itemsize:
        raise RefusedError(f"{last - first} bytes of a tensor of shape {shape}, expected its size")
    if last > len(data):
        raise RefusedError(
            f"{len(data)} bytes of tensors, expected at least {last}; the file is cut short:"
            " download or make it again"
        )
    storage = Storage(dtype, math.prod(shape), lambda: data[first:last])
    strides = [*accumulate(reversed(shape[1:]), lambda a, b: a * b, initial=1)][::-1]
    return PickledTensor(storage, 0, tuple(shape), tuple(strides[: len(shape)]))


def _are_sizes(values: object) -> bool:
    return type(values) is list and all(type(v) is int and 0 <= v < 2**48 for v in values)
