"""The names of an ensemble's members -> the model and the stream of each.

A member is a stream of the ensemble's own model, ``j``, or names its model: ``hdgcn_root2/j``.
"""

import re
from collections.abc import Iterable

from protogcn.config.runs import STREAM, check_streams, look_up
from protogcn.errors import ConfigError

MOST_STREAMS = 10  # of which every subset is fused: 1,023 of them


def split_member(name: str, model: str) -> tuple[str, str]:
    """Return the model and the stream of a member; ``model`` is of those that name none."""
    own, slash, stream = name.rpartition("/")
    return (own, stream) if slash else (model, name)


def check_members(where: str, names: Iterable[str], model: str, models: Iterable[str]) -> None:
    """Refuse what is not the name of a member, and two names of one run.

    Args:
        where: their place in the config.
        names: of the members.
        model: of the members that name none.
        models: all there are.

    Raises:
        ConfigError: with the member, and what it may have been meant to be.
    """
    seen: dict[tuple[str, str], str] = {}
    for name in names:
        member = split_member(name, model)
        if "/" in name:
            _check_named(where, name, models)
        elif name in models:
            raise ConfigError(f"{where}: {name} is a model, expected its streams, as in {name}/j.")
        else:
            check_streams(where, [name])
        if (other := seen.setdefault(member, name)) != name:
            raise ConfigError(f"{where}: {other} and {name} are one run, {'/'.join(member)}.")


def _check_named(where: str, name: str, models: Iterable[str]) -> None:
    model, _, stream = name.rpartition("/")
    if stream in models and re.fullmatch(STREAM, model):
        raise ConfigError(f"{where}: found {name!r}, expected {stream}/{model}.")
    if "/" in model:
        raise ConfigError(
            f"{where}: found {name!r}, expected MODEL/STREAM, such as {name.split('/', 1)[1]}; the"
            " members of an ensemble are of one task, those of its tasks in turn."
        )
    look_up(f"{where}, {name}", [model], models)
    check_streams(f"{where}, {name}", [stream])
