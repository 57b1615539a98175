"""Resolved settings -> the argument by which a rule hands them to its command, and back."""

import hashlib
import json
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from protogcn.config.cells import Table
from protogcn.config.plan import Plan
from protogcn.config.resolved import Dataset, Run
from protogcn.config.tables import request_of
from protogcn.config.targets import Page, Target
from protogcn.files.contracts import reading, save_text

_LONGEST = 60_000  # bytes in quotation marks: a system takes 131,072, Snakemake itself 65,535
_FOLDER = Path(".snakemake/settings")
_FILE = "@"  # before the name of a file, with which no JSON begins


def as_argument(entry: Dataset | Run) -> str:
    """Return resolved settings as JSON; of very many the file that has it, ``@FILE``.

    The file is named by the digest of its content, so that other settings are another argument.

    Raises:
        ContractError: the file could not be written.
    """
    return _in_command(entry.to_mapping())


def table_as_argument(plan: Plan, table: Table) -> str:
    """Return a comparison table, resolved, in the same way; errors also as of ``request_of``."""
    return _in_command(request_of(table, plan))


def runs_as_argument(page: Page, targets: Mapping[str, Target]) -> str:
    """Return, for each table on the page, the names of the runs that it is made of."""
    runs = {name: targets[name].runs for name in page.tables if name in targets}
    return _in_command({name: ["/".join(run) for run in keys] for name, keys in runs.items()})


def text_of(argument: str) -> str:
    """Return the JSON of such an argument.

    Raises:
        ContractError: it names a file that cannot be read.
    """
    if not argument.startswith(_FILE):
        return argument
    path = Path(argument.removeprefix(_FILE))
    with reading(path, "the settings of this job, which Snakemake wrote"):
        return path.read_text(encoding="utf-8")


def _in_command(entry: Mapping[str, Any]) -> str:
    text = json.dumps(entry, ensure_ascii=False)
    if len(shlex.quote(text).encode()) <= _LONGEST:
        return text
    path = _FOLDER / f"{hashlib.sha256(text.encode()).hexdigest()[:16]}.json"
    if not path.exists():
        save_text(path, text)
    return f"{_FILE}{path}"
