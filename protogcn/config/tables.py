"""The config's ``tables`` -> their cells, and for each the runs that it is measured from.

Nothing here imports torch: every name is looked up before a job starts.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from itertools import product
from typing import Any

from protogcn.config.cells import Cell, Table
from protogcn.config.ensembles import GIVEN, LEARNED, Ensemble
from protogcn.config.facts import published_numbers
from protogcn.config.members import check_members, split_member
from protogcn.config.plan import Plan
from protogcn.config.recipe import recipe_of, settings_digest, shared_and_own
from protogcn.config.resolved import Run
from protogcn.config.runs import STREAM, check_streams, look_up
from protogcn.config.taken_names import check_table_names
from protogcn.errors import ConfigError, nearest


def resolve_tables(config: Mapping[str, Any], plan: Plan) -> dict[str, Table]:
    """Look up every name in the config's ``tables``.

    Raises:
        ConfigError: a name does not exist, or is that of another file.
    """
    check_table_names(config.get("tables", {}), plan)
    return {name: _table(name, entry, plan) for name, entry in config.get("tables", {}).items()}


def request_of(table: Table, plan: Plan) -> dict[str, Any]:
    """Return a table as its file holds it.

    Beside the table: ``digests``, which tell whether a score file is of the config's settings, by
    run, and ``recipe``, the settings below a table of one recipe.

    Raises:
        ConfigError: ``same_recipe`` is asked for, and two models are trained differently.
    """
    runs = [plan.run(*names) for names in table.runs]
    return {
        **table.to_mapping(),
        "recipe": common_recipe(table, plan) if table.same_recipe else {},
        "digests": {run.name: settings_digest(run.to_mapping()) for run in runs},
    }


def common_recipe(table: Table, plan: Plan) -> dict[str, Any]:
    """Return the training settings that all runs of a table of one recipe share.

    Raises:
        ConfigError: two models are trained differently.
    """
    recipes = []
    first: dict[tuple[str, str], Run] = {}
    for run in (plan.run(*names) for names in table.runs):
        other = first.setdefault((run.task, run.stream), run)
        recipes.append(recipe_of(run.settings))
        _, own = shared_and_own([recipe_of(other.settings), recipes[-1]])
        if own:
            raise ConfigError(
                f"tables.{table.name}: same_recipe is true, but runs {other.name} and {run.name}"
                f" differ in {', '.join(own)}; name one recipe for both, as in model@recipe, or"
                " give both the same settings in overrides."
            )
    shared, _ = shared_and_own(recipes)
    return {name: value for name, value in shared.items() if name != "seed"}


def _table(name: str, entry: Mapping[str, Any], plan: Plan) -> Table:
    where = f"tables.{name}"
    paper = entry.get("paper", "")
    configured = [f"{d.name}_{split}" for d in plan.datasets.values() for split in d.task_splits]
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
        if len({scheme.weights for scheme in found}) > 1:
            raise ConfigError(f"{place}: some of {', '.join(sources)} have learned weights.")
        if len({scheme.space for scheme in found}) > 1:
            raise ConfigError(f"{place}: {', '.join(sources)} are summed in different spaces.")
        for scheme in found:
            check_members(place, scheme.streams, model, plan.models)
            if len(entry["methods"]) > 1 and all("/" in name for name in scheme.streams):
                raise ConfigError(
                    f"{place}: {scheme.name} is of models that it names, so that all methods would"
                    " have one number; name one method, or another ensemble."
                )
        for task in entry["tasks"]:
            there = task in configured
            made = [scheme for scheme in found if there and task in (scheme.tasks or configured)]
            tuned = ("tuned_on_test",) if any(scheme.tuned_on_test for scheme in made) else ()
            tuned += () if found[0].weights == GIVEN else (found[0].weights,)
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
                        weights=found[0].weights,
                        learned_on=plan.learned_on(task, found[0], model)
                        if found[0].weights == LEARNED
                        else "",
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
    """Return what one source of a row fuses: a member alone, an ensemble, or a repeat of one."""
    if re.fullmatch(STREAM, text) or "/" in text:
        return Ensemble(text, "", {text: 1}, "probability", (), "", False)
    if text in schemes:
        return schemes[text]
    ensemble, _, repeat = text.rpartition("-")
    if ensemble in schemes and re.fullmatch(r"[2-9]|[1-9][0-9]", repeat):
        return _repeated(where, schemes[ensemble], int(repeat))
    raise ConfigError(
        f"{where}: {text!r} is neither a stream nor an ensemble ({', '.join(schemes)}), nor one of"
        f" these followed by -2 to -99 for a repeat{nearest(text, schemes) or '.'}"
    )


def _repeated(where: str, scheme: Ensemble, number: int) -> Ensemble:
    """Return an ensemble of further repeats, none of which an earlier repeat of it uses."""
    split = {name: re.fullmatch(r"(.*?)(?:-(\d+))?", name) for name in scheme.streams}
    used = max(int(parts[2] or 1) for parts in split.values())
    streams = {
        f"{split[name][1]}-{int(split[name][2] or 1) + used * (number - 1)}": weight
        for name, weight in scheme.streams.items()
    }
    check_streams(where, [split_member(name, "")[1] for name in streams])
    return replace(scheme, streams=streams)
