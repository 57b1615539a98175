"""The targets of a command, as Snakemake takes them -> the runs that they need."""

from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any

from protogcn.config.contents import contents_of
from protogcn.config.plan import Plan
from protogcn.config.resolved import Run
from protogcn.config.tables import resolve_tables
from protogcn.errors import ConfigError, nearest

_PAGE = Path("results/report.html")


def chosen(
    config: Mapping[str, Any], plan: Plan, directory: Path, targets: Sequence[str]
) -> list[Run]:
    """Return the runs that targets need; without any, those that have a directory.

    Args:
        config: the config.
        plan: what it describes.
        directory: where ``results/`` is.
        targets: tables, as csv, md or tex, figures of the ensembles' runs, the results page, and
            run directories or files in them.

    Raises:
        ConfigError: a target is none of these, or a comparison table names what there is not.
    """
    known = _known(plan, directory)
    if not targets:
        return [run for run in known if (directory / run.folder).is_dir()]
    tables = _tables_of(config, plan)
    found: dict[str, Run] = {}
    for target in targets:
        path = Path(target)
        runs = []
        if path == _PAGE:
            runs = _shown_on_page(config, plan)
        elif path.parent == _PAGE.parent:
            runs = tables.get(path.stem) or _shown_in_figure(plan, path.stem)
        runs = runs or [
            run
            for run in known
            if path.is_relative_to(run.folder) or Path(run.folder).is_relative_to(path)
        ]
        if not runs or path == Path():
            names = [f"results/{name}.csv" for name in tables]
            raise ConfigError(
                f"--target: {target!r} is no table and no run of the config, expected such as"
                f" {names[0]}{nearest(target, names) or '.'}"
            )
        found |= {run.name: run for run in runs}
    return list(found.values())


def _tables_of(config: Mapping[str, Any], plan: Plan) -> dict[str, list[Run]]:
    """Return for the name of each table the runs that it needs."""
    tables = {f"{task}_{name}": plan.members(task, name) for task, name in plan.ensembles}
    for name, table in resolve_tables(config, plan).items():
        tables[name] = [plan.run(*key) for key in table.runs if key in plan.runs]
    return tables


def _shown_on_page(config: Mapping[str, Any], plan: Plan) -> list[Run]:
    comparisons = {name: table.runs for name, table in resolve_tables(config, plan).items()}
    contents = contents_of(plan, config.get("report"), comparisons)
    drawn = [run for name in contents.figures for run in _shown_in_figure(plan, name)]
    return [*contents.runs, *drawn]


def _shown_in_figure(plan: Plan, name: str) -> list[Run]:
    """Return the runs of a figure in ``results/``; none if there is no such figure."""
    for task, ensemble in plan.ensembles:
        if name in {f"{task}_{ensemble}_{kind}" for kind in ("confusion", "streams")}:
            return plan.members(task, ensemble)
    tasks = dict.fromkeys(task for task, _ in plan.ensembles)
    for task, model in product(tasks, plan.models):
        if name == f"{task}_{model}_learning_curves":
            return [run for run in plan.of_ensembles() if (run.task, run.model) == (task, model)]
    for task, model, other in product(tasks, plan.models, plan.models):
        stream = name.removeprefix(f"{task}_").removesuffix(f"_{model}_vs_{other}")
        if name == f"{task}_{stream}_{model}_vs_{other}" and (task, model, stream) in plan.runs:
            return [plan.run(task, each, stream) for each in (model, other)]
    return []


def _known(plan: Plan, directory: Path) -> list[Run]:
    """Return the runs of all ensembles, and those that have a directory."""
    runs = {run.name: run for run in plan.of_ensembles()}
    for folder in sorted((directory / "results/runs").glob("*/*/*/*")):
        dataset, split, model, stream = folder.parts[-4:]
        if (key := (f"{dataset}_{split}", model, stream)) in plan.runs:
            run = plan.run(*key)
            runs.setdefault(run.name, run)
    return list(runs.values())
