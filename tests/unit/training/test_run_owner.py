import json
import os
import socket
import sys

import pytest

from protogcn.errors import ContractError, SupersededError
from protogcn.training.run_owner import Owner
from tests.made.squeue import put_squeue
from tests.made.training import fake_training


def leave_token(folder, host, process, job=""):
    text = json.dumps({"id": "other", "host": host, "process": process, "job": job})
    (folder / "owner.json").write_text(text)


def test_last_to_start_is_the_owner(tmp_path):
    first, second = Owner(tmp_path), Owner(tmp_path)
    second.check()
    with pytest.raises(SupersededError, match=f"process {os.getpid()} on {socket.gethostname()}"):
        first.check()


def test_first_owner_says_nothing(tmp_path, capsys):
    Owner(tmp_path).check()
    assert capsys.readouterr().err == ""


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
def test_training_that_still_runs_here_is_named(tmp_path, capsys):
    with fake_training() as process:
        leave_token(tmp_path, socket.gethostname(), process, "41")
        Owner(tmp_path)
    told = capsys.readouterr().err
    expected = f"took over from process {process} on {socket.gethostname()}, job 41, which"
    assert expected in told
    assert told.count("\n") == 1


def test_job_that_slurm_still_runs_is_named(tmp_path, monkeypatch, capsys):
    put_squeue(tmp_path / "bin", monkeypatch, "echo '41|RUNNING'")
    leave_token(tmp_path, "node7", 1234, "41")
    Owner(tmp_path)
    assert "took over from process 1234 on node7, job 41" in capsys.readouterr().err


def test_requeued_job_took_over_from_nobody(tmp_path, monkeypatch, capsys):
    put_squeue(tmp_path / "bin", monkeypatch, "echo '41|RUNNING'")
    monkeypatch.setenv("SLURM_JOB_ID", "41")
    leave_token(tmp_path, "node7", 1234, "41")
    Owner(tmp_path)
    assert capsys.readouterr().err == ""


def test_owner_that_is_gone_is_not_named(tmp_path, monkeypatch, capsys):
    put_squeue(tmp_path / "bin", monkeypatch, "exit 1")
    leave_token(tmp_path, "node7", 1234, "41")
    Owner(tmp_path)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"id": 3}', "\x00"])
def test_damaged_token_is_replaced_at_the_start_and_refused_later(tmp_path, text, capsys):
    (tmp_path / "owner.json").write_text(text)
    owner = Owner(tmp_path)
    owner.check()
    assert "Warning: not used:" in capsys.readouterr().err
    (tmp_path / "owner.json").write_text(text)
    with pytest.raises(ContractError, match=r"owner\.json"):
        owner.check()
