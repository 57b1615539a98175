"""Settings, resolved -> the YAML file that a dataset, a run or a table is made by."""

import argparse
import json
import sys
from pathlib import Path

import yaml

from protogcn.errors import ContractError
from protogcn.files.contracts import save_text


def main() -> None:
    """Write resolved settings, given as JSON, to a YAML file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, required=True, help="made of the JSON from stdin")
    args = parser.parse_args()

    # An argument ends at 128 kB, which the names of some thousand classes have.
    entry = json.load(sys.stdin)
    if not isinstance(entry, dict):
        raise ContractError("standard input: found no JSON object.")
    text = yaml.safe_dump(entry, sort_keys=False, allow_unicode=True, width=100)
    save_text(args.output, text, sealed=True)
