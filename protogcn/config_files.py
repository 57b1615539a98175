"""The YAML files of a workplace -> its config and plan, merged as the workflow merges them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from snakemake.utils import update_config

from protogcn.errors import ConfigError
from protogcn.plan import Plan, load_plan
from protogcn.schema import read_yaml

_SCHEMA = Path(__file__).parent.parent / "workflow/schemas/config.schema.yaml"


def plan_of(directory: Path, configfiles: Sequence[Path]) -> tuple[dict[str, Any], Plan]:
    """Read the config as the workflow does: its own file, then the files on top.

    Returns:
        The merged config, and what it describes.

    Raises:
        ConfigError: there is none, or it does not fit.
    """
    own = directory / "config/config.yaml"
    files = ([own] if own.exists() else []) + list(configfiles)
    if not files:
        raise ConfigError(f"{own}: does not exist; name another folder with --directory.")
    config: dict[str, Any] = {}
    for file in files:
        if not file.is_file():
            raise ConfigError(f"--configfile: {file} does not exist.")
        found = read_yaml(file)
        if not isinstance(found, dict):
            raise ConfigError(f"{file}: found no map, expected a config.")
        update_config(config, found)
    return config, load_plan(config, _SCHEMA, files)
