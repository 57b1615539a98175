"""An ensemble whose weights are learned -> from which score files, and where they go."""

from pathlib import Path

from protogcn.config.ensembles import GIVEN, LEARNED, ORACLE
from protogcn.config.plan import Plan
from protogcn.config.resolved import Run
from protogcn.config.validation import has_val, no_val_to_learn_on
from protogcn.errors import ConfigError
from protogcn.files import paths


def scores_to_learn_on(plan: Plan, task: str, ensemble: str) -> list[str]:
    """Return the score files that the weights of an ensemble are learned on; maybe none.

    Raises:
        ConfigError: there is no such ensemble of the task, or no clip on the side val.
    """
    weights = plan.ensemble(task, ensemble).weights
    if weights == LEARNED:
        return [val_scores_of(run) for run in plan.learning_runs(task, ensemble)]
    runs = plan.members(task, ensemble) if weights == ORACLE else []
    return [f"{run.folder}/scores.npz" for run in runs]


def scores_to_choose_on(plan: Plan, task: str, ensemble: str) -> list[str]:
    """Return the score files that members of an ensemble can be chosen on, all of them or none.

    These are those of the side val that exist, or that weights are learned on: nothing is trained
    for a choice alone.

    Raises:
        ConfigError: there is no such ensemble of the task.
    """
    scheme = plan.ensemble(task, ensemble)
    held_out = plan.held_out_task(task, scheme, scheme.model)
    runs = [plan.run(held_out, *member) for member in scheme.members]
    learned_on = {
        run.folder
        for (of, name), other in plan.ensembles.items()
        for run in (plan.learning_runs(of, name) if other.weights == LEARNED else ())
    }
    files = {run.folder: f"{run.folder}/{paths.VAL_SCORES}" for run in runs}
    is_there = (folder in learned_on or Path(file).exists() for folder, file in files.items())
    return list(files.values()) if all(is_there) else []


def learning_arguments(plan: Plan, task: str, ensemble: str) -> str:
    """Return what the weights of an ensemble are learned on as arguments of the command.

    Raises:
        ConfigError: there is no such ensemble of the task, or its weights are given.
    """
    scheme = plan.ensemble(task, ensemble)
    if scheme.weights == GIVEN:
        raise ConfigError(
            f"ensembles.{ensemble}: its weights are numbers; nothing is learned but for an ensemble"
            " with streams: [...] and weights: learned."
        )
    side = "val" if scheme.weights == LEARNED else "test"
    return (
        f"--streams {' '.join(scheme.streams)} --model {scheme.model} --space {scheme.space}"
        f" --task {plan.learned_on(task, scheme, scheme.model)} --side {side}"
    )


def learned_weights_of_ensemble(plan: Plan, task: str, ensemble: str) -> list[str]:
    """Return the file of an ensemble's learned weights; none if its weights are given."""
    scheme = plan.ensemble(task, ensemble)
    return [] if scheme.weights == GIVEN else [scheme.weights_file(task)]


def val_scores_of(run: Run) -> str:
    """Return the score file of the side val of a run's split.

    Raises:
        ConfigError: the split has no clip on that side, as far as its raw files tell quickly.
    """
    if has_val(run) is False:
        raise ConfigError(no_val_to_learn_on(run))
    return f"{run.folder}/{paths.VAL_SCORES}"
