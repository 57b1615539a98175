"""What a stage read from a file -> one digest: equal values have equal ones, whatever their kind."""

import dataclasses
import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import torch


def fingerprint(value: Any) -> str:
    """Return the SHA-256 of nested values, tensors and arrays; NaN equals NaN."""
    digest = hashlib.sha256()
    _add(value, digest)
    return digest.hexdigest()


def _add(value: Any, digest: Any) -> None:
    match value:
        case torch.Tensor():
            _add(value.detach().cpu().numpy(), digest)
        case np.ndarray() if value.dtype != object:
            digest.update(f"{value.dtype} {value.shape}".encode())
            digest.update(np.ascontiguousarray(value).tobytes())
        case np.ndarray():
            _add(value.tolist(), digest)
        case pd.DataFrame():
            _add(value.to_csv(), digest)
        case Mapping():
            for key in sorted(value, key=str):
                _add((key, value[key]), digest)
        case list() | tuple():
            digest.update(f"{len(value)}[".encode())
            for each in value:
                _add(each, digest)
        case _ if dataclasses.is_dataclass(value):
            _add(
                {field.name: getattr(value, field.name) for field in dataclasses.fields(value)},
                digest,
            )
        case _:
            digest.update(f"{type(value).__name__} {value!r};".encode())
