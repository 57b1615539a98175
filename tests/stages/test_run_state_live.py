"""The state of a run, asked for while it trains."""

import socket
import subprocess
import sys
import time

import pytest

from protogcn.files.progress import load_progress
from protogcn.jobs.run_state import state_of
from tests.made.nano import nano_run, write_run


def until(fact, process):
    """Wait until something is so, while a process runs."""
    give_up = time.monotonic() + 60
    while not fact():
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < give_up
        time.sleep(0.01)


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
def test_training_is_seen_while_it_runs_and_after_it_was_killed(data, tmp_path):
    run = nano_run(epochs=400)
    folder = tmp_path / run.folder
    command = [sys.executable, "-m", "protogcn", "train", "--config", write_run(folder, run)]
    command += ["--values", data / "j.npy", "--clips", data / "clips.csv"]
    command += ["--checkpoint", folder / "checkpoint.pt", "--history", folder / "history.csv"]

    def state():
        return state_of(run, tmp_path, now=time.time())

    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            until(lambda: (state().epoch or 0) >= 2, process)
            found = state()
            assert (found.state, found.epochs, found.host) == ("running", 400, socket.gethostname())
            assert found.clips_per_second > 0
            assert found.seconds_left > 0
        finally:
            process.kill()
    assert load_progress(folder).state == "running"
    assert state().state == "stopped"
