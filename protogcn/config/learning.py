"""An ensemble whose weights are learned -> from which score files, and where they go."""

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
