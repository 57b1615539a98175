"""The YAML files of a workplace -> its config and plan, merged as the workflow merges them."""

import argparse
import sys
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from snakemake.utils import update_config

from protogcn.config.plan import Plan, load_plan
from protogcn.config.strict_yaml import read_config, read_yaml
from protogcn.config.written import SCHEMA
from protogcn.errors import ConfigError

_REPOSITORY = Path(__file__).parents[2]
_OWN = _REPOSITORY / "config/config.yaml"


def add_configfiles(parser: argparse.ArgumentParser) -> None:
    """Add the argument that names config files, which go on top of the config."""
    parser.add_argument(
        "--configfile",
        type=Path,
        nargs="+",
        action="extend",
        default=[],
        help="as for snakemake, on top",
    )


def plan_of(directory: Path, configfiles: Sequence[Path]) -> tuple[dict[str, Any], Plan]:
    """Read the config as the workflow does: its own file, then the files on top.

    Returns:
        The merged config, and what it describes.

    Raises:
        ConfigError: there is none, or it does not fit.
    """
    contents = [read_config(file) for file in configfiles]
    own = own_config(directory, configfiles, {key for found in contents for key in found})
    files = [*([own] if own.exists() else []), *configfiles]
    config: dict[str, Any] = {}
    for found in [*([read_config(own)] if own.exists() else []), *contents]:
        update_config(config, found)
    return config, load_plan(config, SCHEMA, files)


def own_config(
    directory: Path, configfiles: Sequence[Path], keys: Collection[str], *, say: bool = True
) -> Path:
    """Return the config that the named files go on top of.

    It is ``config/config.yaml`` of the folder. Where there is none, and the files lack a section
    that every config has, it is the one beside the Snakefile, and that is said.

    Args:
        directory: the folder that the workflow runs in.
        configfiles: the files on top.
        keys: the sections that these have.
        say: print which one it is, if that is not the folder's.

    Raises:
        ConfigError: there is none, and no file on top.
    """
    own = directory / "config/config.yaml"
    lacking = [key for key in read_yaml(SCHEMA)["required"] if key not in keys]
    if own.exists() or not lacking:
        return own
    if not configfiles:
        raise ConfigError(
            f"{own}: does not exist; name another folder with --directory, or a config with"
            f" --configfile, such as {_OWN}."
        )
    files = ", ".join(map(str, configfiles))
    if say:
        print(f"{_OWN} goes before {files}: no {', '.join(lacking)} in these.", file=sys.stderr)
    return _OWN


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
    return load_plan(config, SCHEMA, files)


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
