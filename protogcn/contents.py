"""The config's ``report`` section -> the tables, figures and runs on ``results/report.html``."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from protogcn.config import Run
from protogcn.errors import ConfigError
from protogcn.plan import Plan
from protogcn.runs import look_up

_FILE = re.compile(r"[\w-][\w.-]*(?:/[\w-][\w.-]*)*")


@dataclass(frozen=True)
class Contents:
    """What the page shows.

    Attributes:
        tables: names of csv files in ``results/``.
        figures: names of png files in ``results/``.
        runs: the runs whose scores can be compared and whose settings are listed.
        behind: for a table's name those of the runs that it is made of, where that is known.
    """

    tables: tuple[str, ...]
    figures: tuple[str, ...]
    runs: tuple[Run, ...]
    behind: Mapping[str, tuple[str, ...]]


def contents_of(
    plan: Plan,
    entry: Mapping[str, Any] | None,
    comparisons: Mapping[str, Iterable[tuple[str, str, str]]],
) -> Contents:
    """Resolve a ``report`` section that fits the schema.

    Args:
        plan: the rest of the config.
        entry: the section.
        comparisons: for the name of each table that is not of one ensemble: task, model and stream
            of the runs it is made of.

    Raises:
        ConfigError: there is none, or it names a task, run or file that cannot be.
    """
    if entry is None:
        raise ConfigError("report: the config has no such section; name its tasks there.")
    look_up("report.tasks", entry["tasks"], sorted({task for task, _ in plan.ensembles}))
    for key in ("tables", "figures"):
        for name in entry.get(key, []):
            if not _FILE.fullmatch(name):
                raise ConfigError(
                    f"report.{key}: found {name!r}, expected the name of a file in results/,"
                    " without its ending."
                )
    members = {
        f"{task}_{name}": plan.members(task, name)
        for task, name in plan.ensembles
        if task in entry["tasks"]
    }
    for name in entry.get("tables", []):
        if name in comparisons:
            members[name] = [plan.run(*run) for run in comparisons[name]]
    further = [
        _further_run(plan, task, name) for task in entry["tasks"] for name in entry.get("runs", [])
    ]
    runs = {run.name: run for group in [*members.values(), further] for run in group}
    return Contents(
        tables=tuple(dict.fromkeys([*members, *entry.get("tables", [])])),
        figures=tuple(entry.get("figures", [])),
        runs=tuple(runs.values()),
        behind={table: tuple(run.name for run in group) for table, group in members.items()},
    )


def _further_run(plan: Plan, task: str, name: str) -> Run:
    model, _, stream = name.partition("/")
    if (task, model, stream) not in plan.runs:
        raise ConfigError(
            f"report.runs: {name!r} is no run of {task}, expected model/stream, such as"
            f" {plan.models[0]}/j-2."
        )
    return plan.run(task, model, stream)
