"""A config -> nothing, or a sentence on each value that the JSON schema does not allow."""

import json
import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

from jsonschema import Draft202012Validator, TypeChecker, validators
from jsonschema.exceptions import ValidationError

from protogcn.errors import ConfigError, has_hidden, nearest

_KINDS = {
    "object": "a map",
    "array": "a list",
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "null": "null",
}
_LIMITS = {
    "minimum": "at least",
    "exclusiveMinimum": "more than",
    "maximum": "at most",
    "exclusiveMaximum": "less than",
    "multipleOf": "a multiple of",
}
_START = "here it is start_from (docs/start-from.md)"
_REPLACED = {  # keys of earlier versions, and of the code that users come from
    "pack": "set engine.trainings_per_gpu to K and start snakemake with --resources gpu=K*GPUs"
    " (docs/cluster.md)",
    "fused_passes": "take it out; there is one way to train on the CPU (docs/performance.md)",
    "load_from": _START,
    "pretrained": _START,
    "resume_from": f"a training resumes by itself; to begin with weights, {_START}",
    "frozen_stages": "here it is freeze (docs/start-from.md)",
    **dict.fromkeys(("lr", "base_lr"), "here it is learning_rate"),
    **dict.fromkeys(("batch_size", "videos_per_gpu"), "here it is batch"),
    **dict.fromkeys(("num_epoch", "num_epochs", "max_epochs", "total_epochs"), "here it is epochs"),
    **dict.fromkeys(("window_size", "clip_len"), "here it is frames"),
    **dict.fromkeys(("num_class", "num_classes"), "here it is classes, of a dataset"),
    **dict.fromkeys(
        ("num_person", "num_persons", "max_person"), "here it is persons, of a dataset"
    ),
    **dict.fromkeys(("num_prototype", "num_prototypes"), "here it is prototypes, of a model"),
    "ann_file": "here it is raw, of a dataset",
}
_PLACES = {  # the parts of the schema whose keys are told where they belong
    "override": "the set of an override",
    "dataset": "an entry of datasets",
    "skeleton": "an entry of skeletons",
    "model": "an entry of models, or model in the set of an override",
    "engine": "the section engine",
}
_OF_LINES = (("source",), ("title",))
_MEANT = {"gpu": "cuda"}  # which is nearer to cpu by its letters


def _is_integer(_: TypeChecker, value: Any) -> bool:
    """Return whether a value is one that Python counts with; to JSON Schema 2.0 is one too."""
    return isinstance(value, int) and not isinstance(value, bool)


_Validator = validators.extend(
    Draft202012Validator,
    type_checker=Draft202012Validator.TYPE_CHECKER.redefine("integer", _is_integer),
)


def check_schema(config: Mapping[str, Any], schema: Mapping[str, Any]) -> None:
    """Check every value of a config separately.

    Raises:
        ConfigError: one sentence for each key that is unknown, missing or out of range.
    """
    errors = _Validator(schema).iter_errors(config)
    problems = dict.fromkeys(line for error in errors for line in _describe(error, schema))
    problems |= dict.fromkeys(_odd_values(config, ()))
    if problems:
        raise ConfigError("\n".join(problems))


def with_moved_keys(
    config: Mapping[str, Any], schema: Mapping[str, Any]
) -> tuple[dict[str, Any], list[str]]:
    """Put the keys of the section engine that are where an earlier version had them into it.

    Returns:
        The config, and what was moved: ``train.gpus is now engine.gpus``.

    Raises:
        ConfigError: an override has a key in both places.
    """
    known = schema.get("$defs", {}).get("engine", {}).get("properties", {})
    moved: list[str] = []
    config = dict(config)
    if isinstance(config.get("train"), Mapping):
        old, new = _split(config["train"], known, "train", "engine", moved)
        engine = config.get("engine", {})
        if new and isinstance(engine, Mapping):  # a file on top of config.yaml has the old place
            config |= {"train": old, "engine": {**engine, **new}}
    if isinstance(config.get("overrides"), Mapping):
        config["overrides"] = {
            name: _moved_in(entry, known, f"overrides.{name}.set", moved)
            for name, entry in config["overrides"].items()
        }
    return config, moved


def _moved_in(entry: Any, known: Mapping[str, Any], where: str, moved: list[str]) -> Any:
    """Return an override whose keys of the engine are in its engine."""
    settings = entry.get("set") if isinstance(entry, Mapping) else None
    engine = settings.get("engine", {}) if isinstance(settings, Mapping) else None
    if not isinstance(engine, Mapping):
        return entry
    old, new = _split(settings, known, where, f"{where}.engine", moved)
    if twice := [key for key in new if key in engine]:
        raise ConfigError(
            f"{where}: has {twice[0]} and engine.{twice[0]}, expected the second alone."
        )
    return {**entry, "set": {**old, "engine": {**engine, **new}}} if new else entry


def _split(
    settings: Mapping[str, Any], known: Mapping[str, Any], old: str, new: str, moved: list[str]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return settings without the known keys, and those; name them in ``moved``."""
    found = {key: value for key, value in settings.items() if key in known}
    moved.extend(f"{old}.{key} is now {new}.{key}" for key in found)
    return {key: value for key, value in settings.items() if key not in known}, found


def _describe(error: ValidationError, schema: Mapping[str, Any]) -> Iterable[str]:
    path = ".".join(str(step) for step in error.absolute_path) or "config"
    found = json.dumps(error.instance, default=str)[:80]
    limit = error.validator_value
    match error.validator:
        case "additionalProperties":
            known = error.schema.get("properties", {})
            for key in error.instance:
                if key not in known:
                    yield f"{path}: unknown key {key!r}{_instead_of(key, known, schema)}"
        case "required":
            missing = [key for key in limit if key not in error.instance]
            yield f"{path}: lacks {', '.join(missing)}."
        case "type":
            kinds = " or ".join(
                _KINDS[kind] for kind in ([limit] if isinstance(limit, str) else limit)
            )
            yield f"{path}: found {found}, expected {kinds}{_advice(error)}."
        case "enum":
            allowed = ["null" if value is None else str(value) for value in limit]
            hint = nearest(_meant(error.instance), allowed)
            yield f"{path}: found {found}, expected one of {', '.join(allowed)}{hint}"
        case "pattern":
            yield (
                f"{path}: the name {found} cannot be part of a file name here; expected lower-case"
                " letters, digits, _ and -, at most 41."
            )
        case "minimum" | "exclusiveMinimum" | "maximum" | "exclusiveMaximum" | "multipleOf":
            yield f"{path}: found {found}, expected {_LIMITS[error.validator]} {limit}."
        case "minItems" | "minProperties" | "minLength":
            unit = "letter" if error.validator == "minLength" else "of them"
            yield f"{path}: found {found}, expected at least {limit} {unit}."
        case _:
            yield f"{path}: {error.message}."


def _instead_of(key: str, known: Iterable[str], schema: Mapping[str, Any]) -> str:
    if key in _REPLACED:
        return f": {_REPLACED[key]}."
    for part, place in _PLACES.items():
        if key in schema.get("$defs", {}).get(part, {}).get("properties", {}):
            return f"; it belongs into {place}."
    return nearest(key, known) or "."


def _meant(value: Any) -> Any:
    return _MEANT.get(value, value) if isinstance(value, str) else value


def _odd_values(value: Any, path: tuple[str, ...]) -> Iterable[str]:
    """Find what a schema cannot say: .inf and .nan, and letters that nobody sees in a name."""
    if isinstance(value, float) and not math.isfinite(value):
        yield f"{'.'.join(path)}: found {value}, expected a finite number."
    if isinstance(value, str) and has_hidden(_of_one_line(value, path)):
        yield f"{'.'.join(path)}: found {value[:40]!a}, expected no control or bidi characters."
    entries = value.items() if isinstance(value, Mapping) else ()
    for key, entry in enumerate(value) if isinstance(value, list) else entries:
        yield from _odd_values(entry, (*path, str(key)))
        if isinstance(key, str):
            yield from _odd_values(key, (*path, "a key"))


def _of_one_line(text: str, path: tuple[str, ...]) -> str:
    """Return a text without the line ends that it may have."""
    return " ".join(text.split("\n")) if path[-1:] in _OF_LINES else text


def _advice(error: ValidationError) -> str:
    """Explain what YAML takes for another kind than was meant, such as 1e-4 for text."""
    value, kinds = error.instance, error.validator_value
    kinds = {kinds} if isinstance(kinds, str) else {*kinds}
    where = [*error.absolute_path]
    match value:
        case None if "object" in kinds:
            return "; its keys stand below it, indented"
        case bool() if "string" in kinds:
            return " (YAML reads yes, no, on and off so; in quotes they are text)"
        case int() | float() if "string" in kinds:
            return f' (in quotes, "{value}", it is text)'
        case list() | str() if "object" in kinds and "streams" in where:
            return ", such as {j: 1, b: 1}" if "ensembles" in where else ", such as {J: j, B: b}"
        case str() | dict() if "array" in kinds:
            return _list_advice(value, is_classes=where[-1:] == ["classes"])
        case str() if "skeletons" in where and "integer" in kinds:
            return ", the number of a joint, counted from 0"
        case str() if kinds & {"number", "integer"}:
            return _number_advice(value)
    return ""


def _list_advice(value: str | dict[str, Any], *, is_classes: bool) -> str:
    if isinstance(value, dict):
        return ", the names in label order, such as [waving, nodding]" if is_classes else ""
    if is_classes and value.strip().isdigit():
        return _number_advice(value.strip())
    if is_classes and re.search(r"[/\\.]", value):
        return "; a file with one name a line is class_names"
    return f", such as [{value}]"


def _number_advice(value: str) -> str:
    if re.fullmatch(r"[+-]?[\d.]+[eE][+-]?\d+", value):
        return f" (YAML reads {value} as text; a number has a point and a sign, as in 1.0e-4)"
    if re.fullmatch(r"[+-]?\d+(\.\d*)?", value):
        return f" (without quotes, {value}, it is one)"
    if re.fullmatch(r"[+-]?\d+,\d+", value):
        return " (with a point, not a comma)"
    return ""
