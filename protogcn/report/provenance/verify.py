"""Tables, figures, pages, folders or bundles -> whether every number follows from the scores."""

import argparse
from pathlib import Path

from protogcn.errors import ContractError
from protogcn.report.provenance.bundle_file import manifests_of
from protogcn.report.provenance.check import check_manifest, with_those_of_inputs

_SHOWN = 20  # faults of one table


def main() -> None:
    """Verify what the arguments name; print what differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "targets", type=Path, nargs="+", help="results/table5.csv, a folder, or a bundle.zip"
    )
    args = parser.parse_args()

    count, false = 0, []
    for target in args.targets:
        with manifests_of(target) as (manifests, named):
            for path in with_those_of_inputs(manifests):
                checked = check_manifest(path)
                count += 1
                print(named(checked.summary), flush=True)
                sentences = checked.faults[:_SHOWN]
                if more := len(checked.faults) - len(sentences):
                    sentences.append(f"... and {more} more")
                for sentence in [*sentences, *checked.remarks]:
                    print(f"  {named(sentence)}")
                false += [named(str(checked.title))] if checked.faults else []
    if false:
        raise ContractError(
            f"{len(false)} of {count} verified {'is' if len(false) == 1 else 'are'} not what their"
            f" manifests say: {', '.join(dict.fromkeys(false))}."
        )
