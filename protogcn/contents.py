"""The config's ``report`` section -> the tables, figures and runs on ``results/report.html``."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from protogcn.config import Run
from protogcn.errors import ConfigError
from protogcn.plan import Plan
from protogcn.runs import look_up


@dataclass(frozen=True)
class Contents:
    """What the page shows.

    Attributes:
        tables: names of csv files in ``results/``.
        figures: names of png files in ``results/``.
        runs: the runs whose scores can be compared and whose settings are listed.
        behind: for the table of an ensemble the names of its runs.
    """

    tables: tuple[str, ...]
    figures: tuple[str, ...]
    runs: tuple[Run, ...]
    behind: Mapping[str, tuple[str, ...]]


def contents_of(plan: Plan, entry: Mapping[str, Any] | None) -> Contents:
    """Resolve a ``report`` section that fits the schema.

    Raises:
        ConfigError: there is none, or it names a task or run that does not exist.
    """
    if entry is None:
        raise ConfigError("report: the config has no such section; name its tasks there.")
    known = {task for task, _ in plan.ensembles}
    look_up("report.tasks", entry["tasks"], sorted(known))
    behind, runs = {}, {}
    for task in entry["tasks"]:
        for name in (name for other, name in plan.ensembles if other == task):
            members = plan.members(task, name)
            runs |= {run.name: run for run in members}
            behind[f"{task}_{name}"] = tuple(run.name for run in members)
        for name in entry.get("runs", []):
            model, _, stream = name.partition("/")
            run = plan.run(task, model, stream)
            runs[run.name] = run
    tables = dict.fromkeys([*behind, *entry.get("tables", [])])
    return Contents(
        tables=tuple(tables),
        figures=tuple(entry.get("figures", [])),
        runs=tuple(runs.values()),
        behind=behind,
    )
