"""``results/{task}_{ensemble}.json``: the runs of an ensemble and their weights, beside its table.

Runs are named as seen from the file, so that results can be moved as a whole.
"""

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from protogcn.errors import ContractError
from protogcn.files.contracts import reading, save_text

_FORMAT = 1


class FusedRun(NamedTuple):
    """One run of an ensemble.

    Attributes:
        stream: what the ensemble calls it.
        weight: what its scores are multiplied by.
        folder: its run directory.
        facts: what a reader of the table has to know of its scores, as their provenance has it:
            ``start``, the network that its training started from; ``space`` and ``imported``, what
            an imported file holds and how it was read; ``copies``, how many there are across the
            split: ``groups`` of equal clips and ``test clips`` in them.
    """

    stream: str
    weight: float
    folder: Path
    facts: Mapping[str, Any] = MappingProxyType({})


class EnsembleRecord(NamedTuple):
    """What an ensemble is made of.

    Attributes:
        space: what is summed, see ``fusion.in_space``.
        runs: one or more.
        remarks: what a reader of the table has to know of all of them together.
    """

    space: str
    runs: Sequence[FusedRun]
    remarks: Sequence[str] = ()


def save_ensemble_record(path: Path, record: EnsembleRecord) -> None:
    """Write the record of an ensemble whole or not at all."""
    members = [
        {"stream": stream, "weight": weight, "run": os.path.relpath(folder, path.parent), **facts}
        for stream, weight, folder, facts in record.runs
    ]
    content = {"format": _FORMAT, "space": record.space, "members": members}
    if record.remarks:
        content["remarks"] = list(record.remarks)
    save_text(path, json.dumps(content, indent=1) + "\n")


def load_ensemble_record(path: Path) -> EnsembleRecord:
    """Read the record of an ensemble.

    Raises:
        ContractError: it is missing, damaged, of another format, or names no run.
    """
    with reading(path, "the record of an ensemble, which the fuse stage writes beside its table"):
        content = json.loads(path.read_text(encoding="utf-8"))
        if (found := content.get("format")) != _FORMAT:
            raise ContractError(f"{path}: found format {found}, expected {_FORMAT}; fuse again.")
        runs = [
            FusedRun(
                str(member.pop("stream")),
                float(member.pop("weight")),
                path.parent / member.pop("run"),
                member,
            )
            for member in content["members"]
        ]
        record = EnsembleRecord(str(content["space"]), runs, tuple(content.get("remarks", ())))
    if not runs:
        raise ContractError(f"{path}: names no run, expected one or more; fuse again.")
    return record
