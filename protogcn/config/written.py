"""Settings written for the stages -> nothing, or the sentence on what was changed in them.

Only what the workflow wrote is read by a stage, but people edit these files.
"""

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from protogcn.config.schema import check_schema
from protogcn.config.settings import check_network
from protogcn.config.strict_yaml import read_yaml
from protogcn.errors import ConfigError, ContractError
from protogcn.files.contracts import check_seal, reading

SCHEMA = Path(__file__).parents[2] / "workflow/schemas/config.schema.yaml"
_Built = TypeVar("_Built")


def read_written(path: Path, kind: str, build: Callable[[Mapping[str, Any]], _Built]) -> _Built:
    """Read resolved settings, and refuse what no config could resolve to.

    Args:
        path: the file.
        kind: ``run``, ``dataset`` or ``table``.
        build: makes of the file's content what is returned; its ConfigErrors are the file's.

    Raises:
        ContractError: missing, damaged, or with each value that is not allowed.
    """
    with reading(path, f"the resolved settings of a {kind}"):
        check_seal(path)
        entry = read_yaml(path)
        is_mapping = isinstance(entry, Mapping)
        if is_mapping and "settings" in entry and "engine" not in entry:
            raise ContractError(
                f"{path}: was written by an older version, which had no section engine;"
                " run snakemake again: it writes the file anew, and repeats no finished training."
            )
        try:
            check_schema(entry, _schema_of(kind))
            if kind == "run":
                check_network("network", entry["network"])
            return build(entry)
        except ConfigError as error:
            sentences = " ".join(str(error).splitlines())
            raise ContractError(
                f"{path}: {sentences} The workflow writes this file: remove it and run snakemake"
                " again; no finished training is repeated."
            ) from error


@cache
def _schema_of(kind: str) -> Mapping[str, Any]:
    definitions = read_yaml(SCHEMA)["$defs"]
    return {"$ref": f"#/$defs/written_{kind}", "$defs": definitions}
