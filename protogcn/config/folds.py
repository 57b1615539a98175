"""An ensemble of a task whose training clips are divided into folds -> the runs of every fold."""

from protogcn.config.ensembles import GIVEN
from protogcn.config.plan import Plan
from protogcn.errors import ConfigError
from protogcn.files import paths


def fold_tasks(plan: Plan, task: str) -> list[str]:
    """Return the tasks of a task's folds, in their order; none if it is not divided."""
    return [
        f"{dataset.name}_{name}"
        for dataset in plan.datasets.values()
        for name, twin in dataset.twins.items()
        if twin.fold and f"{dataset.name}_{twin.split}" == task
    ]


def has_fold_table(plan: Plan, task: str, ensemble: str) -> bool:
    """Return whether there is a table of an ensemble over all folds.

    Weights that are learned on the clips of a fold would say nothing about these clips.
    """
    return plan.ensemble(task, ensemble).weights == GIVEN and bool(fold_tasks(plan, task))


def runs_of_folds(plan: Plan, task: str, ensemble: str) -> list[tuple[str, str, str]]:
    """Return task, model and stream of an ensemble's members, fold by fold.

    Raises:
        ConfigError: there is no such ensemble of the task, or no table of it over folds.
    """
    if not has_fold_table(plan, task, ensemble):
        raise ConfigError(
            f"{task}_{ensemble} has no table over folds; expected hold_out with folds in its"
            " dataset, and numbers as weights of the ensemble."
        )
    members = plan.ensemble(task, ensemble).members
    return [(fold, *member) for fold in fold_tasks(plan, task) for member in members]


def scores_of_folds(plan: Plan, task: str, ensemble: str) -> list[str]:
    """Return the score files of the clips that each fold leaves out, in the same order.

    Raises:
        ConfigError: as ``runs_of_folds``.
    """
    runs = (plan.run(*names) for names in runs_of_folds(plan, task, ensemble))
    return [f"{run.folder}/{paths.VAL_SCORES}" for run in runs]


def fold_arguments(plan: Plan, task: str, ensemble: str) -> str:
    """Return the members, and what a fold has as a whole, as arguments of the command."""
    scheme = plan.ensemble(task, ensemble)
    run = plan.run(*runs_of_folds(plan, task, ensemble)[0])
    return f"{scheme.arguments(task)} --by {run.dataset.hold_out['by']}"
