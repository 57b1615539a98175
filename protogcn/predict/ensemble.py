"""The table of an ensemble, or directories of runs -> their trained networks, with weights."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from torch import nn

from protogcn.config.resolved import Run, load_run
from protogcn.data.scale import Scale, scale_of
from protogcn.errors import ConfigError, ContractError, some_of
from protogcn.files.contracts import reading
from protogcn.files.ensemble import load_ensemble_record
from protogcn.models.trained import load_trained
from protogcn.scores.fusion import check_weights

_TABLES = (".csv", ".json", ".md", ".tex")  # of an ensemble, beside each other


@dataclass(frozen=True)
class Member:
    """One trained network of an ensemble.

    Attributes:
        run: what was trained.
        model: the network, in evaluation mode, on the CPU.
        epoch: the epoch whose weights these are.
        weight: what its scores are multiplied by.
        scale: what bodies and clips of its dataset measure; None of an import or an older version.
        temperature: what the logarithms of its probabilities are divided by first.
    """

    run: Run
    model: nn.Module
    epoch: int
    weight: float
    scale: Scale | None = None
    temperature: float = 1.0


@dataclass(frozen=True)
class TrainedEnsemble:
    """Networks whose scores are fused.

    Attributes:
        members: one or more, of one dataset.
        space: what is summed, see ``fusion.in_space``.
        temperature: what the logarithms of the fused probabilities are divided by, so that they are
            calibrated; None where none was learned.
        learned_on: the clips that it was learned on.
    """

    members: Sequence[Member]
    space: str
    temperature: float | None = None
    learned_on: str = ""

    @property
    def scale(self) -> Scale | None:
        """What bodies and clips of the dataset measure; None if no member knows."""
        return next((member.scale for member in self.members if member.scale is not None), None)

    def with_crops(self, crops: int) -> "TrainedEnsemble":
        """Return the same networks with another number of test crops."""
        members = [
            replace(
                member,
                run=replace(member.run, settings={**member.run.settings, "crops": crops}),
            )
            for member in self.members
        ]
        return replace(self, members=members)


def load_ensemble(path: Path) -> TrainedEnsemble:
    """Read the networks of an ensemble that the fuse stage wrote a table of.

    Members whose learned weight is 0 are left out.

    Args:
        path: ``results/{task}_{ensemble}.csv``, or the ``.json`` beside it.

    Raises:
        ConfigError: it is another kind of file.
        ContractError: the record or a run is missing or damaged.
    """
    if path.suffix not in _TABLES:
        raise ConfigError(
            f"{path}: expected a table of the pipeline, such as results/demo_xsub_6ens.csv; runs"
            " and exported networks are none."
        )
    record = load_ensemble_record(path.with_suffix(".json"))
    runs = [run for run in record.runs if run.weight > 0 or record.temperature is None]
    weights = [run.weight for run in runs]
    ensemble = ensemble_of_runs([run.folder for run in runs], weights, record.space)
    members = [
        replace(member, temperature=run.temperature)
        for member, run in zip(ensemble.members, runs, strict=True)
    ]
    return replace(
        ensemble, members=members, temperature=record.temperature, learned_on=record.learned_on
    )


def ensemble_of_runs(
    folders: Sequence[Path], weights: Sequence[float], space: str
) -> TrainedEnsemble:
    """Read the networks of some run directories.

    Raises:
        ConfigError: not one weight above 0 for each.
        ContractError: a run is missing or damaged, or two are of different datasets.
    """
    if len(folders) != len(weights) or not folders:
        raise ConfigError(
            f"{len(folders)} runs and {len(weights)} weights, expected one weight for each run."
        )
    check_weights(weights)
    members = [load_member(folder, w) for folder, w in zip(folders, weights, strict=True)]
    first = members[0].run.dataset
    for folder, member in zip(folders, members, strict=True):
        found = member.run.dataset
        if (found.classes, found.skeleton, found.persons) != (
            first.classes,
            first.skeleton,
            first.persons,
        ):
            raise ContractError(
                f"{folder}: is of a dataset with other classes, joints or persons than"
                f" {folders[0]}, expected runs of one dataset."
            )
    return TrainedEnsemble(members, space)


def load_member(folder: Path, weight: float = 1.0) -> Member:
    """Read one run directory: ``config.yaml`` and ``checkpoint.pt``.

    Raises:
        ContractError: one of them is missing or damaged, or they do not belong together.
    """
    if not folder.is_dir():
        raise ContractError(
            f"{folder}: is no folder, expected the directory of a trained run such as"
            " results/runs/ntu120/xsub/protogcn/j."
        )
    if not (folder / "config.yaml").is_file():
        below = [str(file.parent) for file in sorted(folder.glob("**/config.yaml"))]
        hint = f"; below it are {some_of(below)}" if below else ""
        raise ContractError(f"{folder}: has no config.yaml, expected a trained run's{hint}.")
    run = load_run(folder / "config.yaml")
    if "scores" in run.settings:
        raise ContractError(
            f"{folder}: its scores are imported from {run.settings['scores']}, so there is no"
            " network; expected a run that the pipeline trains or that imports a checkpoint."
        )
    path = folder / "checkpoint.pt"
    model, checkpoint = load_trained(path, run)
    with reading(path, "the scale of a dataset in a checkpoint"):
        scale = scale_of(checkpoint)
    return Member(run, model, checkpoint["epoch"], weight, scale)
