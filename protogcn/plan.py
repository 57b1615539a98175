"""The whole config -> every dataset, run and ensemble it describes, or what does not fit."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from protogcn.config import MODALITIES, Dataset, Run
from protogcn.datasets import resolve_dataset, resolve_skeletons
from protogcn.errors import ConfigError
from protogcn.preparation import check_preparation
from protogcn.schema import check_schema, nearest, read_yaml

_STREAM = re.compile(r"(j|b|k|jm|bm|km)(?:-([2-9]|[1-9][0-9]))?")


@dataclass(frozen=True)
class Ensemble:
    """One fusion scheme.

    Attributes:
        name: part of the table's file name.
        model: the model whose runs are fused.
        streams: weight of each member stream, in the order of the table's rows.
        space: what is summed: probability, logit, log_probability or normalised_logit.
        tasks: the tasks it is made for.
    """

    name: str
    model: str
    streams: Mapping[str, float]
    space: str
    tasks: tuple[str, ...]


@dataclass(frozen=True)
class Plan:
    """Everything a config describes.

    Attributes:
        datasets: by name.
        runs: by (task, model, stream).
        ensembles: by (task, ensemble name).
    """

    datasets: Mapping[str, Dataset]
    runs: Mapping[tuple[str, str, str], Run]
    ensembles: Mapping[tuple[str, str], Ensemble]

    def ensemble(self, task: str, name: str) -> Ensemble:
        """Return one fusion scheme of a task.

        Raises:
            ConfigError: there is none.
        """
        if (task, name) not in self.ensembles:
            tables = ", ".join(f"{t}_{n}" for t, n in self.ensembles if t == task)
            raise ConfigError(f"ensembles.{name} is not made for {task}; there is {tables}.")
        return self.ensembles[task, name]

    def run(self, task: str, model: str, stream: str) -> Run:
        """Return one run.

        Raises:
            ConfigError: no ensemble of the task has it.
        """
        if (task, model, stream) not in self.runs:
            raise ConfigError(
                f"run {task}/{model}/{stream}: no ensemble of {task} has this stream; add one that"
                " does to ensembles."
            )
        return self.runs[task, model, stream]

    def members(self, task: str, ensemble: str) -> list[Run]:
        """Return the runs that an ensemble fuses, in the order of its streams."""
        scheme = self.ensemble(task, ensemble)
        return [self.runs[task, scheme.model, stream] for stream in scheme.streams]


def load_plan(config: Mapping[str, Any], schema_path: Path, sources: Iterable[Path]) -> Plan:
    """Check a config and expand it.

    Args:
        config: the merged config.
        schema_path: the JSON schema of a config.
        sources: the YAML files it was merged from; a key that stands twice in one is refused.

    Raises:
        ConfigError: one or more sentences, each with the key it is about.
    """
    for source in sources:
        read_yaml(source)
    check_schema(config, read_yaml(schema_path))
    return expand(config)


def expand(config: Mapping[str, Any]) -> Plan:
    """Turn a config that fits the schema into its datasets, runs and ensembles.

    Raises:
        ConfigError: names that do not exist, settings that do not go together, an override that
            matches no run, two tables with one file name.
    """
    skeletons = resolve_skeletons(config.get("skeletons", {}))
    datasets = {
        name: resolve_dataset(name, entry, skeletons) for name, entry in config["datasets"].items()
    }
    tasks = {f"{name}_{split}": (name, split) for name, d in datasets.items() for split in d.splits}
    if len(tasks) < sum(len(dataset.splits) for dataset in datasets.values()):
        raise ConfigError("datasets: two tasks have one name, rename a dataset or a split.")
    schemes = [
        _ensemble(name, entry, tasks, config["models"])
        for name, entry in config["ensembles"].items()
    ]
    overrides = config.get("overrides", {})
    _check_override_names(overrides, datasets, tasks, config["models"])
    matched: set[str] = set()
    runs, ensembles = {}, {}
    for scheme in schemes:
        for task in scheme.tasks:
            ensembles[task, scheme.name] = scheme
            for stream in scheme.streams:
                dataset, split = tasks[task]
                run = _run(datasets[dataset], split, scheme.model, stream, config, matched)
                runs[task, scheme.model, stream] = run
    _check_tables(ensembles)
    for name in overrides:
        if name not in matched:
            where = overrides[name]["where"]
            raise ConfigError(f"overrides.{name}.where: {where} matches no run of any ensemble.")
    for run in runs.values():
        _check_run(run)
    return Plan(datasets, runs, ensembles)


def _ensemble(
    name: str, entry: Mapping[str, Any], tasks: Mapping[str, Any], models: Mapping[str, Any]
) -> Ensemble:
    where = f"ensembles.{name}"
    model = entry.get("model", "protogcn")
    _look_up(f"{where}.model", [model], models)
    _look_up(f"{where}.tasks", entry.get("tasks", []), tasks)
    _check_streams(f"{where}.streams", entry["streams"])
    return Ensemble(
        name=name,
        model=model,
        streams=dict(entry["streams"]),
        space=entry.get("space", "probability"),
        tasks=tuple(entry.get("tasks", tasks)),
    )


def _run(
    dataset: Dataset,
    split: str,
    model: str,
    stream: str,
    config: Mapping[str, Any],
    matched: set[str],
) -> Run:
    modality, repeat = _STREAM.fullmatch(stream).groups()
    facts = {
        "dataset": dataset.name,
        "task": f"{dataset.name}_{split}",
        "model": model,
        "modality": modality,
        "stream": stream,
    }
    settings, network = dict(config["train"]), dict(config["models"][model])
    for name, override in config.get("overrides", {}).items():
        wanted = override["where"].items()
        if all(
            facts[key] in ([names] if isinstance(names, str) else names) for key, names in wanted
        ):
            matched.add(name)
            changes = dict(override["set"])
            network |= changes.pop("model", {})
            settings |= changes
    number = int(repeat or 1)
    settings["seed"] += number - 1
    return Run(dataset, split, model, modality, number, settings, network)


def _check_override_names(
    overrides: Mapping[str, Mapping[str, Any]],
    datasets: Mapping[str, Any],
    tasks: Mapping[str, Any],
    models: Mapping[str, Any],
) -> None:
    known = {"dataset": datasets, "task": tasks, "model": models, "modality": MODALITIES}
    for entry, override in overrides.items():
        for key, names in override["where"].items():
            names = [names] if isinstance(names, str) else names
            where = f"overrides.{entry}.where.{key}"
            if key == "stream":
                _check_streams(where, names)
            else:
                _look_up(where, names, known[key])


def _check_streams(where: str, streams: Iterable[str]) -> None:
    for stream in streams:
        if not _STREAM.fullmatch(stream):
            raise ConfigError(
                f"{where}: {stream!r} is not a stream, expected {', '.join(MODALITIES)}, or one of"
                " these with -2 to -99 behind it for a repeat."
            )


def _look_up(where: str, names: Iterable[str], known: Iterable[str]) -> None:
    for name in names:
        if name not in known:
            raise ConfigError(
                f"{where}: {name!r} does not exist, expected one of"
                f" {', '.join(known)}{nearest(name, known)}"
            )


def _check_tables(ensembles: Iterable[tuple[str, str]]) -> None:
    files: dict[str, tuple[str, str]] = {}
    for task, name in ensembles:
        other = files.setdefault(f"{task}_{name}", (task, name))
        if other != (task, name):
            raise ConfigError(
                f"ensembles.{name}: its table of {task} has the file name of ensemble {other[1]}"
                f" of {other[0]}, results/{task}_{name}.csv; rename one."
            )


def _check_run(run: Run) -> None:
    """Refuse settings that do not go together."""
    skeleton, settings, network = run.dataset.skeleton, run.settings, run.network
    check_preparation(settings["preparation"], skeleton)
    if settings["limb_drop"] and not skeleton.limbs:
        raise ConfigError(
            f"run {run.name}: limb_drop is {settings['limb_drop']}, but skeletons.{skeleton.name}"
            " declares no limbs."
        )
    if settings["swap"] and not skeleton.pairs:
        raise ConfigError(
            f"run {run.name}: swap is {settings['swap']}, but skeletons.{skeleton.name}"
            " declares no pairs."
        )
    if any(block > network["blocks"] for block in network["downsample"]):
        raise ConfigError(
            f"run {run.name}: model.downsample names block {max(network['downsample'])}, but there"
            f" are {network['blocks']} blocks."
        )
    if network["width"] % network["subsets"]:
        raise ConfigError(
            f"run {run.name}: model.subsets is {network['subsets']}, expected a divisor of the"
            f" width {network['width']}."
        )
