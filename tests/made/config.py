"""The repository's config, and copies of it with one change."""

import copy
from pathlib import Path

from protogcn.config.strict_yaml import read_yaml

REPOSITORY = Path(__file__).parents[2]
SCHEMA = REPOSITORY / "workflow/schemas/config.schema.yaml"


def repository_config():
    return copy.deepcopy(read_yaml(REPOSITORY / "config/config.yaml"))


def changed(path, value):
    """Return the config with the value at a dotted path replaced or added."""
    config = repository_config()
    *steps, last = path.split(".") if not path.endswith("../x") else ["datasets", "../x"]
    target = config
    for step in steps:
        target = target[step]
    target[last] = value
    return config
