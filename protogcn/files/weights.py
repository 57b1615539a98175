"""``results/{task}_{ensemble}_weights.json``: learned weights of an ensemble, and on what clips."""

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from protogcn.errors import ContractError
from protogcn.files.contracts import check_seal, reading, save_text

_FORMAT = 1


@dataclass(frozen=True)
class LearnedWeights:
    """What was learned.

    Attributes:
        task: whose networks and clips it was learned on.
        side: of the clips: ``val``, or ``test`` of a bound that no ensemble can be chosen by.
        space: what is summed, see ``fusion.in_space``.
        weights: of each stream; 0 and up, with a sum of 1.
        temperatures: what the logarithms of each stream's probabilities are divided by first; 1 in
            a space of logarithms, where they are a part of the weights.
        temperature: what those of the sum are divided by, to become calibrated probabilities.
        clips: how many there are.
        log_loss_before: on these clips, of equal weights without temperatures.
        log_loss: of these weights and temperatures.
        digests: SHA-256 of each stream's score file.
    """

    task: str
    side: str
    space: str
    weights: Mapping[str, float]
    temperatures: Mapping[str, float]
    temperature: float
    clips: int
    log_loss_before: float
    log_loss: float
    digests: Mapping[str, str]

    def save(self, path: Path) -> None:
        """Write the file whole or not at all."""
        content = {"format": _FORMAT, **dataclasses.asdict(self)}
        save_text(path, json.dumps(content, indent=1) + "\n", sealed=True)

    @classmethod
    def load(cls, path: Path) -> "LearnedWeights":
        """Read and check the file.

        Raises:
            ContractError: it is missing, damaged, of another format, or its numbers cannot be
                weights.
        """
        with reading(path, "learned weights of an ensemble"):
            check_seal(path)
            content = json.loads(path.read_text(encoding="utf-8"))
            if (found := content.pop("format", None)) != _FORMAT:
                raise ContractError(
                    f"{path}: found format {found}, expected {_FORMAT}; learn again."
                )
            learned = cls(**content)
            weights, temperatures = learned.weights, learned.temperatures
            heats = (*temperatures.values(), learned.temperature)
            if weights.keys() != temperatures.keys() or not all(0 < heat for heat in heats):
                raise ContractError(f"{path}: expected a temperature above 0 for each weight.")
            away = abs(sum(weights.values()) - 1)
            if not (all(weight >= 0 for weight in weights.values()) and away < 1e-3):
                raise ContractError(f"{path}: weights are {weights}, expected a sum of 1.")
        return learned
