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
from protogcn.files.contracts import check_seal, reading, save_text

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
        temperature: what the logarithms of its probabilities are divided by first.
    """

    stream: str
    weight: float
    folder: Path
    facts: Mapping[str, Any] = MappingProxyType({})
    temperature: float = 1.0


class EnsembleRecord(NamedTuple):
    """What an ensemble is made of.

    Attributes:
        space: what is summed, see ``fusion.in_space``.
        runs: one or more.
        remarks: what a reader of the table has to know of all of them together.
        temperature: what the logarithms of the fused probabilities are divided by, to calibrate
            them; None where no weights were learned.
        learned_on: the clips that weights and temperatures are from.
    """

    space: str
    runs: Sequence[FusedRun]
    remarks: Sequence[str] = ()
    temperature: float | None = None
    learned_on: str = ""


def save_ensemble_record(path: Path, record: EnsembleRecord) -> None:
    """Write the record of an ensemble whole or not at all."""
    members = [
        {
            "stream": run.stream,
            "weight": run.weight,
            "run": os.path.relpath(run.folder, path.parent),
            **run.facts,
            **({} if run.temperature == 1 else {"temperature": run.temperature}),
        }
        for run in record.runs
    ]
    content = {"format": _FORMAT, "space": record.space, "members": members}
    if record.remarks:
        content["remarks"] = list(record.remarks)
    if record.temperature is not None:
        content |= {"temperature": record.temperature, "learned on": record.learned_on}
    save_text(path, json.dumps(content, indent=1) + "\n", sealed=True)


def load_ensemble_record(path: Path) -> EnsembleRecord:
    """Read the record of an ensemble.

    Raises:
        ContractError: it is missing, damaged, of another format, or names no run.
    """
    with reading(path, "the record of an ensemble, which the fuse stage writes beside its table"):
        check_seal(path)
        content = json.loads(path.read_text(encoding="utf-8"))
        if (found := content.get("format")) != _FORMAT:
            raise ContractError(f"{path}: found format {found}, expected {_FORMAT}; fuse again.")
        runs = [
            FusedRun(
                str(member.pop("stream")),
                float(member.pop("weight")),
                path.parent / member.pop("run"),
                temperature=float(member.pop("temperature", 1.0)),
                facts=member,
            )
            for member in content["members"]
        ]
        record = EnsembleRecord(
            str(content["space"]),
            runs,
            tuple(content.get("remarks", ())),
            content.get("temperature"),
            str(content.get("learned on", "")),
        )
    if not runs:
        raise ContractError(f"{path}: names no run, expected one or more; fuse again.")
    return record
