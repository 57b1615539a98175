"""Two tables, runs or score files -> why they differ: settings, seeds, data, clips, code."""

import argparse
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import chain
from pathlib import Path

from protogcn.errors import ConfigError
from protogcn.files.manifest import Manifest, manifest_beside
from protogcn.report.provenance.bundle_file import manifests_of
from protogcn.report.provenance.evidence import evidence_of
from protogcn.report.provenance.reasons import reasons

_WIDTH = 240  # characters of a line


@contextmanager
def _unpacked(path: Path) -> Iterator[Path]:
    """Yield the path, or the manifest of a bundle's table; its weights have one of their own."""
    if path.suffix != ".zip":
        yield path
        return
    with manifests_of(path) as (manifests, _):
        read = {
            manifest_beside(file.path)
            for manifest in map(Manifest.load, manifests)
            for file in chain.from_iterable(manifest.inputs.values())
        }
        manifests = [manifest for manifest in manifests if manifest not in read]
        if len(manifests) != 1:
            raise ConfigError(
                f"{path}: has {len(manifests)} tables and figures, expected one; unpack it, and"
                " name the table."
            )
        yield manifests[0]


def main() -> None:
    """Print why two results differ."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("first", type=Path, help="a table, a run's folder, a score file, a bundle")
    parser.add_argument("second", type=Path)
    args = parser.parse_args()

    with ExitStack() as stack:
        paths = [stack.enter_context(_unpacked(path)) for path in (args.first, args.second)]
        for line in reasons(*map(evidence_of, paths)):
            print(line if len(line) <= _WIDTH else f"{line[: _WIDTH - 3]}...")
