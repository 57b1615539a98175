"""A hundred trainings in one process: no growth of memory, open files, threads or files left behind."""

import gc
import os
import tempfile
import threading
from pathlib import Path

import pytest

from tests.made.all_stages import run_here
from tests.made.nano import nano_run, write_run


def grown() -> dict[str, int]:
    """Return what must not grow: bytes of memory, open files, threads, temporary files."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return {
        "megabytes": pages * os.sysconf("SC_PAGE_SIZE") >> 20,
        "open files": len(list(Path("/proc/self/fd").iterdir())),
        "threads": threading.active_count(),
        "temporary files": len(list(Path(tempfile.gettempdir()).iterdir())),
    }


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs /proc")
def test_trainings_in_a_row_leave_nothing_behind(data, tmp_path, campaign, monkeypatch, capfd):
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    monkeypatch.setattr(tempfile, "tempdir", None)
    (tmp_path / "temporary").mkdir()
    config = write_run(tmp_path / "run", nano_run(epochs=1))
    values = ["--config", str(config), "--values", str(data / "j.npy"), "--clips",
              str(data / "clips.csv"), "--checkpoint", str(tmp_path / "run/checkpoint.pt")]  # fmt: skip
    words = {
        "train": ["train", *values, "--history", str(tmp_path / "run/history.csv")],
        "score": ["score", *values, "--scores", str(tmp_path / "run/scores.npz")],
    }
    warm = 5  # caches fill in the first ones
    before, files, scores = {}, set(), set()
    for number in range(warm + campaign.tries(push=5, nightly=95, release=300)):
        for path in (tmp_path / "run").glob("resume*"):
            path.unlink()  # each trains
        for each in words.values():
            assert run_here(each) == 0
        scores.add((tmp_path / "run/scores.npz").read_bytes())
        if number == warm:
            before, files = grown(), set(os.listdir(tmp_path / "run"))
        campaign.count("same bytes")
    after = grown()
    assert len(scores) == 1
    events = {name for name in os.listdir(tmp_path / "run") if name.startswith("events")}
    assert set(os.listdir(tmp_path / "run")) - events == files - events
    assert after["megabytes"] - before["megabytes"] < 40, (before, after)
    for what in ("open files", "threads", "temporary files"):
        assert after[what] <= before[what], (what, before, after)
    capfd.readouterr()
