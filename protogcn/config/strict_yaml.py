"""A YAML file -> its values, or the line in which it is none; no key may appear twice."""

import re
from itertools import chain
from pathlib import Path
from typing import Any

import yaml

from protogcn.errors import ConfigError, nearest
from protogcn.files.first_look import glance_at

_BLANK = "keys and values as in config/config.yaml"
_MOST_VALUES = 200_000  # of a file, each alias as often as it is used; config.yaml has 1,500
_LONGEST_NUMBER = 40  # characters
_OCTAL = re.compile(r"[-+]?0[0-9_]+")
_SEXAGESIMAL = re.compile(r"[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?")


class _StrictLoader(yaml.SafeLoader):
    """YAML in which no key appears twice, aliases do not multiply, numbers are as they look."""

    _num_composed = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        """Stop at too many values before the rest of a large file is read."""
        self._num_composed += 1
        if self._num_composed > _MOST_VALUES:
            raise ConfigError(
                f"{self.name}: has more than {_MOST_VALUES:,} values; many class names stand"
                " in a text file, class_names."
            )
        return super().compose_node(parent, index)

    def get_single_node(self) -> yaml.Node | None:
        node = super().get_single_node()
        if node is not None:
            _count_values(node, {})
        return node

    def construct_yaml_int(self, node: yaml.ScalarNode) -> int:
        """Read a whole number; 010 would be 8 and 12:30:45 would be 45045."""
        _refuse_odd_number(node)
        if len(node.value) > _LONGEST_NUMBER:
            raise ConfigError(
                f"{_place(node)}: found a number of {len(node.value)} digits, expected a shorter"
                " one."
            )
        return super().construct_yaml_int(node)

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        """Make the value of a node; one that its tag does not fit is no YAML."""
        try:
            return super().construct_object(node, deep)
        except (ValueError, KeyError, AttributeError, IndexError, TypeError):
            what = _show_start(node.value) if isinstance(node, yaml.ScalarNode) else "a collection"
            kind = node.tag.rpartition(":")[2]
            raise ConfigError(
                f"{_place(node)}: found {what}, which is no {kind}; put text in quotation marks."
            ) from None

    def construct_yaml_float(self, node: yaml.ScalarNode) -> float:
        """Read a number; 1:30.5 would be 90.5."""
        _refuse_odd_number(node)
        return super().construct_yaml_float(node)

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


_StrictLoader.add_constructor("tag:yaml.org,2002:int", _StrictLoader.construct_yaml_int)
_StrictLoader.add_constructor("tag:yaml.org,2002:float", _StrictLoader.construct_yaml_float)


def _show_start(text: str) -> str:
    """Return the beginning of a text as a message shows it."""
    return repr(text if len(text) <= 40 else f"{text[:40]}...")


def _count_values(node: yaml.Node, known: dict[int, int | None]) -> int:
    """Return how many values a node stands for, those of an alias each time.

    Raises:
        ConfigError: too many, or an alias that stands in what it names.
    """
    if (count := known.get(id(node), 0)) is None:
        raise ConfigError(f"{_place(node)}: an alias is part of what it names; write it out.")
    if not count:
        known[id(node)] = None
        parts = node.value if not isinstance(node, yaml.ScalarNode) else ()
        flat = chain.from_iterable(parts) if isinstance(node, yaml.MappingNode) else parts
        count = known[id(node)] = 1 + sum(_count_values(part, known) for part in flat)
    if count > _MOST_VALUES:
        raise ConfigError(
            f"{_place(node)}: stands for {count:,} values, expected at most {_MOST_VALUES:,}."
        )
    return count


def _refuse_odd_number(node: yaml.ScalarNode) -> None:
    if _OCTAL.fullmatch(node.value) or _SEXAGESIMAL.fullmatch(node.value):
        raise ConfigError(
            f"{_place(node)}: found {node.value[:40]}, which YAML does not read as it looks; write"
            " a number without zeros before it and without colons, or text in quotation marks."
        )


def _place(node: yaml.Node) -> str:
    return f"{node.start_mark.name}, line {node.start_mark.line + 1}"


def read_yaml(path: Path) -> Any:
    """Read a YAML file in which no key appears twice.

    Raises:
        ConfigError: it is no UTF-8, not YAML, or a key appears twice; with the line.
    """
    try:
        glance_at(path, "YAML")
        with path.open(encoding="utf-8-sig") as file:
            return yaml.load(file, Loader=_StrictLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or str(error).splitlines()[0]
        if "\\t" in problem:
            problem = "found a tab at its start, expected blanks"
        raise ConfigError(f"{path}{line}: is no YAML ({problem}).") from None
    except RecursionError:
        raise ConfigError(f"{path}: is nested too deeply.") from None
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
