"""A run that starts from a network -> the file that its training needs first."""

import re
from pathlib import Path

from protogcn.config.plan import Plan
from protogcn.config.resolved import Run
from protogcn.config.start_from import refuse_other_layout
from protogcn.errors import ConfigError
from protogcn.files import paths

_CHECKPOINT = re.compile(paths.of_run(*["([^/]+)"] * 4) + "/checkpoint\\.pt")
_NO_SHAPES = "contrast_weight"  # of a network's settings, the one that no weight depends on


def file_to_start_from(run: Run, plan: Plan) -> list[str]:
    """Return the file that the training of a run reads its first weights from, if it does.

    A run of the same plan is trained first: Snakemake knows its checkpoint by the path.

    Raises:
        ConfigError: the file does not exist and no run makes it, the run's network cannot take its
            weights, or runs start from each other.
    """
    if "start_from" not in run.settings:
        return []
    file = _as_snakemake_has_it(run.settings["start_from"])
    if earlier := runs_trained_before(run, plan):
        _refuse_another_network(run, earlier[0], file)
    elif not Path(file).is_file():
        raise ConfigError(_missing(run, file))
    return [file]


def runs_trained_before(run: Run, plan: Plan) -> list[Run]:
    """Return the run of the same plan that a run starts from, the one that this one does, ...

    Raises:
        ConfigError: runs start from each other.
    """
    chain = [run]
    while "start_from" in chain[-1].settings:
        file = _as_snakemake_has_it(chain[-1].settings["start_from"])
        if (other := _run_that_makes(file, plan)) is None:
            break
        names = [each.name for each in (*chain, other)]
        if other.name in names[:-1]:
            raise ConfigError(
                f"run {run.name}: start_from leads from {' to '.join(names)}; a run cannot start"
                " from itself."
            )
        chain.append(other)
    return chain[1:]


def _as_snakemake_has_it(file: str) -> str:
    path, here = Path(file), Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else file


def _run_that_makes(file: str, plan: Plan) -> Run | None:
    if (match := _CHECKPOINT.fullmatch(file)) is None:
        return None
    dataset, split, model, stream = match.groups()
    key = (f"{dataset}_{split}", model, stream)
    return plan.run(*key) if key in plan.runs else None


def _refuse_another_network(run: Run, other: Run, file: str) -> None:
    where = f"run {run.name}"
    if "scores" in other.settings:
        raise ConfigError(
            f"{where}: start_from {file} is of run {other.name}, whose scores are imported from"
            f" {other.settings['scores']}, so there is no network to start from."
        )
    refuse_other_layout(where, file, other.dataset.skeleton, run.dataset.skeleton)
    ours, theirs = run.network, other.network
    names = [key for key in {**ours, **theirs} if key != _NO_SHAPES]
    if others := [key for key in names if ours.get(key) != theirs.get(key)]:
        told = [f"{key} {theirs.get(key)} instead of {ours.get(key)}" for key in others]
        raise ConfigError(
            f"{where}: start_from {file} is of run {other.name}, whose network has"
            f" {', '.join(told)}; give both the same model."
        )


def _missing(run: Run, file: str) -> str:
    path = Path(file)
    place = "" if path.is_absolute() else f" in {Path.cwd()}"
    found = "is a folder, expected a checkpoint" if path.is_dir() else f"does not exist{place}"
    return (
        f"run {run.name}: its start_from, {file}, {found}, and no run of the config makes it."
        " Put it there, or change start_from (null draws the first weights at random)."
    )
