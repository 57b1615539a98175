"""A training longer than its jobs, and what the status says before, between and after them."""

import json
import os
import subprocess
import sys

import pytest

from tests.workflow.conftest import NANO, REPOSITORY

RUN = "results/runs/nano/xsub/protogcn/j"
LOG = "results/logs/train_stream/nano.xsub.protogcn.j.log"

pytestmark = pytest.mark.slow


def status_of(place, *arguments):
    configs = [REPOSITORY / "config/config.yaml", NANO]
    answer = subprocess.run(
        [sys.executable, "-m", "protogcn", "status", "--directory", place.folder,
         "--configfile", *configs, "--target", RUN, *arguments],
        capture_output=True, text=True, check=True, cwd=place.folder.parent,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
    )  # fmt: skip
    return answer.stdout


def state_of(place):
    (found,) = json.loads(status_of(place, "--json"))
    return found["state"], found["epoch"]


@pytest.mark.long
def test_retries_take_a_training_through_several_jobs(workplace, monkeypatch):
    """Every job is over at once, so each does the one epoch that it may always do."""
    monkeypatch.setenv("PROTOGCN_STOP_AT", "2020-01-01T00:00")
    assert state_of(workplace) == ("waiting", None)
    first = workplace.snakemake("--cores", "1", f"{RUN}/checkpoint.pt")
    assert first.returncode != 0
    assert "OutOfTimeError: nano_xsub/protogcn/j: epoch 2 of 2 is left" in first.stdout
    assert "Traceback" not in first.stdout
    assert state_of(workplace) == ("out of time", 1)
    assert "resumes each run from its last epoch" in status_of(workplace)

    more = workplace.config("train: {epochs: 3}")
    answer = workplace.snakemake(
        "--cores", "1", "--retries", "2", f"{RUN}/checkpoint.pt", configs=(NANO, more)
    )
    assert answer.returncode == 0, answer.stdout
    assert answer.stdout.count("OutOfTimeError: ") == 2
    assert "resumes from epoch 2" in (workplace.folder / LOG).read_text()
    assert state_of(workplace) == ("trained", 3)
