"""What a score file says of its origin -> that it says it in the form that later stages read."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from protogcn.errors import ContractError

_SPACES = ("probability", "logit", "log_probability")
_Keys = tuple[str, ...]
_Kind = type | tuple[str, ...]
_OF_EVERY_RUN: dict[_Keys, _Kind] = {
    ("run",): dict,
    ("run", "dataset"): dict,
    ("run", "dataset", "name"): str,
    ("run", "split"): str,
    ("run", "model"): str,
    ("run", "modality"): str,
    ("run", "repeat"): int,
    ("run", "settings"): dict,
}
_IF_GIVEN: dict[_Keys, _Kind] = {
    ("run", "settings", "select_on"): ("train", "val", "test"),
    ("copies",): dict,
    ("copies", "groups"): int,
    ("copies", "test clips"): int,
    ("side",): ("test", "val"),
    ("space",): _SPACES,
}
_WORDS = {dict: "a mapping", str: "a name", int: "a whole number of 0 and up"}
_MISSING = object()


def check_origin(path: Path, origin: Any) -> None:
    """Refuse an origin that later stages could not read.

    Args:
        path: the score file, for messages.
        origin: its provenance, read from JSON; without a run it is of no run.

    Raises:
        ContractError: an entry is missing, or is of another kind.
    """
    if not isinstance(origin, dict):
        raise ContractError(f"{path}: provenance is {_short(origin)}, expected a mapping.")
    if "run" in origin:
        for keys, kind in _OF_EVERY_RUN.items():
            _check(path, keys, _value_of(origin, keys), kind)
    for keys, kind in _IF_GIVEN.items():
        if (value := _value_of(origin, keys)) is not _MISSING:
            _check(path, keys, value, kind)


def _check(path: Path, keys: _Keys, value: Any, kind: _Kind) -> None:
    name = ".".join(keys)
    if value is _MISSING:
        raise ContractError(f"{path}: does not say {name}.")
    if isinstance(kind, tuple):
        right, wanted = isinstance(value, str) and value in kind, ", ".join(kind)
    else:
        right, wanted = isinstance(value, kind), _WORDS[kind]
        if kind is int:
            right = right and not isinstance(value, bool) and value in range(2**31)
    if not right:
        raise ContractError(f"{path}: {name} is {_short(value)}, expected {wanted}.")


def _value_of(origin: Mapping[str, Any], keys: _Keys) -> Any:
    value: Any = origin
    for key in keys:
        value = value.get(key, _MISSING) if isinstance(value, dict) else _MISSING
    return value


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:40]}..."
