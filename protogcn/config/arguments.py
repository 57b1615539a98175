"""Resolved settings -> the text that a rule writes to the standard input of its command."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from protogcn.config.cells import Table
from protogcn.config.plan import Plan
from protogcn.config.resolved import Dataset, Run
from protogcn.config.tables import request_of
from protogcn.config.targets import Page, Target
from protogcn.errors import ConfigError

_LONG = 10_000  # characters; of a command 65,535 bytes fit, and quotation marks count several times
_NOT_IN_QUOTES = '"$`\\'


def as_argument(entry: Dataset | Run) -> str:
    """Return resolved settings as they stand in a command.

    Raises:
        ConfigError: they are long, and the working folder cannot have such a command.
    """
    return _in_command(entry.to_mapping())


def table_as_argument(plan: Plan, table: Table) -> str:
    """Return a comparison table, resolved, in the same way; errors as of ``request_of``."""
    return _in_command(request_of(table, plan))


def runs_as_argument(page: Page, targets: Mapping[str, Target]) -> str:
    """Return, for each table on the page, the names of the runs that it is made of."""
    runs = {name: targets[name].runs for name in page.tables if name in targets}
    return _in_command({name: ["/".join(run) for run in keys] for name, keys in runs.items()})


def _in_command(entry: Mapping[str, Any]) -> str:
    """Return settings as JSON, which a rule writes to the standard input of its command.

    Snakemake puts a long command into a script below the working folder, and that script's path
    between quotation marks, in which a shell still reads some letters.
    """
    text = json.dumps(entry, ensure_ascii=False)
    if len(text) > _LONG and (odd := {*_NOT_IN_QUOTES} & {*str(Path.cwd())}):
        raise ConfigError(
            f"{Path.cwd()}: with this many settings ({len(text):,} characters) the folder that the"
            f" workflow runs in cannot have {' '.join(sorted(odd))} in its name; run it in another"
            " one (--directory)."
        )
    return text
