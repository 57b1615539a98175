"""A job of the workflow -> what it reads, or the sentence on a file that does not exist."""

import re
from collections.abc import Collection
from pathlib import Path

from protogcn.config.cells import Table
from protogcn.config.datasets import ANNOTATIONS, missing_raw
from protogcn.config.imports import is_imported, missing_import
from protogcn.config.learning import val_scores_of
from protogcn.config.plan import Plan
from protogcn.config.resolved import MODALITIES, Dataset, Run
from protogcn.config.validation import check_measured_sides, has_val
from protogcn.errors import ConfigError
from protogcn.files import paths

_WILDCARD = re.compile(r"\{\s*[.\w]+\s*[,}]")


def raw_files(dataset: Dataset) -> list[str]:
    """Return what stands for a dataset's raw files; the demo's exist once their manifest does.

    Raises:
        ConfigError: they do not exist, with where to get them.
    """
    if dataset.simulate is not None:
        return [f"{paths.of_dataset(dataset.name)}/raw.csv"]
    if (sentence := missing_raw(dataset)) is not None:
        raise ConfigError(sentence)
    _refuse_wildcards(f"datasets.{dataset.name}.raw", dataset.raw)
    # The date of a folder does not change when the table in it does.
    folder = [f"{dataset.raw}/{ANNOTATIONS}"] if dataset.is_annotated_folder else []
    # A pickle without split lists has them in a table beside it.
    table = Path(dataset.raw).with_suffix(".csv")
    beside = [str(table)] if dataset.is_pickle and table.is_file() else []
    return [dataset.raw, *folder, *beside]


def files_of_joints(dataset: Dataset) -> list[str]:
    """Return what a dataset's joints are read from: its raw files, or decompressed poses.

    Raises:
        ConfigError: see ``raw_files``.
    """
    if dataset.kpfiles is not None:
        return [f"{paths.of_dataset(dataset.name)}/poses.csv"]
    return raw_files(dataset)


def prepared_file(run: Run, name: str) -> str:
    """Return a file of the prepared dataset that a run reads."""
    return f"{paths.prepared(run.dataset.name, run.settings['preparation'])}/{name}"


def stored_values(run: Run) -> str:
    """Return the file of the modality that a run reads."""
    return prepared_file(run, f"{run.stored_modality}.npy")


def settings_to_train(run: Run) -> str:
    """Return the settings of a run that is trained; of another one, a file that no rule makes.

    Snakemake then takes the other rule that makes the same network.

    Raises:
        ConfigError: the run is to be measured on a side of its split that has no clip.
    """
    if "checkpoint" in run.settings:
        return f"{run.folder}/no training, as its checkpoint is imported"
    check_measured_sides(run)
    return f"{run.folder}/config.yaml"


def imported_file(run: Run, key: str) -> str:
    """Return the file that a run's ``checkpoint``, ``scores`` or ``clips`` are imported from.

    Of a run that imports none, a file that no rule makes.

    Raises:
        ConfigError: it does not exist.
    """
    if key not in run.settings:
        return f"{run.folder}/no {key} to import"
    if (sentence := missing_import(run, key)) is not None:
        raise ConfigError(sentence)
    return run.settings[key]


def texts_of(run: Run) -> list[str]:
    """Return the text embeddings that a training of GAP reads.

    Raises:
        ConfigError: none are declared, or they do not exist.
    """
    if run.network["network"] != "gap" or is_imported(run):
        return []
    dataset = run.dataset
    if (file := run.network.get("texts")) is None:
        raise ConfigError(
            f"run {run.name}: network gap needs text embeddings of the {len(dataset.classes)}"
            f" classes; declare datasets.{dataset.name}.text_embeddings, an .npz with class_names,"
            " part_names, parts, synonyms, synonym_class and encoder, which protogcn embed_texts"
            " makes (docs/methods.md)."
        )
    if not Path(file).is_file():
        fault = "is a folder" if Path(file).is_dir() else "does not exist"
        raise ConfigError(
            f"datasets.{dataset.name}.text_embeddings: {file} {fault}; make the file with"
            f" protogcn embed_texts {dataset.name}, or by hand (docs/methods.md)."
        )
    _refuse_wildcards(f"datasets.{dataset.name}.text_embeddings", file)
    return [file]


def clip_list_of(run: Run) -> list[str]:
    """Return the list of the clips that imported scores are of: a run's own, or its dataset's.

    Raises:
        ConfigError: a run's own does not exist.
    """
    if "scores" not in run.settings:
        return []
    if "clips" in run.settings:
        return [imported_file(run, "clips")]
    if run.dataset.is_pickle:
        return [f"{paths.of_dataset(run.dataset.name)}/annotated.csv"]
    return [prepared_file(run, "clips.csv")]


def scores_of(run: Run) -> str:
    """Return the score file of a run."""
    return f"{run.folder}/scores.npz"


def scores_of_ensemble(plan: Plan, task: str, ensemble: str) -> list[str]:
    """Return the score files that an ensemble fuses.

    Raises:
        ConfigError: there is no such ensemble of the task.
    """
    return [scores_of(run) for run in plan.members(task, ensemble)]


def histories_of_ensemble(plan: Plan, task: str, ensemble: str) -> list[str]:
    """Return the histories of the members of an ensemble that this pipeline trains.

    Raises:
        ConfigError: there is no such ensemble of the task.
    """
    runs = plan.members(task, ensemble)
    return [f"{run.folder}/history.csv" for run in runs if not is_imported(run)]


def scores_of_table(plan: Plan, table: Table) -> list[str]:
    """Return the score files that a whole comparison table needs.

    Raises:
        ConfigError: there is no such run.
    """
    return [
        *(scores_of(plan.run(*names)) for names in table.runs),
        *(val_scores_of(plan.run(*names)) for names in table.learning_runs),
    ]


def found_scores_of_table(plan: Plan, table: Table) -> dict[str, float]:
    """Return those of them that exist, with their dates."""
    files = [Path(scores_of(plan.run(*names))) for names in table.runs if names in plan.runs]
    learning = [plan.run(*names) for names in table.learning_runs if names in plan.runs]
    files += [Path(val_scores_of(run)) for run in learning if has_val(run) is not False]
    return {str(file): file.stat().st_mtime for file in files if file.exists()}


def as_input(file: Path) -> list[str]:
    """Return a file that a rule may do without; none where Snakemake takes it for a pattern."""
    return [] if _WILDCARD.search(str(file)) else [str(file)]


def tables_of(plan: Plan, dataset: str) -> list[str]:
    """Return the table of every ensemble of a dataset, but for the twins of its splits."""
    tasks = [f"{dataset}_{split}" for split in plan.datasets[dataset].splits]
    return [
        paths.result(paths.ENSEMBLE.format(task=task, ensemble=ensemble), ".csv")
        for task, ensemble in plan.ensembles
        if task in tasks
    ]


def histories_of(plan: Plan, task: str, model: str) -> list[str]:
    """Return the histories of the trainings of a model that the ensembles of a task fuse.

    Raises:
        ConfigError: there are none.
    """
    fused = [plan.run(*key) for key in plan.fused_runs().get((task, model), ())]
    if not (runs := [run for run in fused if not is_imported(run)]):
        raise ConfigError(
            f"no ensemble of {task} fuses runs of {model} that are trained by this pipeline."
        )
    return [f"{run.folder}/history.csv" for run in runs]


def modalities_shown(dataset: str, shown: str, with_motions: Collection[str]) -> list[str]:
    """Return the modalities that an animation shows: one, or all that have a file.

    Args:
        dataset: the dataset's name.
        shown: a modality, or ``all``.
        with_motions: the datasets that have files of motions.

    Raises:
        ConfigError: that modality has no file.
    """
    written = [m for m in MODALITIES if not m.endswith("m") or dataset in with_motions]
    if shown == "all":
        return written
    if shown not in written:
        raise ConfigError(
            f"{dataset} has no file of {shown}, as its motions are differences of sampled frames;"
            f" expected one of {', '.join(written)} or all."
        )
    return [shown]


def _refuse_wildcards(where: str, path: str) -> None:
    """Refuse an input that Snakemake would take for a pattern; it knows no way to write braces."""
    if found := _WILDCARD.search(path):
        raise ConfigError(
            f"{where}: {path} has {found[0]} in it, which Snakemake takes for a wildcard; rename"
            " that, or name a link to it (ln -s)."
        )
