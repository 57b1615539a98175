"""All faults of raw files -> one ContractError with a line for each kind of them."""

import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from protogcn.data.readers.malformed import MalformedError
from protogcn.errors import ConfigError, ContractError, some_of

MOST_LINES = 20  # of a report
_QUOTED = r"""b?(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")(?:\.\.\.)?"""
_NUMBER = r"[-+]?(?:\d[\d_]*\.?\d*(?:e[-+]?\d+)?|inf|nan)"
_ITEM = re.compile(rf"(sample|annotation|line) ({_QUOTED}|\d+)(?:, (.*))?", re.DOTALL)
_VARYING = re.compile(rf"{_QUOTED}|\S*[\d./\\]\S*")
_HINT = re.compile(r"; did you mean .*")
_VALUES = 3  # that a line shows


def report_malformed(
    where: str, kind: str, faults: Sequence[MalformedError], *, of: int | None = None
) -> None:
    """Raise for the faults of a whole data set; return if there is none.

    Args:
        where: the folder or file that was read.
        kind: what the faults are counted in, plural: ``files`` or ``samples``.
        faults: all of them, in reading order.
        of: how many samples or files were looked at.

    Raises:
        ContractError: there is a fault; a line for each kind, at most 20. Its ``faults`` are all.
    """
    if not faults:
        return
    lines = sum_up(faults, of=of, where=where)
    if len(lines) > MOST_LINES:
        lines[MOST_LINES - 1 :] = [more_kinds(len(lines) - MOST_LINES + 1)]
    text = "".join(f"\n  {line}" for line in lines)
    raise ContractError(f"{where}: {len(faults):,} malformed {kind}:{text}", faults)


def more_kinds(number: int, what: str = "faults") -> str:
    """Return the line that stands for further kinds of faults or warnings."""
    return (
        f"and {number} more kind{'s'[: number - 1]} of {what}; all of them: protogcn check_dataset"
        " NAME --faults FILE.csv"
    )


def sum_up(
    faults: Iterable[MalformedError], *, of: int | None = None, where: str | None = None
) -> list[str]:
    """Return a line for all faults that are alike: of one field, found and expected alike.

    Args:
        faults: in reading order.
        of: how many samples or files were looked at.
        where: the folder or file above the lines; a file of such a folder is named in them.
    """
    groups: dict[tuple[str, ...], list[MalformedError]] = {}
    for fault in faults:
        groups.setdefault(_kind_of(fault), []).append(fault)
    return [_line(group, of, where) for group in groups.values()]


def results_of(*checks: Callable[[], Any]) -> list[Any]:
    """Return what checks return that do not depend on one another.

    Raises:
        ConfigError, ContractError: for all that fail, together; the kind is that of the first.
    """
    results, errors = [], []
    for check in checks:
        try:
            results.append(check())
        except (ConfigError, ContractError) as error:
            errors.append(error)
    if errors:
        faults = [fault for error in errors for fault in error.faults]
        raise type(errors[0])("\n".join(map(str, errors)), faults)
    return results


def _kind_of(fault: MalformedError) -> tuple[str, ...]:
    """Return what faults that are alike have in common."""
    unit, _, field = _parts(fault)
    expected = _alike(_HINT.sub("", fault.expected))
    # What follows may be the sample's own: "19, the frames of its keypoint", "one of a.npy".
    return unit, _alike(field), _kind_of_value(fault.found), *expected.split()[:2]


def _line(faults: Sequence[MalformedError], of: int | None, where: str | None) -> str:
    first = faults[0]
    if len(faults) == 1:
        return str(first)
    files = list(dict.fromkeys(fault.file for fault in faults))
    unit, _, field = _parts(first)
    fields = list(dict.fromkeys(_parts(fault)[2] for fault in faults))
    if len(files) > 1:
        unit = "file"
        items = [fault.file for fault in faults]
    else:
        items = [_parts(fault)[1] for fault in faults]
    if len(fields) > 1:  # such as a line of each file
        field = ""
        items = [f"{item}, {_parts(fault)[2]}" for item, fault in zip(items, faults, strict=True)]
    items = list(dict.fromkeys(items))
    separator = "; " if len(fields) > 1 else ", "
    names = {"annotation": "sample", "": "place"}.get(unit, unit)
    count = f"{len(items):,} of {of:,} {names}s" if of else f"{len(items):,} {names}s"
    place = f"{field}: " if field else ""
    if len(files) == 1 and where is not None and Path(where).name != files[0]:
        place = f"{files[0]}, {place}" if field else f"{files[0]}: "
    same = len({_HINT.sub("", fault.expected) for fault in faults}) == 1
    expected = _HINT.sub("", first.expected) if same else f"{first.expected} (of the first)"
    return (
        f"{place}found {_values([fault.found for fault in faults])} in"
        f" {count} ({some_of(items, separator=separator)}), expected {expected}"
    )


def _parts(fault: MalformedError) -> tuple[str, str, str]:
    """Return the unit (sample, annotation, line, or nothing), its name, and the field in it."""
    match = _ITEM.fullmatch(fault.place)
    if match is None or (match[1] == "line" and match[3] is None):  # a line of a file of one clip
        return "", fault.place, fault.place
    name = match[2]
    if match[1] == "sample":
        name = re.sub(r"""^(['"])(.*)\1""", r"\2", name)
    return match[1], name, match[3] or ""


def _kind_of_value(found: str) -> str:
    if re.fullmatch(_QUOTED, found):
        return "text"
    return "number" if re.fullmatch(_NUMBER, found) else _alike(found)


def _alike(text: str) -> str:
    return _VARYING.sub("#", text)


def _values(found: Sequence[str]) -> str:
    values = list(dict.fromkeys(found))
    if len(values) == 1:
        return values[0]
    kind = _kind_of_value(values[0])
    shown = some_of(values, _VALUES, separator=", " if kind in ("text", "number") else "; ")
    return f"text ({shown})" if kind == "text" else shown
