"""A dataset's entry of the config -> its class names in label order.

Names are for people: two classes may share one, as two of FineGYM's do. Everything else goes by the
number.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from protogcn.errors import ConfigError

_LONGEST = 200  # characters


def class_names(where: str, entry: Mapping[str, Any], protocol: Sequence[str]) -> tuple[str, ...]:
    """Return the name of every class.

    Args:
        where: the entry, for messages.
        entry: ``classes`` are the names or their number; ``class_names`` is a text file with one
            name a line. With a number alone, names are ``class_017`` and so on.
        protocol: the names of the dataset's protocol, used where the entry says nothing.

    Raises:
        ConfigError: neither is there, the file cannot be read, or the two do not agree.
    """
    classes, file = entry.get("classes"), entry.get("class_names")
    if file is None:
        if isinstance(classes, int):
            return tuple(f"class_{number:03}" for number in range(classes))
        if not (names := tuple(classes or protocol)):
            raise ConfigError(
                f"{where}: lacks classes, the class names in label order or how many there are."
            )
        return names
    if isinstance(classes, list):
        raise ConfigError(f"{where}: has class names in classes and in class_names, expected one.")
    names = _read(f"{where}.class_names", Path(file))
    if classes is not None and len(names) != classes:
        raise ConfigError(
            f"{where}.class_names: {file} has {len(names)} lines, expected {classes}, one for each"
            " class, the first one for label 0."
        )
    return names


def _read(where: str, path: Path) -> tuple[str, ...]:
    try:
        lines = path.read_text("utf-8-sig").splitlines()
    except OSError as error:
        raise ConfigError(
            f"{where}: {path}: {error.strerror}, expected a text file with one name a line."
        ) from None
    except UnicodeDecodeError:
        raise ConfigError(f"{where}: {path} is not UTF-8 text, expected one name a line.") from None
    names = tuple(line.strip() for line in lines)
    while names and not names[-1]:
        names = names[:-1]
    for number, name in enumerate(names, start=1):
        if not 1 <= len(name) <= _LONGEST or not name.isprintable():
            raise ConfigError(
                f"{where}: {path}, line {number}: found {name[:40]!a}, expected a name of 1"
                f" to {_LONGEST} printable characters."
            )
    if len(names) < 2:
        raise ConfigError(f"{where}: {path} has {len(names)} names, expected 2 or more.")
    return names
