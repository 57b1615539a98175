"""Snakemake's command line, as its own parser reads it -> what a user asked for."""

import contextlib
import io
import sys
from pathlib import Path

from snakemake.cli import get_argument_parser


def targets_asked() -> list[str]:
    """Return the targets and the rules that the running ``snakemake`` was asked for.

    A Snakefile is read before Snakemake tells it. Of another program, such as one that calls
    Snakemake's API, there are none.
    """
    program = Path(sys.argv[0])
    if "snakemake" not in (program.stem, program.parent.name):
        return []
    try:
        with contextlib.redirect_stderr(io.StringIO()):
            found = get_argument_parser().parse_args(sys.argv[1:])
    except SystemExit:  # what it does not take it has refused already; this is another reading
        return []
    asked = (found.targets, found.forcerun, found.until, found.omit_from)
    return [str(target) for targets in asked for target in targets or ()]
