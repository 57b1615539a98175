import os

import pytest

from protogcn.jobs import slurm
from protogcn.jobs.earlier_jobs import left_behind
from protogcn.jobs.slurm import comment_of
from tests.made.squeue import hide_squeue, put_squeue

TRAINING = "rule_train_stream_wildcards_nano_xsub_protogcn_j"


@pytest.fixture
def queue(tmp_path, monkeypatch):
    """Let squeue print some lines."""

    def says(*lines):
        command = tmp_path / "squeue"
        text = "".join(f"echo '{line}'\n" for line in lines)
        command.write_text(f"#!/bin/sh\n{text}")
        command.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")

    return says


def test_job_that_would_be_sent_again_is_named_with_its_remedy(queue, tmp_path):
    queue(f"12|RUNNING|{TRAINING}|{tmp_path}", f"13|PENDING|rule_read_joints|{tmp_path}")
    sentence = left_behind([TRAINING, "rule_score_stream"], tmp_path, to_slurm=True)
    assert f"12 ({TRAINING}, running)" in sentence
    assert "scancel 12." in sentence
    assert "13" not in sentence


def test_job_of_another_folder_is_somebody_elses(queue, tmp_path):
    queue(f"12|RUNNING|{TRAINING}|{tmp_path}/other", "13|RUNNING|(null)|/", "", "odd line")
    assert left_behind([TRAINING], tmp_path, to_slurm=True) is None


def test_folder_may_have_a_bar_in_its_name(queue, tmp_path):
    folder = tmp_path / "a|b"
    queue(f"12|RUNNING|{TRAINING}|{folder}")
    assert left_behind([TRAINING], folder, to_slurm=True) is not None


def test_without_slurm_nothing_is_left(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert left_behind([TRAINING], tmp_path, to_slurm=False) is None


@pytest.mark.parametrize(
    ("script", "found"),
    [
        (
            "echo 'slurm_load_jobs error: Socket timed out' >&2; exit 1",
            "squeue reported 'slurm_load_",
        ),
        ("exit 1", "squeue failed without a message"),
        ("exec sleep 30", "squeue gave no answer in 0 seconds"),
        (None, "squeue is not in the PATH"),
    ],
)
def test_queue_that_is_unknown_stops_jobs_for_slurm_alone(tmp_path, monkeypatch, script, found):
    monkeypatch.setattr(slurm, "SECONDS_FOR_AN_ANSWER", 0.2)
    if script is None:
        hide_squeue(tmp_path / "empty", monkeypatch)
    else:
        put_squeue(tmp_path / "bin", monkeypatch, script)
    sentence = left_behind([TRAINING], tmp_path, to_slurm=True)
    assert sentence.startswith(found)
    assert "again once squeue answers, or with --no-hooks" in sentence
    assert left_behind([TRAINING], tmp_path, to_slurm=False) is None


def test_comment_is_that_of_the_executor():
    assert comment_of("train_stream", ["nano", "xsub", "protogcn", "j"]) == TRAINING
    assert comment_of("all", []) == "rule_all"
    assert comment_of("a", ["x/y"]) == "rule_a_wildcards_x_y"
