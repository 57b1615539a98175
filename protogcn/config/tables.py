"""The config's ``tables`` -> the runs behind each cell, every name looked up, without torch."""

import re
from collections.abc import Mapping
from dataclasses import replace
from itertools import product
from typing import Any

from protogcn.config.facts import published_numbers
from protogcn.config.plan import Ensemble, Plan
from protogcn.config.recipe import NO_RECIPE
from protogcn.config.runs import STREAM, check_streams, look_up
from protogcn.config.table_request import Cell, Table, settings_digest
from protogcn.errors import ConfigError, nearest


def resolve_tables(config: Mapping[str, Any], plan: Plan) -> dict[str, Table]:
    """Look up every name in the config's ``tables``.

    Raises:
        ConfigError: a name does not exist, or a table has the file name of an ensemble's.
    """
    files = {f"{task}_{ensemble}": ensemble for task, ensemble in plan.ensembles}
    tables = {}
    for name, entry in config.get("tables", {}).items():
        if name in files:
            raise ConfigError(
                f"tables.{name}: ensembles.{files[name]} makes results/{name}.csv too; rename one."
            )
        tables[name] = _table(name, entry, plan)
    return tables


def common_recipe(table: Table, plan: Plan) -> dict[str, Any]:
    """Return the training settings that all runs of a table share.

    Raises:
        ConfigError: ``same_recipe`` is asked for, and two models are trained differently.
    """
    runs = [plan.run(*names) for names in table.runs]
    recipes = [_recipe(run.settings) for run in runs]
    if table.same_recipe:
        first: dict[tuple[str, str], int] = {}
        for number, run in enumerate(runs):
            other = first.setdefault((run.task, run.stream), number)
            if differing := [k for k, v in recipes[number].items() if v != recipes[other].get(k)]:
                raise ConfigError(
                    f"tables.{table.name}: same_recipe is true, but runs {runs[other].name} and"
                    f" {run.name} differ in {', '.join(differing)}; give both the same settings"
                    " in overrides."
                )
    return {
        key: value
        for key, value in (recipes[0] if recipes else {}).items()
        if key != "seed" and all(recipe.get(key) == value for recipe in recipes)
    }


def digests_of(table: Table, plan: Plan) -> dict[str, str]:
    """Return what tells whether a score file is of the config's settings, by run."""
    runs = [plan.run(*names) for names in table.runs]
    return {run.name: settings_digest(run.to_mapping()) for run in runs}


def _recipe(settings: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in settings.items() if key not in NO_RECIPE}


def _table(name: str, entry: Mapping[str, Any], plan: Plan) -> Table:
    where = f"tables.{name}"
    paper = entry.get("paper", "")
    configured = [f"{d.name}_{split}" for d in plan.datasets.values() for split in d.splits]
    published = dict.fromkeys(row["task"] for row in published_numbers(paper)) if paper else {}
    look_up(f"{where}.tasks", entry["tasks"], [*configured, *published])
    look_up(f"{where}.metrics", entry.get("metrics", {}), [*configured, *published])
    look_up(f"{where}.methods", entry["methods"].values(), plan.models)
    rows = entry["rows"]
    if rows == "streams" and len(entry["methods"]) > 1:
        raise ConfigError(
            f"{where}: rows are streams, but methods are {', '.join(entry['methods'])}; name one,"
            " or set rows to methods."
        )
    schemes = {scheme.name: scheme for scheme in plan.ensembles.values()}
    cells = []
    for (method, model), (stream, sources) in product(
        entry["methods"].items(), entry["streams"].items()
    ):
        place = f"{where}.streams.{stream}"
        sources = [sources] if isinstance(sources, str) else sources
        found = [_source(place, text, schemes) for text in sources]
        if len({scheme.space for scheme in found}) > 1:
            raise ConfigError(f"{place}: {', '.join(sources)} are summed in different spaces.")
        for task in entry["tasks"]:
            there = task in configured
            made = [scheme for scheme in found if there and task in (scheme.tasks or configured)]
            tuned = ("tuned_on_test",) if any(scheme.tuned_on_test for scheme in made) else ()
            for metric in entry.get("metrics", {}).get(task, ["top1"]):
                cells.append(
                    Cell(
                        method=method,
                        stream=stream,
                        task=task,
                        metric=metric,
                        model=model,
                        repeats=tuple(tuple(scheme.streams.items()) for scheme in made),
                        space=found[0].space,
                        notes=tuned if there else ("not_configured",),
                    )
                )
    return Table(
        name=name,
        title=entry.get("title", name),
        rows=rows,
        paper=paper,
        decimals=entry.get("decimals", 2),
        same_recipe=entry.get("same_recipe", False),
        tasks=tuple(entry["tasks"]),
        cells=tuple(cells),
    )


def _source(where: str, text: str, schemes: Mapping[str, Ensemble]) -> Ensemble:
    """Return what one source of a row fuses: a stream alone, an ensemble, or a repeat of one."""
    if re.fullmatch(STREAM, text):
        return Ensemble(text, "", {text: 1}, "probability", (), "", False)
    if text in schemes:
        return schemes[text]
    ensemble, _, repeat = text.rpartition("-")
    if ensemble in schemes and re.fullmatch(r"[2-9]|[1-9][0-9]", repeat):
        return _repeated(where, schemes[ensemble], int(repeat))
    raise ConfigError(
        f"{where}: {text!r} is neither a stream nor an ensemble ({', '.join(schemes)}), nor one of"
        f" these with -2 to -99 behind it for a repeat{nearest(text, schemes) or '.'}"
    )


def _repeated(where: str, scheme: Ensemble, number: int) -> Ensemble:
    """Return an ensemble of further repeats, none of which an earlier repeat of it uses."""
    pairs = [stream.partition("-") for stream in scheme.streams]
    used = max(int(repeat or 1) for _, _, repeat in pairs)
    streams = {
        f"{modality}-{int(repeat or 1) + used * (number - 1)}": weight
        for (modality, _, repeat), weight in zip(pairs, scheme.streams.values(), strict=True)
    }
    check_streams(where, streams)
    return replace(scheme, streams=streams)
