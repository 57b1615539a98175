"""The settings of a dataset and of a run: read from YAML, checked against the schema, resolved.

Nothing here imports torch: a login node reads this to plan the jobs.
"""

import argparse
import difflib
import json
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from protogcn.contracts import reading, save_text
from protogcn.errors import ConfigError, ContractError, run_stage
from protogcn.skeleton import Skeleton

_LIMITS = {
    "minimum": "at least",
    "exclusiveMinimum": "more than",
    "maximum": "at most",
    "exclusiveMaximum": "less than",
    "multipleOf": "a multiple of",
}

MODALITIES = ("j", "b", "k", "jm", "bm", "km")


@dataclass(frozen=True)
class Dataset:
    """One dataset of the config, resolved.

    Attributes:
        name: what the config calls it.
        raw: the pickle, or the folder of ``.skeleton`` files.
        simulate: arguments of the demo's simulator if it makes the raw files, else None.
        source: where a user gets the raw files.
        skeleton: the joint layout.
        persons: person slots kept of each clip, 1 or 2.
        protocol: ``ntu60`` or ``ntu120`` if it is one of these, else None.
        leave_out_missing: leave out the samples on NTU's list of missing skeletons.
        classes: class names in label order.
        splits: the splits its tasks use.
    """

    name: str
    raw: str
    simulate: Mapping[str, int] | None
    source: str
    skeleton: Skeleton
    persons: int
    protocol: str | None
    leave_out_missing: bool
    classes: tuple[str, ...]
    splits: tuple[str, ...]

    @property
    def is_pickle(self) -> bool:
        """Whether ``raw`` is one annotation pickle (else a folder of ``.skeleton`` files)."""
        return Path(self.raw).suffix in (".pkl", ".pickle")

    def to_mapping(self) -> dict[str, Any]:
        """Return what ``dataset_from_mapping`` builds this dataset from."""
        entry = dict(vars(self))
        entry["skeleton"] = {"name": self.skeleton.name, **self.skeleton.to_mapping()}
        entry["classes"] = list(self.classes)
        entry["splits"] = list(self.splits)
        return entry


@dataclass(frozen=True)
class Run:
    """One training and its scoring: a task, a model, a stream, and all their settings.

    Attributes:
        dataset: the dataset, resolved.
        split: one of its splits.
        model: the model's name in the config.
        modality: j, b, k, jm, bm or km.
        repeat: 1, or more for a further run of the same setup with another seed.
        settings: every key of the config's ``train`` section, overrides applied.
        network: every key of the model's entry, overrides applied.
    """

    dataset: Dataset
    split: str
    model: str
    modality: str
    repeat: int
    settings: Mapping[str, Any]
    network: Mapping[str, Any]

    @property
    def task(self) -> str:
        """Dataset and split, as in the names of results."""
        return f"{self.dataset.name}_{self.split}"

    @property
    def stream(self) -> str:
        """The modality, with ``-2`` and so on behind it for a repeat."""
        return self.modality if self.repeat == 1 else f"{self.modality}-{self.repeat}"

    @property
    def name(self) -> str:
        """What messages call this run."""
        return f"{self.task}/{self.model}/{self.stream}"

    def to_mapping(self) -> dict[str, Any]:
        """Return what ``run_from_mapping`` builds this run from."""
        return {
            **vars(self),
            "dataset": self.dataset.to_mapping(),
            "settings": dict(self.settings),
            "network": dict(self.network),
        }


def dataset_from_mapping(entry: Mapping[str, Any]) -> Dataset:
    """Build a dataset from its resolved form."""
    layout = dict(entry["skeleton"])
    skeleton = Skeleton.from_mapping(layout.pop("name"), layout)
    lists = {key: tuple(entry[key]) for key in ("classes", "splits")}
    return Dataset(**{**entry, **lists, "skeleton": skeleton})


def run_from_mapping(entry: Mapping[str, Any]) -> Run:
    """Build a run from its resolved form."""
    return Run(**{**entry, "dataset": dataset_from_mapping(entry["dataset"])})


def load_dataset(path: Path) -> Dataset:
    """Read a resolved ``dataset.yaml``.

    Raises:
        ContractError: missing or damaged.
    """
    with reading(path, "a resolved dataset"):
        return dataset_from_mapping(read_yaml(path))


def load_run(path: Path) -> Run:
    """Read a resolved ``config.yaml`` of a run directory.

    Raises:
        ContractError: missing or damaged.
    """
    with reading(path, "the resolved settings of a run"):
        return run_from_mapping(read_yaml(path))


class _StrictLoader(yaml.SafeLoader):
    """YAML in which a key stands once."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict:
        keys = [key.value for key, _ in node.value if key.tag != "tag:yaml.org,2002:merge"]
        for key in keys:
            if keys.count(key) > 1:
                line = node.start_mark.line + 1
                raise ConfigError(
                    f"{node.start_mark.name}: key {key!r} stands twice in the block that"
                    f" starts in line {line}, expected once."
                )
        return super().construct_mapping(node, deep)


def read_yaml(path: Path) -> Any:
    """Read a YAML file in which no key stands twice.

    Raises:
        ConfigError: it is not YAML, or a key stands twice; with the line.
    """
    try:
        with path.open(encoding="utf-8") as file:
            return yaml.load(file, Loader=_StrictLoader)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or str(error)
        raise ConfigError(f"{path}{line}: found {problem}, expected YAML.") from None


def check_schema(config: Mapping[str, Any], schema: Mapping[str, Any]) -> None:
    """Check every value of a config by itself.

    Raises:
        ConfigError: one sentence for each key that is unknown, missing or out of range.
    """
    errors = Draft202012Validator(schema).iter_errors(config)
    problems = dict.fromkeys(line for error in errors for line in _describe(error))
    problems |= dict.fromkeys(_not_finite(config, ()))
    if problems:
        raise ConfigError("\n".join(problems))


def nearest(name: str, known: Iterable[str]) -> str:
    """Return a hint at the known name that ``name`` may have been meant to be, or nothing."""
    close = difflib.get_close_matches(str(name), list(known), n=1)
    return f"; did you mean {close[0]!r}?" if close else ""


def _describe(error: ValidationError) -> Iterable[str]:
    path = ".".join(str(step) for step in error.absolute_path) or "config"
    found = json.dumps(error.instance, default=str)[:80]
    limit = error.validator_value
    match error.validator:
        case "additionalProperties":
            known = error.schema.get("properties", {})
            for key in error.instance:
                if key not in known:
                    hint = nearest(key, known)
                    yield f"{path}: unknown key {key!r}{hint}" + ("" if hint else ".")
        case "required":
            missing = [key for key in limit if key not in error.instance]
            yield f"{path}: lacks {', '.join(missing)}."
        case "type":
            kinds = limit if isinstance(limit, str) else " or ".join(limit)
            yield f"{path}: found {found}, expected {kinds}{_number_advice(error)}."
        case "enum":
            hint = nearest(error.instance, map(str, limit))
            yield f"{path}: found {found}, expected one of {', '.join(map(str, limit))}{hint}"
        case "pattern":
            yield (
                f"{path}: the name {found} cannot be part of a file name here; expected lower-case"
                " letters, digits, _ and -, at most 41."
            )
        case "minimum" | "exclusiveMinimum" | "maximum" | "exclusiveMaximum" | "multipleOf":
            yield f"{path}: found {found}, expected {_LIMITS[error.validator]} {limit}."
        case "minItems" | "minProperties":
            yield f"{path}: found {found}, expected at least {limit} of them."
        case _:
            yield f"{path}: {error.message}."


def _not_finite(value: Any, path: tuple[str, ...]) -> Iterable[str]:
    """Find the numbers that no limit of a schema refuses: .inf and .nan."""
    if isinstance(value, float) and not math.isfinite(value):
        yield f"{'.'.join(path)}: found {value}, expected a finite number."
    entries = value.items() if isinstance(value, Mapping) else ()
    for key, entry in enumerate(value) if isinstance(value, list) else entries:
        yield from _not_finite(entry, (*path, str(key)))


def _number_advice(error: ValidationError) -> str:
    """Explain the numbers that YAML takes for text, such as 1e-4."""
    value = error.instance
    if error.validator_value not in ("number", "integer") or not isinstance(value, str):
        return ""
    if not re.fullmatch(r"[+-]?[\d.]+[eE][+-]?\d+", value):
        return ""
    return f" (YAML reads {value} as text; a number has a point and a sign, as in 1.0e-4)"


def main() -> None:
    """Write resolved settings, given as JSON, to a YAML file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--settings", required=True, help="JSON object")
    parser.add_argument("--output", type=Path, required=True)
    args = parser.parse_args()

    entry = json.loads(args.settings)
    if not isinstance(entry, dict):
        raise ContractError("--settings: found no JSON object.")
    save_text(args.output, yaml.safe_dump(entry, sort_keys=False, allow_unicode=True, width=100))


if __name__ == "__main__":
    run_stage(main)
