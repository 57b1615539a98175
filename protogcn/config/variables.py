"""The paths of a config -> the same, with ``~`` and ``$VARIABLES`` filled in.

The schema says which values are paths: those of the format ``path``.
"""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from protogcn.errors import ConfigError

_VARIABLE = re.compile(r"\$(?:(\w+)|\{(\w+)\})")


def fill_in(where: str, path: str) -> str:
    """Return a path with ``~``, ``~user``, ``$NAME`` and ``${NAME}`` filled in.

    A file that has such a name as it stands is taken.

    Args:
        where: the key, for messages.
        path: as the config has it.

    Raises:
        ConfigError: a variable is not set, or there is no such user.
    """
    if not {"~", "$"} & {*path} or Path(path).exists():
        return path
    for name in map(lambda match: match[1] or match[2], _VARIABLE.finditer(path)):
        if not os.environ.get(name):
            raise ConfigError(
                f"{where}: found {path!r}, but the variable {name} is not set here; set it (export"
                f" {name}=...) or write the folder in its place."
            )
    found = os.path.expanduser(os.path.expandvars(path))  # noqa: PTH111 - keeps the rest as it is
    if found.startswith("~"):
        user = found.partition("/")[0]
        raise ConfigError(f"{where}: found {path!r}, but {user} is no home directory here.")
    return found


def made_folder(path: str) -> str:
    """Return the folder that the config's ``directory`` names, filled in and there.

    Raises:
        ConfigError: it cannot be made; see ``fill_in``.
    """
    found = fill_in("directory", path)
    try:
        Path(found).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(
            f"directory: {found} cannot be the folder of results ({error.strerror})."
        ) from None
    return found


def fill_in_paths(
    value: Any, schema: Mapping[str, Any], definitions: Mapping[str, Any], where: str = ""
) -> Any:
    """Return a config with all of its paths filled in; what does not fit the schema stays.

    Raises:
        ConfigError: see ``fill_in``.
    """
    schema = definitions[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
    if isinstance(value, str) and schema.get("format") == "path":
        return fill_in(where, value)
    if not isinstance(value, Mapping):
        return value
    known, others = schema.get("properties", {}), schema.get("additionalProperties") or {}
    return {
        key: fill_in_paths(
            entry, known.get(key, others), definitions, f"{where}.{key}" if where else str(key)
        )
        for key, entry in value.items()
    }
