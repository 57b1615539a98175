from datetime import datetime

import pytest

from protogcn.jobs import slurm
from protogcn.jobs.slurm import NoAnswerError, end_of_job, job_runs, queue_of_user
from tests.made.squeue import hide_squeue, put_squeue


def test_queue_has_state_folder_and_comment_of_each_job(tmp_path, monkeypatch):
    put_squeue(
        tmp_path / "bin",
        monkeypatch,
        """case "$*" in *"--user"*) ;; *) exit 1;; esac
printf '12|RUNNING|rule_train_stream_wildcards_x|/home/a|b\\n13|PENDING|(null)|/b\\nnonsense\\n'""",
    )
    queue = queue_of_user()
    assert list(queue) == ["12", "13"]
    assert queue["12"].runs
    assert not queue["13"].runs
    assert queue["12"].comment == "rule_train_stream_wildcards_x"
    assert queue["12"].folder == "/home/a|b"
    assert queue["13"].folder == "/b"


def test_end_of_a_job_is_in_local_time(tmp_path, monkeypatch):
    """All tasks of an array answer; one of them has the id that is asked for."""
    put_squeue(
        tmp_path / "bin",
        monkeypatch,
        """[ "$SLURM_TIME_FORMAT" = standard ] || exit 1
printf '8|2031-01-01T00:00:00\\n7|2030-01-31T18:00:00\\n'""",
    )
    assert end_of_job("7") == datetime(2030, 1, 31, 18).timestamp()


@pytest.mark.parametrize("end", ["N/A", "NONE", "", "Unknown"])
def test_job_without_a_limit_has_no_end(tmp_path, monkeypatch, end):
    put_squeue(tmp_path / "bin", monkeypatch, f"echo '7|{end}'")
    assert end_of_job("7") is None


@pytest.mark.parametrize(
    ("script", "runs"),
    [
        ("echo '7|RUNNING'", True),
        ("echo '7|PENDING'", False),
        ("echo 'slurm_load_jobs error: Invalid job id specified' >&2; exit 1", None),
        ("printf '\\377\\200|x\\n'", None),
    ],
)
def test_job_runs_if_its_processes_are_there(tmp_path, monkeypatch, script, runs):
    put_squeue(tmp_path / "bin", monkeypatch, script)
    assert job_runs("7") is runs


def test_without_squeue_nothing_is_known(tmp_path, monkeypatch):
    hide_squeue(tmp_path / "empty", monkeypatch)
    assert queue_of_user() is None
    assert job_runs("7") is None
    assert end_of_job("7") is None


def test_squeue_that_hangs_is_left_alone(tmp_path, monkeypatch):
    monkeypatch.setattr(slurm, "SECONDS_FOR_AN_ANSWER", 0.2)
    put_squeue(tmp_path / "bin", monkeypatch, "exec sleep 30")
    with pytest.raises(NoAnswerError, match="gave no answer in 0 seconds"):
        queue_of_user()
    assert job_runs("7") is None
