"""The config's ``ensembles`` -> which streams are fused, and where their weights are from."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from protogcn.config.members import check_members, split_member
from protogcn.config.runs import look_up
from protogcn.errors import ConfigError
from protogcn.files import paths

GIVEN, LEARNED, ORACLE = "given", "learned", "oracle"  # where an ensemble's weights are from


@dataclass(frozen=True)
class Ensemble:
    """One fusion scheme.

    Attributes:
        name: part of the table's file name.
        model: the model whose runs are fused, where a member names no other.
        streams: weight of each member, ``j`` or ``model/j``, in the order of the table's rows.
        space: what is summed: probability, logit, log_probability or normalised_logit.
        tasks: the tasks it is made for.
        source: where its streams and weights are from.
        tuned_on_test: whether they were chosen on test labels; every table marks its numbers.
        on_page: whether a results page of its tasks has it unasked.
        weights: where those of the members are from: ``given``, ``learned`` on val clips, or
            ``oracle``, learned on test clips. The numbers of ``streams`` are then 1.
    """

    name: str
    model: str
    streams: Mapping[str, float]
    space: str
    tasks: tuple[str, ...]
    source: str
    tuned_on_test: bool
    on_page: bool = True
    weights: str = GIVEN

    @property
    def members(self) -> tuple[tuple[str, str], ...]:
        """Model and stream of each member."""
        return tuple(split_member(name, self.model) for name in self.streams)

    def arguments(self, task: str) -> str:
        """Return the members on a task as arguments of the commands that fuse them."""
        weights = f"--weights {' '.join(map(str, self.streams.values()))}"
        if self.weights != GIVEN:
            weights = f"--learned {self.weights_file(task)}"
        return (
            f"--streams {' '.join(self.streams)} {weights} --space {self.space}"
            f" --task {task} --model {self.model}"
        )

    def weights_file(self, task: str) -> str:
        """Return the file of the weights that are learned for a task."""
        return paths.result(paths.WEIGHTS.format(task=task, ensemble=self.name), ".json")


def resolve_ensemble(
    name: str, entry: Mapping[str, Any], tasks: Mapping[str, Any], models: Mapping[str, Any]
) -> Ensemble:
    """Return an entry of ``ensembles`` that fits the schema.

    Raises:
        ConfigError: it names what does not exist, or its weights are neither given nor learned.
    """
    where = f"ensembles.{name}"
    model = entry.get("model", "protogcn")
    look_up(f"{where}.model", [model], models)
    look_up(f"{where}.tasks", entry.get("tasks", []), tasks)
    check_members(f"{where}.streams", entry["streams"], model, models)
    weights = entry.get("weights", GIVEN)
    _check_weights_of(where, entry, weights)
    return Ensemble(
        name=name,
        model=model,
        streams=dict(entry["streams"] if weights == GIVEN else dict.fromkeys(entry["streams"], 1)),
        space=entry.get("space", "probability" if weights == GIVEN else "log_probability"),
        tasks=tuple(entry.get("tasks", tasks)),
        source=entry.get("source", ""),
        tuned_on_test=entry.get("tuned_on_test", False),
        on_page=entry.get("on_page", True),
        weights=weights,
    )


def _check_weights_of(where: str, entry: Mapping[str, Any], weights: str) -> None:
    names = ", ".join(entry["streams"])
    if weights == GIVEN and not isinstance(entry["streams"], Mapping):
        raise ConfigError(
            f"{where}.streams: found a list, expected the weight of each stream, as in"
            f" {{{next(iter(entry['streams']))}: 1}}, or beside the list weights: learned."
        )
    if weights != GIVEN and isinstance(entry["streams"], Mapping):
        raise ConfigError(
            f"{where}: weights is {weights}, but streams has numbers; write streams: [{names}]."
        )
    if weights != GIVEN and "tuned_on_test" in entry:
        raise ConfigError(
            f"{where}: tuned_on_test is about numbers; weights {weights} are chosen on"
            f" {'val' if weights == LEARNED else 'test'} clips. Leave it out."
        )
