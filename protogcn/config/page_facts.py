"""The provenance of several runs -> what all of them have in common, and where they differ."""

import json
from collections.abc import Mapping
from typing import Any

# Written in the run's name already.
_NAMES = ("run.split", "run.model", "run.modality", "run.repeat", "run.dataset.name")
_FIRST = ("settings.", "network.")


def flat_facts(provenance: Mapping[str, Any]) -> dict[str, str]:
    """Return every entry of a provenance as text, settings first: {"settings.batch": "64", ...}."""
    facts = {
        name.removeprefix("run."): text
        for name, text in _flatten("", provenance)
        if name not in _NAMES
    }
    return dict(sorted(facts.items(), key=lambda fact: not fact[0].startswith(_FIRST)))


def split_facts(
    runs: Mapping[str, Mapping[str, str]],
) -> tuple[dict[str, str], dict[str, list[str]]]:
    """Return the facts that are the same in all runs, and the others as {name: one text a run}.

    A fact that a run does not have is an empty text there.
    """
    names = dict.fromkeys(name for facts in runs.values() for name in facts)
    columns = {name: [facts.get(name, "") for facts in runs.values()] for name in names}
    same = {name: texts[0] for name, texts in columns.items() if len(set(texts)) == 1}
    return same, {name: texts for name, texts in columns.items() if name not in same}


def _flatten(prefix: str, value: Any) -> list[tuple[str, str]]:
    if isinstance(value, Mapping):
        return [
            fact
            for key, entry in value.items()
            for fact in _flatten(f"{prefix}.{key}" if prefix else str(key), entry)
        ]
    if isinstance(value, str):
        return [(prefix, value)]
    if isinstance(value, list | tuple) and all(isinstance(entry, str) for entry in value):
        return [(prefix, ", ".join(value))]
    return [(prefix, json.dumps(value))]
