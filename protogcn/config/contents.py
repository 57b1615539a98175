"""The config's ``report`` section -> the tables, figures and runs on ``results/report.html``."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from protogcn.config.imports import is_imported
from protogcn.config.plan import Plan
from protogcn.config.resolved import Run
from protogcn.config.runs import look_up
from protogcn.errors import ConfigError

_FILE = re.compile(r"[\w-][\w.@-]*(?:/[\w-][\w.@-]*)*")


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
    tables = entry.get("tables", _tables_within(entry["tasks"], comparisons))
    for name in tables:
        if name in comparisons:
            members[name] = [plan.run(*run) for run in comparisons[name]]
    further = [
        _further_run(plan, task, name) for task in entry["tasks"] for name in entry.get("runs", [])
    ]
    runs = {run.name: run for group in [*members.values(), further] for run in group}
    return Contents(
        tables=tuple(dict.fromkeys([*members, *tables])),
        figures=tuple(entry.get("figures", _usual_figures(plan, entry["tasks"], runs.values()))),
        runs=tuple(runs.values()),
        behind={table: tuple(run.name for run in group) for table, group in members.items()},
    )


def _tables_within(
    tasks: Iterable[str], comparisons: Mapping[str, Iterable[tuple[str, str, str]]]
) -> list[str]:
    """Return the comparison tables that are of these tasks alone."""
    return [
        name
        for name, runs in comparisons.items()
        if runs and {task for task, _, _ in runs} <= set(tasks)
    ]


def _usual_figures(plan: Plan, tasks: Iterable[str], runs: Iterable[Run]) -> list[str]:
    """Return the figures of each task: its largest ensemble, its trainings, its two models.

    Models are compared class by class on bones, as in the paper's Figure 1, where the page has
    these runs of both. Imported runs have no learning curves.
    """
    figures = []
    streams = {(run.task, run.model, run.stream) for run in runs}
    for task in tasks:
        schemes = [scheme for (of, _), scheme in plan.ensembles.items() if of == task]
        largest = max(schemes, key=lambda scheme: len(scheme.streams))
        figures += [f"{task}_{largest.name}_{kind}" for kind in ("confusion", "streams")]
        model = largest.model
        fused = [run for run in plan.of_ensembles() if (run.task, run.model) == (task, model)]
        if not all(map(is_imported, fused)):
            figures.append(f"{task}_{model}_learning_curves")
        figures += [
            f"{task}_b_{model}_vs_{other}"
            for other in plan.models
            if other != model and {(task, model, "b"), (task, other, "b")} <= streams
        ]
    return figures


def _further_run(plan: Plan, task: str, name: str) -> Run:
    model, _, stream = name.partition("/")
    if (task, model, stream) not in plan.runs:
        raise ConfigError(
            f"report.runs: {name!r} is no run of {task}, expected model/stream, such as"
            f" {plan.models[0]}/j-2."
        )
    return plan.run(task, model, stream)
