"""Snakemake in a folder of its own, with the repository's workflow and config."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
BASE = REPOSITORY / "config/config.yaml"
NANO = REPOSITORY / "tests/workflow/nano.yaml"


@dataclass(frozen=True)
class Workplace:
    """An empty folder in which the workflow runs."""

    folder: Path

    def snakemake(self, *arguments, base=(BASE,), configs=(NANO,), timeout=240):
        """Run snakemake here; return the finished process with its output as one text."""
        return subprocess.run(
            [
                sys.executable, "-m", "snakemake",
                "--snakefile", str(REPOSITORY / "Snakefile"),
                "--directory", str(self.folder),
                *arguments,
                "--configfile", *map(str, (*base, *configs)),
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=timeout,
            cwd=self.folder.parent,
        )  # fmt: skip

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
