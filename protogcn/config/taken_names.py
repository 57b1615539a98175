"""The name of a comparison table -> a sentence if rules would make another file of that name."""

import re
from collections.abc import Iterable

from protogcn.config.plan import Plan
from protogcn.config.runs import STREAM
from protogcn.errors import ConfigError
from protogcn.files import paths

# Also of what no target lists, such as an ensemble that is not made for a task: Snakemake has the
# pattern of a rule, and refuses a file that fits two.
_OTHERS = {
    "the table of {ensemble} on {task}": paths.ENSEMBLE,
    "the pairs of {ensemble} on {task}": paths.PAIRS_OF_ENSEMBLE,
    "the weights of {ensemble} on {task}": paths.WEIGHTS,
    "the folds of {ensemble} on {task}": paths.FOLDS,
    "the schemes of {ensemble} on {task}": paths.SCHEMES,
    "the reliability of {ensemble} on {task}": paths.RELIABILITY,
    "the confusion of {ensemble} on {task}": paths.CONFUSION,
    "the streams of {ensemble} on {task}": paths.STREAMS,
    "the worth of {ensemble} on {task}": paths.WORTH,
    "the learning curves of {model} on {task}": paths.LEARNING_CURVES,
    "the difference of {stream}, {model}, {baseline} on {task}": paths.CLASS_DIFFERENCES,
    "the page": "report",
}


def check_table_names(names: Iterable[str], plan: Plan) -> None:
    """Refuse tables whose files another rule makes, too.

    Raises:
        ConfigError: with both.
    """
    models = _any_of(plan.models)
    parts = {
        "task": _any_of(task for task, _ in plan.ensembles),
        "ensemble": _any_of(name for _, name in plan.ensembles),
        "stream": STREAM,
        "model": models,
        "baseline": models,
    }
    named = {part: f"(?P<{part}>{pattern})" for part, pattern in parts.items()}
    others = {what: re.compile(pattern.format(**named)) for what, pattern in _OTHERS.items()}
    for name in names:
        for stem in (name, paths.PAIRS_OF_TABLE.format(table=name)):
            for what, pattern in others.items():
                if match := pattern.fullmatch(stem):
                    raise ConfigError(
                        f"{paths.result(stem)}: would be {what.format(**match.groupdict())} and"
                        f" table {name}; rename one."
                    )


def _any_of(names: Iterable[str]) -> str:
    return "|".join(map(re.escape, dict.fromkeys(names)))
