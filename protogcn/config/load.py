"""The YAML files of a workplace -> its config and plan, merged as the workflow merges them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from snakemake.utils import update_config

from protogcn.config.plan import Plan, load_plan
from protogcn.config.schema import read_yaml
from protogcn.errors import ConfigError

_SCHEMA = Path(__file__).parents[2] / "workflow/schemas/config.schema.yaml"


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


def plan_of_workflow(config: dict[str, Any], own: Path, files: Sequence[Path]) -> Plan:
    """Return what the config describes that Snakemake merged; its keys are put in order.

    Args:
        config: the merged config, changed in place.
        own: the workplace's own file.
        files: all files that it was merged from.

    Raises:
        ConfigError: it does not fit.
    """
    put_in_order(config, own)
    return load_plan(config, _SCHEMA, files)


def put_in_order(config: dict[str, Any], own: Path) -> None:
    """Sort the keys of a merged config: those of the workplace's own file first.

    Snakemake merges the command line's files first and puts their keys in front, but the order of
    overrides decides which one wins, and a file on top has to win.

    Args:
        config: changed in place.
        own: the workplace's own file; if there is none, nothing changes.

    Raises:
        ConfigError: the file is no YAML.
    """
    if own.exists():
        ordered = _in_order(config, read_yaml(own))
        config.clear()
        config.update(ordered)


def _in_order(config: Any, first: Any) -> Any:
    if not (isinstance(config, Mapping) and isinstance(first, Mapping)):
        return config
    known = {key: _in_order(config[key], first[key]) for key in first if key in config}
    return known | {key: value for key, value in config.items() if key not in known}
