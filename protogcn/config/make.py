"""Targets -> snakemake, after a look at what it would answer with a traceback.

Snakemake reads its options, and the files that they name, before any Snakefile.
"""

import contextlib
import io
import os
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from snakemake.cli import get_argument_parser, parse_config

from protogcn.config.command_line import check_configfiles
from protogcn.config.strict_yaml import read_config
from protogcn.errors import ConfigError

_SNAKEFILE = Path(__file__).parents[2] / "Snakefile"
_USAGE = """usage: protogcn make TARGET ... [an option of snakemake ...]

Checks the command line, then runs snakemake on it:
  protogcn make results/mine_xsub_6ens.csv --cores all --configfile mine.yaml
In a folder without a Snakefile it takes the repository's."""
_TARGET = re.compile(r"(?:\./)?results/.+|[^=]+\.(?:csv|md|tex|html|png|pdf|gif|npz|pt)")
# Options that take every word up to the next one; in the first ones each word is NAME=VALUE.
_ASSIGNING = (
    *("--config", "-C", "--resources", "--res", "--default-resources", "--default-res"),
    *("--set-resources", "--set-threads", "--set-scatter", "--groups", "--group-components"),
)
_GREEDY = (*_ASSIGNING, "--configfile", "--configfiles", "--quiet", "-q", "--rerun-triggers")


def check_command_line(words: Sequence[str]) -> None:
    """Refuse what Snakemake would stop at before it reads the Snakefile.

    Raises:
        ConfigError: a target behind an option that takes it, a value that is missing or none, two
            options of config files, a config that cannot be read.
    """
    for option, values in _options(words):
        for value in values if option in _GREEDY else ():
            if _TARGET.fullmatch(value) and not value.endswith((".yaml", ".yml")):
                raise ConfigError(
                    f"{value}: stands after {option}, which takes every word up to the next option;"
                    " write targets first."
                )
            if option in _ASSIGNING and "=" not in value:
                raise ConfigError(f"{option}: found {value!r}, expected NAME=VALUE.")
    check_configfiles(words)
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said):
            found = get_argument_parser().parse_args(list(words))
            parse_config(found.config)
    except SystemExit:
        raise ConfigError(
            said.getvalue().strip().splitlines()[-1].partition("error: ")[2]
        ) from None
    except ValueError as error:
        raise ConfigError(f"{error}") from None
    for file in found.configfile or ():
        read_config(Path(file))


def _options(words: Sequence[str]) -> Iterator[tuple[str, list[str]]]:
    """Yield each option with the words that follow it, up to the next one or to ``--``."""
    option, values = "", []
    for word in (*words, "--"):
        if word.startswith("-"):
            if option:
                yield option, values
            option, values = word, []
        else:
            values.append(word)
        if word == "--":
            return


def main() -> None:
    """Check the command line, then become snakemake."""
    words = sys.argv[1:]
    if not words or words[0] in ("-h", "--help"):
        print(_USAGE)
        return
    check_command_line(words)
    named = any(re.match(r"-s|--snakefile", word) for word in words)
    if not named and not any(map(Path.exists, map(Path, ("Snakefile", "workflow/Snakefile")))):
        words = ["--snakefile", str(_SNAKEFILE), *words]
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, "-m", "snakemake", *words])
