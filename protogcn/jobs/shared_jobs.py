"""Which runs share a job and its GPU: some of one task and model, in the order of the config."""

import json
import os
import re
from collections.abc import Iterable, Sequence

from protogcn.config.plan import Plan
from protogcn.config.resolved import Run
from protogcn.config.runs import STREAM
from protogcn.errors import ConfigError

_TOLD = "PROTOGCN_PACKS"  # environment variable


def packs_of(runs: Iterable[Run], size: int, ready: Iterable[Run]) -> list[list[Run]]:
    """Share runs out among jobs; a run that would be alone in its job is left out.

    Who may share a job is the same whatever is trained already: a run never gets another partner,
    which the table may not need.

    Args:
        runs: of all ensembles, in their order.
        size: the config's ``pack``, the most runs of a job.
        ready: those of them that may be trained in a pack now.

    Raises:
        ConfigError: a run wants several GPUs for itself.
    """
    if size == 1:
        return []
    names = {run.name for run in ready}
    groups: dict[tuple[str, str], list[Run]] = {}
    for run in runs:
        if run.name in names and run.engine["gpus"] > 1:
            raise ConfigError(
                f"pack is {size}, but run {run.name} wants {run.settings['gpus']} GPUs for itself"
                " (engine.gpus); set one of the two to 1."
            )
        groups.setdefault((run.task, run.model), []).append(run)
    packs = [
        [run for run in group[first : first + size] if run.name in names]
        for group in groups.values()
        for first in range(0, len(group), size)
    ]
    return [pack for pack in packs if len(pack) > 1]


def tell_jobs(packs: Iterable[Iterable[Run]]) -> None:
    """Leave the packs to the jobs of this Snakemake, which plan again when some runs have ended."""
    os.environ[_TOLD] = json.dumps([[run.name for run in pack] for pack in packs])


def told_to_job(plan: Plan) -> list[list[Run]] | None:
    """Return the packs of the Snakemake that this job is of; None if it did not reach it."""
    if (names := os.environ.get(_TOLD)) is None:
        return None
    return [[plan.run(*name.split("/")) for name in pack] for pack in json.loads(names)]


def rule_of(pack: Sequence[Run]) -> str:
    """Return the name of the rule that trains a pack."""
    return _prefix(pack[0]) + "_".join(run.stream for run in pack)


def trains(comment: str, run: Run) -> bool:
    """Return whether a job trains a run, alone or in a pack.

    Args:
        comment: of the job, as the Slurm executor writes it.
        run: the run.
    """
    alone = f"rule_train_stream_wildcards_{run.dataset.name}_{run.split}_{run.model}_{run.stream}"
    prefix = f"rule_{_prefix(run)}"
    if not comment.startswith(prefix):
        return comment == alone
    streams = comment.removeprefix(prefix).split("_")
    # Else it is a pack of another model, whose name begins as this one's.
    return run.stream in streams and all(re.fullmatch(STREAM, stream) for stream in streams)


def _prefix(run: Run) -> str:
    return f"train_pack_{run.task}_{run.model}_"
