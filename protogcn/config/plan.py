"""The whole config -> every dataset, run and ensemble it describes, or what does not fit."""

import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from protogcn.config.datasets import resolve_dataset, resolve_skeletons
from protogcn.config.ensembles import LEARNED, Ensemble, resolve_ensemble
from protogcn.config.hold_out import HELD_OUT
from protogcn.config.members import split_member
from protogcn.config.resolved import Dataset, Run
from protogcn.config.runs import Runs
from protogcn.config.schema import check_schema, with_moved_keys
from protogcn.config.settings import check_network
from protogcn.config.strict_yaml import read_yaml
from protogcn.config.variables import fill_in_paths
from protogcn.errors import ConfigError


@dataclass(frozen=True)
class Plan:
    """Everything a config describes.

    Attributes:
        datasets: by name.
        models: their names, also of those under another recipe than their own.
        runs: every run that can be asked for.
        ensembles: by (task, ensemble name).
        directory: the folder that ``results`` is in, if the config names one.
        trainings_per_gpu: how many jobs share a GPU of a workstation; no part of any run.
    """

    datasets: Mapping[str, Dataset]
    models: tuple[str, ...]
    runs: Runs
    ensembles: Mapping[tuple[str, str], Ensemble]
    directory: str = ""
    trainings_per_gpu: int = 1

    def ensemble(self, task: str, name: str) -> Ensemble:
        """Return one fusion scheme of a task.

        Raises:
            ConfigError: there is none.
        """
        if (task, name) not in self.ensembles:
            tables = ", ".join(f"{t}_{n}" for t, n in self.ensembles if t == task)
            raise ConfigError(f"ensembles.{name} is not made for {task}; expected one of {tables}.")
        return self.ensembles[task, name]

    def run(self, task: str, model: str, stream: str) -> Run:
        """Return one run, of an ensemble or not.

        Raises:
            ConfigError: there is no such task, model or stream, or its settings do not fit.
        """
        return self.runs.run(task, model, stream)

    def members(self, task: str, ensemble: str) -> list[Run]:
        """Return the runs that an ensemble fuses, in the order of its streams."""
        scheme = self.ensemble(task, ensemble)
        return [self.run(task, *member) for member in scheme.members]

    def learning_runs(self, task: str, ensemble: str) -> list[Run]:
        """Return the runs whose scores the weights of an ensemble are learned on.

        Of a split that has a twin with a held-out side these are the twin's, whose trainings saw
        none of its clips.
        """
        scheme = self.ensemble(task, ensemble)
        learned_on = self.learned_on(task, scheme, scheme.model)
        return [self.run(learned_on, *member) for member in scheme.members]

    def learned_on(self, task: str, scheme: Ensemble, model: str) -> str:
        """Return the task of the runs whose scores the weights of an ensemble are learned on.

        Args:
            task: what the ensemble is made for.
            scheme: the ensemble.
            model: of the members that name none.
        """
        return self.held_out_task(task, scheme, model) if scheme.weights == LEARNED else task

    def held_out_task(self, task: str, scheme: Ensemble, model: str) -> str:
        """Return the twin of a task in which clips are held out, the task itself if it has none.

        Arguments as of ``learned_on``.
        """
        twins = ((f"{task}{HELD_OUT}", *split_member(name, model)) for name in scheme.streams)
        return f"{task}{HELD_OUT}" if all(key in self.runs for key in twins) else task

    def of_ensembles(self) -> list[Run]:
        """Return every run that some ensemble fuses, once."""
        runs = (run for names in self.ensembles for run in self.members(*names))
        return list({run.name: run for run in runs}.values())

    def fused_runs(self) -> dict[tuple[str, str], list[tuple[str, str, str]]]:
        """Return the runs of each task and model that ensembles on a page fuse, else any do."""
        found: dict[tuple[str, str], list[tuple[str, str, str]]] = {}
        for on_page in (True, False):
            known = {*found}
            for (task, _), scheme in self.ensembles.items():
                for member in scheme.members if scheme.on_page == on_page else ():
                    runs = found.setdefault((task, member[0]), [])
                    if (task, member[0]) not in known and (task, *member) not in runs:
                        runs.append((task, *member))
        return found


def load_plan(config: Mapping[str, Any], schema_path: Path, sources: Iterable[Path]) -> Plan:
    """Check a config and expand it.

    Args:
        config: the merged config.
        schema_path: the JSON schema of a config.
        sources: the YAML files it was merged from; a key that appears twice in one is refused.

    Raises:
        ConfigError: one or more sentences, each with the key it is about.
    """
    for source in sources:
        read_yaml(source)
    schema = read_yaml(schema_path)
    config, moved = with_moved_keys(config, schema)
    if moved:
        print(f"Warning: {', '.join(moved)}; read as such.", file=sys.stderr)
    check_schema(config, schema)
    return expand(fill_in_paths(config, schema, schema["$defs"]))


def expand(config: Mapping[str, Any]) -> Plan:
    """Turn a config that fits the schema into its datasets, runs and ensembles.

    Raises:
        ConfigError: names that do not exist, settings that do not go together, an override that
            matches no run.
    """
    skeletons = resolve_skeletons(config.get("skeletons", {}))
    datasets = {
        name: resolve_dataset(name, entry, skeletons) for name, entry in config["datasets"].items()
    }
    tasks = {
        f"{name}_{split}": (name, split)
        for name, dataset in datasets.items()
        for split in dataset.task_splits
    }
    if len(tasks) < sum(len(dataset.task_splits) for dataset in datasets.values()):
        raise ConfigError("datasets: two tasks have one name, rename a dataset or a split.")
    runs = Runs(config, datasets)
    schemes = [
        resolve_ensemble(name, entry, tasks, runs.models)
        for name, entry in config["ensembles"].items()
    ]
    for name, entry in config["models"].items():
        check_network(f"models.{name}", {k: v for k, v in entry.items() if k != "recipe"})
    runs.check_overrides()
    ensembles = {(task, scheme.name): scheme for scheme in schemes for task in scheme.tasks}
    plan = Plan(
        datasets=datasets,
        models=tuple(runs.models),
        runs=runs,
        ensembles=ensembles,
        directory=config.get("directory", ""),
        trainings_per_gpu=config["engine"]["trainings_per_gpu"],
    )
    plan.of_ensembles()  # refuses settings that do not fit
    return plan
