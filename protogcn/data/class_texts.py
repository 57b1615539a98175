"""Two text files on the classes of a dataset -> the texts that the method GAP compares clips with.

Source: the form of GAP's own files. Descriptions: a line for each class, ``name; head; hand; arm;
hip; leg; foot``. Synonyms: a line for each class, its names with commas between them. Lines are in
the order of the labels.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from protogcn.errors import ConfigError, ContractError
from protogcn.files.contracts import reading

_FIELDS = ("name", "head", "hand", "arm", "hip", "leg", "foot")


@dataclass(frozen=True)
class ClassTexts:
    """What is embedded.

    Attributes:
        parts: for head, hand, hip and foot a text on each class.
        synonyms: for each class its names.
        notes: what was left out or cannot be checked, a sentence each.
    """

    parts: tuple[tuple[str, ...], ...]
    synonyms: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...]


def read_class_texts(descriptions: Path, synonyms: Path, classes: Sequence[str]) -> ClassTexts:
    """Read both files.

    Args:
        descriptions: see above.
        synonyms: see above.
        classes: the dataset's class names in label order; a file may go on after the last one, as
            that of NTU-120 does for NTU-60.

    Raises:
        ConfigError: a file is missing.
        ContractError: a line has another form, there are too few, or they are in another order.
    """
    described = [_fields(descriptions, *line) for line in _lines(descriptions, classes)]
    named = [_names(synonyms, *line) for line in _lines(synonyms, classes)]
    notes = [
        *_check_order(descriptions, [fields[0] for fields in described], classes),
        *_check_order(synonyms, [names[0] for names in named], classes),
    ]
    for path in (descriptions, synonyms):
        if (found := len(_read(path))) > len(classes):
            notes.append(f"{path}: the first {len(classes)} of its {found} lines are used.")
    return ClassTexts(
        parts=tuple(zip(*(_joined(*fields) for fields in described), strict=True)),
        synonyms=tuple(named),
        notes=tuple(notes),
    )


def _joined(
    name: str, head: str, hand: str, arm: str, hip: str, leg: str, foot: str
) -> tuple[str, str, str, str]:
    """Return the texts of head, hand, hip and foot as GAP joins them.

    Between name and hand there is nothing but the blank that the field itself begins with.
    """
    return f"{name},{head}", f"{name}{hand},{arm}", f"{name},{hip}", f"{name},{leg},{foot}"


def _fields(path: Path, number: int, line: str) -> list[str]:
    fields = line.split(";")
    if len(fields) != len(_FIELDS) or not all(field.strip() for field in fields):
        raise ContractError(
            f"{path}, line {number}: found {len(fields)} fields with ; between them in"
            f" {line[:60]!r}, expected {len(_FIELDS)}, none of them empty: {'; '.join(_FIELDS)}."
        )
    return fields


def _names(path: Path, number: int, line: str) -> tuple[str, ...]:
    names = tuple(line.split(","))
    if not all(name.strip() for name in names):
        raise ContractError(
            f"{path}, line {number}: found an empty name in {line[:60]!r}, expected names of one"
            " class with commas between them."
        )
    return names


def _lines(path: Path, classes: Sequence[str]) -> list[tuple[int, str]]:
    """Return the number and the text of each class's line."""
    lines = _read(path)
    if len(lines) < len(classes):
        raise ContractError(
            f"{path}: has {len(lines)} lines, expected one for each of {len(classes)} classes."
        )
    return list(enumerate(lines[: len(classes)], start=1))


def _read(path: Path) -> list[str]:
    if not path.is_file():
        fault = "is a folder" if path.is_dir() else "does not exist"
        raise ConfigError(f"{path}: {fault}, expected texts on classes (docs/methods.md).")
    with reading(path, "UTF-8 text, a line for each class"):
        lines = [line.strip() for line in path.read_text(encoding="utf-8-sig").splitlines()]
    while lines and not lines[-1]:
        del lines[-1]
    if "" in lines:
        raise ContractError(f"{path}, line {lines.index('') + 1}: is empty, expected a class.")
    return lines


def _check_order(path: Path, found: Sequence[str], classes: Sequence[str]) -> list[str]:
    """Refuse the dataset's own names in another order; of other names return a note."""
    own = {name.strip().casefold(): label for label, name in enumerate(classes)}
    other = []
    for label, name in enumerate(found):
        expected = own.get(name.strip().casefold())
        if expected is None:
            other.append(label)
        elif classes[expected].strip().casefold() != classes[label].strip().casefold():
            raise ContractError(
                f"{path}, line {label + 1}: is of {name.strip()!r}, expected class {label},"
                f" {classes[label]!r}; lines are in the order of the labels."
            )
    if not other:
        return []
    return [
        f"{path}: {len(other)} of its names are not the dataset's, such as"
        f" {found[other[0]].strip()!r} for {classes[other[0]]!r}; lines are taken in their order."
    ]
