"""Settings, resolved -> the YAML file that a dataset, a run or a table is made by."""

import argparse
import json
from pathlib import Path

import yaml

from protogcn.config.arguments import text_of
from protogcn.errors import ContractError
from protogcn.files.contracts import save_text


def main() -> None:
    """Write resolved settings, given as JSON, to a YAML file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--settings", required=True, help="JSON object, or @FILE that has it")
    parser.add_argument("--output", type=Path, required=True)
    args = parser.parse_args()

    entry = json.loads(text_of(args.settings))
    if not isinstance(entry, dict):
        raise ContractError("--settings: found no JSON object.")
    text = yaml.safe_dump(entry, sort_keys=False, allow_unicode=True, width=100)
    save_text(args.output, text, sealed=True)
