import os
import socket
import subprocess
import sys

import pytest

from protogcn.jobs.alive import is_alive, runs_here
from tests.made.training import fake_training

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")

HERE = socket.gethostname()


def test_training_that_runs_is_seen():
    with fake_training() as process:
        assert runs_here(HERE, process) is True


def test_this_process_runs():
    assert runs_here(HERE, os.getpid()) is True


def test_process_that_is_gone_does_not_run():
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    assert runs_here(HERE, process.pid) is False


def test_another_process_under_the_same_number_is_no_training():
    assert runs_here(HERE, 1) is False


def test_another_machine_cannot_be_looked_at():
    assert runs_here("elsewhere", os.getpid()) is None


@pytest.mark.parametrize("runs", [True, False, None])
def test_training_of_another_machine_lives_as_long_as_its_job(runs):
    assert is_alive("elsewhere", 7, "41", {"41": runs}.get) is runs
    assert is_alive("elsewhere", 7, "", lambda job: True) is None


def test_job_of_a_process_of_this_machine_is_not_asked_about():
    assert is_alive(HERE, os.getpid(), "41", lambda job: False) is True
