"""What a score file says of its origin -> that it says it in the form that later stages read."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from protogcn.errors import ContractError

_SPACES = ("probability", "logit", "log_probability")
_KINDS: dict[tuple[str, ...], type | tuple[str, ...]] = {
    ("run",): dict,
    ("run", "dataset"): dict,
    ("run", "dataset", "name"): str,
    ("run", "split"): str,
    ("run", "model"): str,
    ("run", "modality"): str,
    ("run", "repeat"): int,
    ("run", "settings"): dict,
    ("copies",): dict,
    ("copies", "groups"): int,
    ("copies", "test clips"): int,
    ("side",): ("test", "val"),
    ("space",): _SPACES,
    ("run", "settings", "select_on"): ("train", "val", "test"),
}
_OF_EVERY_RUN = 8  # entries of a run, if there is one, have to be there
_WORDS = {dict: "a mapping", str: "a name", int: "a whole number of 0 and up"}


def check_origin(path: Path, origin: Any) -> None:
    """Refuse an origin that later stages could not read.

    Raises:
        ContractError: an entry is missing, or is of another kind.
    """
    if not isinstance(origin, dict):
        raise ContractError(f"{path}: provenance is {_short(origin)}, expected a mapping.")
    for number, (keys, kind) in enumerate(_KINDS.items()):
        value = _value_of(origin, keys)
        if value is None:  # null is not there
            if number < _OF_EVERY_RUN and "run" in origin:
                raise ContractError(f"{path}: does not say {'.'.join(keys)}.")
            if _is_null(origin, keys):
                raise ContractError(f"{path}: {'.'.join(keys)} is null.")
            continue
        if isinstance(kind, tuple):
            right, wanted = isinstance(value, str) and value in kind, ", ".join(kind)
        else:
            is_count = kind is not int or (not isinstance(value, bool) and value in range(2**31))
            right, wanted = isinstance(value, kind) and is_count, _WORDS[kind]
        if not right:
            raise ContractError(f"{path}: {'.'.join(keys)} is {_short(value)}, expected {wanted}.")


def _value_of(origin: Mapping[str, Any], keys: tuple[str, ...]) -> Any:
    value: Any = origin
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _is_null(origin: Mapping[str, Any], keys: tuple[str, ...]) -> bool:
    owner = _value_of(origin, keys[:-1])
    return isinstance(owner, dict) and keys[-1] in owner


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:40]}..."
