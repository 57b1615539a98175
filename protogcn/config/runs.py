"""Task, model and stream -> the run, its settings with all overrides applied."""

import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from itertools import product
from typing import Any

from protogcn.config.imports import IMPORTS, with_imports
from protogcn.config.options import without_defaults
from protogcn.config.parts import body_parts
from protogcn.config.resolved import MODALITIES, Dataset, Run
from protogcn.config.settings import check_run
from protogcn.config.start_from import with_start
from protogcn.config.validation import with_validation
from protogcn.errors import ConfigError, nearest

RECIPE = "protogcn"  # of every model that names no other
STREAM = r"(?:j|b|k|jm|bm|km)(?:-(?:[2-9]|[1-9][0-9]))?"


class Runs:
    """Every run that a config describes: each task by each model and stream.

    A model under a recipe that is not its own is called ``model@recipe``.

    Args:
        config: a config that fits the schema.
        datasets: its datasets, resolved.

    Attributes:
        models: the names of all models, under each recipe.
    """

    def __init__(self, config: Mapping[str, Any], datasets: Mapping[str, Dataset]) -> None:
        self._train = config["train"]
        # What shares a GPU is the workstation's matter: another number makes no run anew.
        self._engine = {k: v for k, v in config["engine"].items() if k != "trainings_per_gpu"}
        self._entries = config["models"]
        self._own = {name: entry.get("recipe", RECIPE) for name, entry in self._entries.items()}
        self._recipes = tuple(dict.fromkeys([RECIPE, *self._own.values()]))
        pairs = [(name, name, recipe) for name, recipe in self._own.items()]
        pairs += [
            (f"{name}@{recipe}", name, recipe)
            for recipe in self._recipes
            for name in self._own
            if self._own[name] != recipe
        ]
        self.models = {called: (name, recipe) for called, name, recipe in pairs}
        self._overrides = config.get("overrides", {})
        self._tasks = {
            f"{name}_{split}": (dataset, split)
            for name, dataset in datasets.items()
            for split in dataset.task_splits
        }
        self._datasets = datasets
        self._found: dict[tuple[str, str, str], Run] = {}

    def run(self, task: str, model: str, stream: str) -> Run:
        """Return one run.

        Raises:
            ConfigError: there is no such task, model or stream, or its settings do not fit.
        """
        key = (task, model, stream)
        if key not in self._found:
            where = f"run {task}/{model}/{stream}"
            look_up(where, [task], self._tasks)
            look_up(where, [model], self.models)
            check_streams(where, [stream])
            run = self._resolved(*key)
            try:
                check_run(run, self._origins(*key))
            except ConfigError as error:
                raise ConfigError(f"{error}{self._under_the_other_recipe(*key)}") from None
            self._found[key] = run
        return self._found[key]

    def __contains__(self, key: tuple[str, str, str]) -> bool:
        """Whether there is a run of this task, model and stream."""
        task, model, stream = key
        names = task in self._tasks and model in self.models
        return names and re.fullmatch(STREAM, stream) is not None

    def modalities_read(self, dataset: str) -> set[str]:
        """Return the modalities whose files the runs of a dataset read, whatever is asked for.

        Runs that difference the frames of a crop read no file of motions.
        """
        streams = {*MODALITIES}
        for override in self._overrides.values():
            streams |= set(_listed(override["where"].get("stream", ())))
        tasks = [task for task, (entry, _) in self._tasks.items() if entry.name == dataset]
        found: set[str] = set()
        for names in product(tasks, self.models, streams):
            if found == {*MODALITIES}:
                break
            with suppress(ConfigError):  # a run that does not fit reads nothing
                found.add(self._resolved(*names).stored_modality)
        return found

    def importing(self, key: str) -> tuple[set[str], set[str]]:
        """Return the datasets and the models that may have a run with an imported ``key``.

        No run of others has one. A run of these has one if ``key`` is among its settings.
        """
        datasets, models = set(), set()
        for override in self._overrides.values():
            if override["set"].get(key) is None:
                continue
            where = {k: v for k, v in override["where"].items() if k not in ("modality", "stream")}
            for task, model in product(self._tasks, self.models):
                if _matches(where, self._facts(task, model, "")):
                    datasets.add(self._tasks[task][0].name)
                    models.add(model)
        return datasets, models

    def check_overrides(self) -> None:
        """Refuse overrides that name what does not exist, or that no run matches.

        Raises:
            ConfigError: with the entry.
        """
        known = {
            "dataset": self._datasets,
            "task": self._tasks,
            "model": self._entries,
            "recipe": self._recipes,
            "modality": MODALITIES,
        }
        for name, override in self._overrides.items():
            for key, names in override["where"].items():
                where = f"overrides.{name}.where.{key}"
                if key == "stream":
                    check_streams(where, _listed(names))
                else:
                    look_up(where, _listed(names), known[key])
            streams = _listed(override["where"].get("stream", MODALITIES))
            task, model = next(iter(self._tasks)), next(iter(self.models))
            # What a where says of tasks, of models and of streams is met by each of its own.
            parts = {
                ("dataset", "task"): [self._facts(each, model, "") for each in self._tasks],
                ("model", "recipe"): [self._facts(task, each, "") for each in self.models],
                ("modality", "stream"): [self._facts(task, model, each) for each in streams],
            }
            if not all(
                any(_matches(_part(override["where"], keys), facts) for facts in candidates)
                for keys, candidates in parts.items()
            ):
                raise ConfigError(f"overrides.{name}.where: {override['where']} matches no run.")
        matched = [o["where"].get("recipe", ()) for o in self._overrides.values()]
        named = (name for names in matched for name in _listed(names))
        recipes = list(dict.fromkeys([RECIPE, *named]))
        for name, recipe in self._own.items():
            if recipe not in recipes:
                raise ConfigError(
                    f"models.{name}.recipe: no override has recipe {recipe!r} in its where,"
                    f" expected one of {', '.join(recipes)}{nearest(recipe, recipes)}"
                )

    def _under_the_other_recipe(self, task: str, model: str, stream: str) -> str:
        """Return a hint at the same model under ProtoGCN's recipe, if that run fits."""
        other = f"{model}@{RECIPE}"
        if other in self.models:
            with suppress(ConfigError):
                self.run(task, other, stream)
                return f" Or ask for {other}, the model under the recipe {RECIPE}."
        return ""

    def _origins(self, *key: str) -> dict[str, str]:
        """Return the override that has the last word on each setting that one changes."""
        origins: dict[str, str] = {}
        for name, override in self._matching(self._facts(*key)).items():
            origins |= dict.fromkeys(override["set"], name)
        return origins

    def _resolved(self, task: str, model: str, stream: str) -> Run:
        facts = self._facts(task, model, stream)
        changes: dict[str, Any] = {}
        network = {k: v for k, v in self._entries[facts["model"]].items() if k != "recipe"}
        engine = dict(self._engine)
        for override in self._matching(facts).values():
            changes |= override["set"]
            network |= changes.pop("model", {})
            engine |= changes.pop("engine", {})
        settings = with_start(self._train | with_imports(changes, facts), changes, facts)
        dataset, split = self._tasks[task]
        if split in dataset.twins and "select_on" not in changes:
            settings["select_on"] = "val"
        settings = with_validation(without_defaults(settings))
        if network["network"] == "gap":
            network |= _of_texts(dataset, facts["modality"], settings)
        if not engine.get("deterministic"):  # the engine that it was before there was this switch
            engine.pop("deterministic", None)
        repeat = int(stream.partition("-")[2] or 1)
        settings["seed"] += repeat - 1
        return Run(dataset, split, model, facts["modality"], repeat, settings, network, engine)

    def _twin_of(self, task: str) -> str:
        """Return the task whose twin a task is, or nothing."""
        dataset, split = self._tasks[task]
        twin = dataset.twins.get(split)
        return f"{dataset.name}_{twin.split}" if twin else ""

    def _matching(self, facts: Mapping[str, str]) -> dict[str, Mapping[str, Any]]:
        is_own = facts["recipe"] == self._own[facts["model"]]
        return {
            name: override
            for name, override in self._overrides.items()
            if _matches(override["where"], facts)
            # A file is of one training: it is not taken for another recipe or a twin unasked.
            and (
                not {*IMPORTS} & {*override["set"]}
                or ((is_own or "recipe" in override["where"]) and _names_task(override, facts))
            )
        }

    def _facts(self, task: str, model: str, stream: str) -> dict[str, str]:
        name, recipe = self.models[model]
        return {
            "dataset": self._tasks[task][0].name,
            "task": task,
            "twin of": self._twin_of(task),
            "model": name,
            "recipe": recipe,
            "modality": stream.partition("-")[0],
            "stream": stream,
        }


def _of_texts(dataset: Dataset, modality: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a training of GAP needs besides: body parts, and the file of texts.

    An imported run needs neither, and where no file is declared the training is refused, not all
    that the config describes.
    """
    if dataset.text_embeddings is None or {*IMPORTS} & {*settings}:
        return {}
    parts = body_parts(dataset.skeleton, bones=modality in ("b", "bm"))
    return {"parts": parts, "texts": dataset.text_embeddings}


def check_streams(where: str, streams: Iterable[str]) -> None:
    """Refuse what is not the name of a stream.

    Raises:
        ConfigError: with its place in the config.
    """
    for stream in streams:
        if not re.fullmatch(STREAM, stream):
            raise ConfigError(
                f"{where}: {stream!r} is not a stream, expected {', '.join(MODALITIES)}, or one of"
                f" these followed by -2 to -99 for a repeat{nearest(stream, MODALITIES) or '.'}"
            )


def look_up(where: str, names: Iterable[str], known: Iterable[str]) -> None:
    """Refuse names that are not known.

    Raises:
        ConfigError: with its place in the config and the known names.
    """
    for name in names:
        if name not in known:
            if ".where" in where and name.partition("@")[0] in known:
                model, _, recipe = name.partition("@")
                raise ConfigError(
                    f"{where}: found {name!r}, expected {{model: {model}, recipe: {recipe}}}."
                )
            model = name.removesuffix("_same")
            if model != name and model in known:  # an entry of models in earlier versions
                raise ConfigError(
                    f"{where}: {name} is now {model}@{RECIPE}, the model {model} under the recipe"
                    f" {RECIPE}; in a where it is {{model: {model}, recipe: {RECIPE}}}."
                )
            model = name.partition("@")[0]
            if model != name and (
                under := [each for each in known if each.startswith(f"{model}@")]
            ):
                raise ConfigError(
                    f"{where}: {name!r} does not exist, expected {model}, under its own recipe, or"
                    f" one of {', '.join(under)}{nearest(name, under)}"
                )
            dataset, _, split = name.rpartition("_")
            if any(task.rpartition("_")[0] == dataset for task in known if where.endswith(".task")):
                raise ConfigError(
                    f"{where}: {name!r} does not exist, datasets.{dataset}.splits has no {split};"
                    f" expected {split} in it, or your splits in a dataset of another name."
                )
            # Every model is known under every recipe, a hundred names that say no more.
            own = [each for each in known if "@" not in each]
            under = ", or one under another recipe, MODEL@RECIPE" if len(own) < len(known) else ""
            raise ConfigError(
                f"{where}: {name!r} does not exist, expected one of"
                f" {', '.join(own)}{under}{nearest(name, known)}"
            )


def _part(where: Mapping[str, Any], keys: Iterable[str]) -> dict[str, Any]:
    return {key: where[key] for key in keys if key in where}


def _listed(names: str | Iterable[str]) -> list[str]:
    return [names] if isinstance(names, str) else list(names)


def _matches(where: Mapping[str, str | list[str]], facts: Mapping[str, str]) -> bool:
    return all(
        facts[key] in _listed(names) or (key == "task" and facts["twin of"] in _listed(names))
        for key, names in where.items()
    )


def _names_task(override: Mapping[str, Any], facts: Mapping[str, str]) -> bool:
    """Return whether an override that matches names the task itself, not a split of its twin."""
    return not facts["twin of"] or facts["task"] in _listed(override["where"].get("task", ()))
