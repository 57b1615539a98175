"""Snakemake in a folder of its own, with the repository's workflow and config."""

import subprocess
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile

import pytest

from tests.made.warm_snakemake import run_snakemake

REPOSITORY = Path(__file__).parents[2]
BASE = REPOSITORY / "config/config.yaml"
NANO = REPOSITORY / "tests/workflow/nano.yaml"


@dataclass(frozen=True)
class Workplace:
    """An empty folder in which the workflow runs."""

    folder: Path

    def snakemake(self, *arguments, base=(BASE,), configs=(NANO,), timeout=240):
        """Run snakemake here; return the finished process with its output as one text."""
        command = [
            "--snakefile", str(REPOSITORY / "Snakefile"),
            "--directory", str(self.folder),
            *arguments,
            "--configfile", *map(str, (*base, *configs)),
        ]  # fmt: skip
        with NamedTemporaryFile() as output:
            code = run_snakemake(
                command, cwd=self.folder.parent, output=Path(output.name), timeout=timeout
            )
            told = Path(output.name).read_text(encoding="utf-8")
        return subprocess.CompletedProcess(command, code, told)

    def config(self, text):
        """Write a config that goes on top; return its path."""
        path = self.folder / "more.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    def planned(self, *arguments, configs=(NANO,)):
        """Return the jobs of a dry run: rule -> count."""
        answer = self.snakemake("--dry-run", *arguments, configs=configs)
        assert answer.returncode == 0, answer.stdout
        lines = (
            answer.stdout.split("Job stats:")[-1].splitlines()
            if "Job stats" in answer.stdout
            else []
        )
        pairs = [line.split() for line in lines[3:]]
        counts = {}
        for pair in pairs:
            if len(pair) != 2 or not pair[1].isdigit():
                break
            counts[pair[0]] = int(pair[1])
        counts.pop("total", None)
        return counts


@pytest.fixture
def workplace(tmp_path):
    """A name with a blank and an umlaut, as users have them."""
    folder = tmp_path / "work plätze & (x)"
    folder.mkdir()
    return Workplace(folder)
