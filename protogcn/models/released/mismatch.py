"""Names and shapes of a state dict and of a network -> one message with all their differences."""

import re
from collections.abc import Iterable, Iterator

from protogcn.errors import ContractError


def refuse_mismatch(
    names: Iterable[str], expected: Iterable[str], misshapen: Iterable[str] = ()
) -> None:
    """Refuse tensors that are missing, unknown or of another shape.

    Args:
        names: those that the state dict has.
        expected: those that the network has.
        misshapen: a name and its two shapes for each tensor of another shape.

    Raises:
        ContractError: there is a difference; all are named, in one entry those that differ only in
            the numbers of blocks and branches.
    """
    names, expected = dict.fromkeys(names), dict.fromkeys(expected)
    if not names.keys() & expected.keys():
        raise ContractError(
            f"none of its {len(names)} tensors (such as {next(iter(names), 'none')[:80]}) has a"
            f" name of this network, such as {next(iter(expected))}; it is another network's."
        )
    problems = {
        "missing": [name for name in expected if name not in names],
        "unknown": [name for name in names if name not in expected],
        "of another shape": list(misshapen),
    }
    lines = [
        f"\n  {len(entries)} {kind}: {', '.join(_grouped(entries))}"
        for kind, entries in problems.items()
        if entries
    ]
    if lines:
        raise ContractError(f"its tensors are not those of this network:{''.join(lines)}")


def _grouped(entries: Iterable[str]) -> Iterator[str]:
    groups: dict[str, list[str]] = {}
    for entry in entries:
        groups.setdefault(
            re.sub(r"(gcn|net|branches|blocks|dilated|refine)\.\d+", r"\1.*", entry), []
        ).append(entry)
    for pattern, members in groups.items():
        yield members[0] if len(members) == 1 else f"{pattern} ({len(members)} times)"
