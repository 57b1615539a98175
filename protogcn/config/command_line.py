"""Snakemake's command line, as its own parser reads it -> what a user asked for."""

import contextlib
import io
import re
import sys
from collections.abc import Sequence
from itertools import takewhile
from pathlib import Path

from snakemake.cli import get_argument_parser
from snakemake.io import regex_from_filepattern

from protogcn.errors import ConfigError

_CONFIGFILE = re.compile(r"--configfiles?(?:=(.*))?")


def targets_asked() -> list[str]:
    """Return the targets and the rules that the running ``snakemake`` was asked for.

    A Snakefile is read before Snakemake tells it. Of another program, such as one that calls
    Snakemake's API, there are none.
    """
    if not _is_snakemake():
        return []
    try:
        with contextlib.redirect_stderr(io.StringIO()):
            found = get_argument_parser().parse_args(sys.argv[1:])
    except SystemExit:  # what it does not take it has refused already; this is another reading
        return []
    asked = (found.targets, found.forcerun, found.until, found.omit_from)
    return [str(target) for targets in asked for target in targets or ()]


def check_configfiles(words: Sequence[str] | None = None) -> None:
    """Refuse an option of config files that is given twice: only the last one would be read.

    Args:
        words: a command line of Snakemake; by default that of the running ``snakemake``.

    Raises:
        ConfigError: with all the files after one option.
    """
    if words is None:
        words = sys.argv[1:] if _is_snakemake() else []
    places = [at for at, word in enumerate(words) if _CONFIGFILE.fullmatch(word)]
    if len(places) < 2:
        return
    files = []
    for at in places:
        files += [_CONFIGFILE.fullmatch(words[at])[1] or ""]
        files += takewhile(lambda word: not word.startswith("-"), words[at + 1 :])
    raise ConfigError(
        f"--configfile: found {len(places)} times, of which snakemake reads the last one alone;"
        f" expected all files after one, --configfile {' '.join(filter(None, files))}."
    )


def check_folder(folder: Path) -> None:
    """Refuse a folder whose locks Snakemake would not find: it takes their path for a pattern.

    Raises:
        ConfigError: it has braces with a point, a comma or the like in its name.
    """
    try:
        finds_itself = re.fullmatch(regex_from_filepattern(str(folder)), str(folder))
    except (re.error, ValueError):
        finds_itself = None
    if not finds_itself:
        raise ConfigError(
            f"{folder}: Snakemake takes the braces in the name of this folder for a pattern; run"
            " the workflow in another one (--directory)."
        )


def _is_snakemake() -> bool:
    program = Path(sys.argv[0])
    return "snakemake" in (program.stem, program.parent.name)
