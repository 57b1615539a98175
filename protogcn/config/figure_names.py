"""The file names of tables and figures: no two of them may be one."""

from collections.abc import Iterator
from itertools import product

from protogcn.config.plan import Plan
from protogcn.config.resolved import MODALITIES
from protogcn.errors import ConfigError


def check_figure_names(plan: Plan) -> None:
    """Refuse names in the config that would make one file name mean two things.

    Raises:
        ConfigError: the file, and the two things.
    """
    meaning: dict[str, str] = {}
    for stem, what in _names(plan):
        other = meaning.setdefault(stem, what)
        if other != what:
            raise ConfigError(
                f"results/{stem}: would be {other} and {what}; rename the ensemble, model or task."
            )


def _names(plan: Plan) -> Iterator[tuple[str, str]]:
    for task, ensemble in plan.ensembles:
        name = f"{task}_{ensemble}"
        yield name, f"the table of {ensemble} on {task}"
        yield f"{name}_confusion", f"the confusions of {ensemble} on {task}"
        yield f"{name}_streams", f"the streams of {ensemble} on {task}"
    tasks = sorted({task for task, _ in plan.ensembles})
    for task, model in product(tasks, plan.models):
        yield f"{task}_{model}_learning_curves", f"the learning curves of {model} on {task}"
    for task, modality, model, baseline in product(tasks, MODALITIES, plan.models, plan.models):
        yield (
            f"{task}_{modality}_{model}_vs_{baseline}",
            f"{model} against {baseline} on {task}, stream {modality}",
        )
