"""A nested value in which a few entries are exchanged for odd ones, or are gone."""

import json
from collections.abc import Iterator
from random import Random
from typing import Any

ODD = (None, "", "x", 0, -1, 2**70, 1.5, True, [], {}, [[]], {"a": []}, "../x", "a\nb", "=1+1")


def with_odd_values(value: Any, seed: int) -> Any:
    """Return a copy with one or two entries exchanged, or taken out of their dict."""
    generator = Random(seed)
    copy = json.loads(json.dumps(value))
    for _ in range(generator.randint(1, 2)):
        path = generator.choice([path for path in _places(copy) if path])
        owner = copy
        for key in path[:-1]:
            owner = owner[key]
        if generator.random() < 0.2 and isinstance(owner, dict):
            del owner[path[-1]]
        else:
            owner[path[-1]] = generator.choice(ODD)
    return copy


def _places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, each in items:
        here = (*path, key)
        yield from _places(each, here) if isinstance(each, dict | list) else [here]
