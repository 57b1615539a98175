"""A YAML file -> its values, or the line in which it is none; no key may appear twice."""

from pathlib import Path
from typing import Any

import yaml

from protogcn.errors import ConfigError, nearest

_BLANK = "keys and values as in config/config.yaml"


class _StrictLoader(yaml.SafeLoader):
    """YAML in which no key appears twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict:
        lines: dict[str, int] = {}
        for key, _ in node.value:
            line, name = key.start_mark.line + 1, str(key.value)
            if name in lines and key.tag != "tag:yaml.org,2002:merge":
                raise ConfigError(
                    f"{node.start_mark.name}, line {line}: key {name!r} appears twice, the first"
                    f" time in line {lines[name]}; expected once."
                )
            lines[name] = line
        return super().construct_mapping(node, deep)


def read_yaml(path: Path) -> Any:
    """Read a YAML file in which no key appears twice.

    Raises:
        ConfigError: it is no UTF-8, not YAML, or a key appears twice; with the line.
    """
    try:
        with path.open(encoding="utf-8-sig") as file:
            return yaml.load(file, Loader=_StrictLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or str(error).splitlines()[0]
        if "\\t" in problem:
            problem = "found a tab at its start, expected blanks"
        raise ConfigError(f"{path}{line}: is no YAML ({problem}).") from None
    except UnicodeDecodeError as error:
        raise ConfigError(_encoding_of(path, error)) from None


def read_config(path: Path) -> dict[str, Any]:
    """Read a YAML file of a config.

    Raises:
        ConfigError: it cannot be read, see ``read_yaml``, or is no map.
    """
    try:
        found = read_yaml(path)
    except OSError as error:
        raise ConfigError(f"--configfile: {_not_read(path, error)}") from None
    if found is None:
        raise ConfigError(f"{path}: holds no key, expected {_BLANK}.")
    if not isinstance(found, dict):
        kind = "a list" if isinstance(found, list) else f"{str(found)[:40]!r}"
        raise ConfigError(f"{path}: found {kind}, expected {_BLANK}.")
    return found


def _not_read(path: Path, error: OSError) -> str:
    if path.is_dir():
        return f"{path} is a folder, expected a config file."
    if not isinstance(error, FileNotFoundError):
        return f"{path} could not be read ({error.strerror})."
    if path.suffix not in (".yaml", ".yml", ".json"):
        return f"{path} is no config; a target stands before --configfile."
    beside = [file.name for file in path.parent.glob("*.y*ml")]
    hint = nearest(path.name, beside) or "."
    return f"{path} does not exist{'' if path.is_absolute() else f' in {Path.cwd()}'}{hint}"


def _encoding_of(path: Path, error: UnicodeDecodeError) -> str:
    content = path.read_bytes()
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return f"{path}: is UTF-16 text, expected UTF-8; save it so."
    line = content.count(b"\n", 0, error.start) + 1
    letter = content[error.start : error.start + 1].decode("latin-1")
    return (
        f"{path}, line {line}: found the byte 0x{content[error.start]:02x} ({letter!a} in latin-1),"
        " expected UTF-8 text; save it so."
    )
