"""The config -> every table and figure in ``results/``, and the runs that each of them needs."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

from protogcn.config.cells import Table
from protogcn.config.ensembles import GIVEN, LEARNED
from protogcn.config.folds import has_fold_table, runs_of_folds
from protogcn.config.imports import is_imported
from protogcn.config.members import MOST_STREAMS
from protogcn.config.plan import Ensemble, Plan
from protogcn.config.resolved import MODALITIES, Run
from protogcn.config.runs import RECIPE, look_up
from protogcn.config.starts import runs_trained_before
from protogcn.config.tables import resolve_tables
from protogcn.config.unknown_targets import nearest_targets
from protogcn.errors import ConfigError
from protogcn.files import paths

_PAGE = Path(paths.result("report.html"))
_FILE = re.compile(r"[\w-][\w.@-]*(?:/[\w-][\w.@-]*)*")
_OF_ENSEMBLES = {
    "table": paths.ENSEMBLE,
    "pairs": paths.PAIRS_OF_ENSEMBLE,
    "schemes": paths.SCHEMES,
    "confusion": paths.CONFUSION,
    "reliability": paths.RELIABILITY,
    "streams": paths.STREAMS,
    "worth": paths.WORTH,
}
_Key = tuple[str, str, str]  # task, model, stream


class Target(NamedTuple):
    """A table or a figure.

    Attributes:
        kind: what it is.
        names: what it is of; the last one of several is the task.
        runs: task, model and stream of the runs that it is of; none if it cannot be made.
        learned_on: those of the runs that its weights are learned on.
    """

    kind: str
    names: tuple[str, ...]
    runs: tuple[_Key, ...]
    learned_on: tuple[_Key, ...] = ()

    @property
    def meaning(self) -> str:
        """What messages call it."""
        *names, last = self.names
        return f"the {self.kind} of {', '.join(names)} on {last}" if names else f"table {last}"


@dataclass(frozen=True)
class Page:
    """What ``results/report.html`` shows.

    Attributes:
        tables: names of csv files in ``results/``.
        figures: names of png files in ``results/``.
        runs: the runs whose scores can be compared and whose settings are listed.
    """

    tables: tuple[str, ...]
    figures: tuple[str, ...]
    runs: tuple[Run, ...]


def targets_of(plan: Plan, tables: Mapping[str, Table]) -> dict[str, Target]:
    """Return every table and figure by its file name, without folder and ending.

    Figures of a stream are listed for the streams that some ensemble or table names.

    Raises:
        ConfigError: two of them would have one file name.
    """
    found: dict[str, Target] = {}
    for stem, target in _named(plan, tables):
        other = found.setdefault(stem, target)
        if other is not target:
            raise ConfigError(
                f"{paths.result(stem)}: would be {other.meaning} and {target.meaning}; rename one."
            )
    return found


def page_of(plan: Plan, known: Mapping[str, Target], entry: Mapping[str, Any] | None) -> Page:
    """Resolve a ``report`` section that fits the schema.

    Args:
        plan: the rest of the config.
        known: its tables and figures.
        entry: the section.

    Raises:
        ConfigError: there is none, or it names a task, run or file that cannot exist.
    """
    if entry is None:
        raise ConfigError("report: the config has no such section; name its tasks there.")
    tasks = entry["tasks"]
    look_up("report.tasks", tasks, sorted({task for task, _ in plan.ensembles}))
    for key in ("tables", "figures"):
        for name in entry.get(key, []):
            if not _FILE.fullmatch(name):
                raise ConfigError(
                    f"report.{key}: found {name!r}, expected the name of a file in results/,"
                    " without its ending."
                )
    of_tasks = [
        pattern.format(task=task, ensemble=name)
        for (task, name), scheme in plan.ensembles.items()
        for pattern in (paths.ENSEMBLE, *([paths.SCHEMES] if scheme.weights == LEARNED else []))
        if task in tasks and scheme.on_page
    ]
    usual = [*_worth_of(plan, tasks), *_comparisons_within(tasks, known)]
    further = entry.get("tables", usual)
    tables = tuple(dict.fromkeys([*of_tasks, *further]))
    keys = [key for name in tables if name in known for key in known[name].runs]
    keys += [_key(plan, task, name) for task in tasks for name in entry.get("runs", [])]
    keys = list(dict.fromkeys(keys))
    return Page(
        tables=tables,
        figures=tuple(entry.get("figures", _usual_figures(plan, known, tasks, keys))),
        runs=tuple(plan.run(*key) for key in keys),
    )


def chosen_runs(
    config: Mapping[str, Any], plan: Plan, directory: Path, targets: Sequence[str]
) -> list[Run]:
    """Return the runs that targets need, as Snakemake takes them; else those with a directory.

    A run that others start from comes before them.

    Args:
        config: the config.
        plan: what it describes.
        directory: where ``results/`` is.
        targets: tables, as csv, md or tex, figures of the ensembles' runs, the results page, and
            run directories or files in them.

    Raises:
        ConfigError: a target is none of these, or a comparison table names what does not exist.
    """
    started = _with_directory(plan, directory)
    if not targets:
        return started
    known = targets_of(plan, resolve_tables(config, plan))
    every = {run.name: run for run in [*plan.of_ensembles(), *started]}.values()
    found: dict[str, Run] = {}
    for target in targets:
        path = Path(target)
        keys: Iterable[_Key] = ()
        if path == _PAGE:
            page = page_of(plan, known, config.get("report"))
            shown = [known[name] for name in (*page.tables, *page.figures) if name in known]
            keys = [(run.task, run.model, run.stream) for run in page.runs]
            keys += [key for each in shown for key in (*each.runs, *each.learned_on)]
        elif path.parent == _PAGE.parent and path.stem in known:
            keys = [*known[path.stem].runs, *known[path.stem].learned_on]
        runs = [plan.run(*key) for key in keys] or [
            run
            for run in every
            if path.is_relative_to(run.folder) or Path(run.folder).is_relative_to(path)
        ]
        if not runs or path == Path():
            kinds = {stem: found.kind for stem, found in known.items()}
            near = [t for t in nearest_targets(target, plan, kinds) if t != target]
            example = next(paths.result(stem, ".csv") for stem in known)
            meant = f"did you mean {' or '.join(map(repr, near))}?"
            raise ConfigError(
                f"--target: {target!r} is no table and no run of the config;"
                f" {meant if near else f'expected such as {example}.'}"
            )
        needed = (each for run in runs for each in (*runs_trained_before(run, plan), run))
        found |= {run.name: run for run in needed}
    return list(found.values())


def _named(plan: Plan, tables: Mapping[str, Table]) -> Iterator[tuple[str, Target]]:
    """Yield the file name of each table and figure, and what it is."""
    fused = plan.fused_runs()
    for (task, name), scheme in plan.ensembles.items():
        runs = tuple((task, *member) for member in scheme.members)
        if has_fold_table(plan, task, name):
            stem = paths.FOLDS.format(task=task, ensemble=name)
            yield stem, Target("folds", (name, task), tuple(runs_of_folds(plan, task, name)))
        learned_on: tuple[_Key, ...] = ()
        if scheme.weights != GIVEN:
            learning = plan.learning_runs(task, name)
            learned_on = tuple((run.task, run.model, run.stream) for run in learning)
            stem = paths.WEIGHTS.format(task=task, ensemble=name)
            yield stem, Target("weights", (name, task), learned_on)
        for kind, pattern in _OF_ENSEMBLES.items():
            stem = pattern.format(task=task, ensemble=name)
            yield stem, Target(kind, (name, task), runs, learned_on)
    for name, table in tables.items():
        runs, learned_on = tuple(table.runs), tuple(table.learning_runs)
        yield name, Target("comparison", (name,), runs, learned_on)
        pairs = paths.PAIRS_OF_TABLE.format(table=name)
        yield pairs, Target("pairs", ("rows", name), tuple(table.runs))
    tasks = dict.fromkeys(task for task, _ in plan.ensembles)
    for task, model in product(tasks, plan.models):
        runs = tuple(fused.get((task, model), ()))
        stem = paths.LEARNING_CURVES.format(task=task, model=model)
        yield stem, Target("learning curves", (model, task), runs)
    streams = dict.fromkeys(MODALITIES)
    streams |= dict.fromkeys(s for scheme in plan.ensembles.values() for _, s in scheme.members)
    streams |= dict.fromkeys(stream for table in tables.values() for _, _, stream in table.runs)
    for task, stream, (model, other) in product(tasks, streams, _compared(plan)):
        runs = ((task, model, stream), (task, other, stream))
        names = (stream, model, other, task)
        stem = paths.CLASS_DIFFERENCES.format(task=task, stream=stream, model=model, baseline=other)
        yield stem, Target("difference", names, runs)


def _compared(plan: Plan) -> list[tuple[str, str]]:
    """Return the pairs of models that are each under its own recipe, or both under ProtoGCN's.

    Of any other two the figure is made all the same.
    """
    own = [name for name in plan.models if "@" not in name]
    common = [name for name, (_, recipe) in plan.runs.models.items() if recipe == RECIPE]
    return list(dict.fromkeys([*product(own, own), *product(common, common)]))


def _comparisons_within(tasks: Sequence[str], known: Mapping[str, Target]) -> list[str]:
    """Return the comparison tables that are of these tasks alone."""
    return [
        stem
        for stem, target in known.items()
        if target.kind == "comparison"
        and target.runs
        and {task for task, _, _ in target.runs} <= {*tasks}
    ]


def _largest_ensemble(plan: Plan, task: str) -> Ensemble | None:
    """Return the ensemble on the page with most streams, the first of equals."""
    of_task = [scheme for (of, _), scheme in plan.ensembles.items() if of == task]
    on_page = [scheme for scheme in of_task if scheme.on_page]
    return max(on_page, key=lambda scheme: len(scheme.streams), default=None)


def _worth_of(plan: Plan, tasks: Iterable[str]) -> list[str]:
    """Return what the streams of each task's largest ensemble bring, as table and figure."""
    largest = ((task, _largest_ensemble(plan, task)) for task in tasks)
    return [
        paths.WORTH.format(task=task, ensemble=scheme.name)
        for task, scheme in largest
        if scheme is not None and 1 < len(scheme.streams) <= MOST_STREAMS
    ]


def _usual_figures(
    plan: Plan, known: Mapping[str, Target], tasks: Iterable[str], keys: Iterable[_Key]
) -> list[str]:
    """Return the figures of each task: its largest ensemble, its trainings, its models compared.

    Models are compared class by class on bones, as in the paper's Figure 1, if the page has these
    runs of both. Imported runs have no learning curves.
    """
    stems = {(target.kind, *target.names): stem for stem, target in known.items()}
    figures, shown = [], {*keys}
    for task in tasks:
        if (largest := _largest_ensemble(plan, task)) is None:
            continue
        figures += [stems[kind, largest.name, task] for kind in ("confusion", "streams")]
        figures += _worth_of(plan, [task])
        figures += [
            stems["reliability", name, task]
            for (of, name), scheme in plan.ensembles.items()
            if of == task and scheme.on_page and scheme.weights == LEARNED
        ]
        models = list(dict.fromkeys(model for model, _ in largest.members))
        for curves in (stems["learning curves", model, task] for model in models):
            if not all(is_imported(plan.run(*key)) for key in known[curves].runs):
                figures.append(curves)
        figures += [
            stems["difference", "b", models[0], other, task]
            for of, other in _compared(plan)
            if of == models[0] != other and {(task, of, "b"), (task, other, "b")} <= shown
        ]
    return figures


def _key(plan: Plan, task: str, name: str) -> _Key:
    model, _, stream = name.partition("/")
    if stream:
        look_up("report.runs", [model], plan.models)
    if (task, model, stream) not in plan.runs:
        raise ConfigError(
            f"report.runs: {name!r} is no run of {task}, expected model/stream, such as"
            f" {plan.models[0]}/j-2."
        )
    return task, model, stream


def _with_directory(plan: Plan, directory: Path) -> list[Run]:
    """Return the runs of the config that have a directory: of ensembles first, then the others."""
    runs = {run.name: run for run in plan.of_ensembles() if (directory / run.folder).is_dir()}
    for dataset, model in product(plan.datasets.values(), plan.models):
        for split in dataset.task_splits:
            task = f"{dataset.name}_{split}"
            folder = directory / paths.of_run(dataset.name, split, model, "")
            for place in sorted(folder.iterdir()) if folder.is_dir() else ():
                if place.is_dir() and (task, model, place.name) in plan.runs:
                    run = plan.run(task, model, place.name)
                    runs.setdefault(run.name, run)
    return list(runs.values())
