"""What torch compiles for one stream, the scoring and the other streams of its network find."""

import os
import re
import subprocess
import sys

import pytest

from tests.made.methods import method_run
from tests.made.nano import write_run


@pytest.mark.long
def test_another_stream_and_scoring_find_what_the_first_stream_compiled(data, tmp_path):
    told = {}
    for modality, seed in (("j", 0), ("b", 1)):
        own = {"blocks": 1, "downsample": []}  # a third of the time to compile
        settings = {"compile": True, "epochs": 1, "select": "best"}
        run = method_run("stgcn", modality=modality, seed=seed, own=own, **settings)
        config = write_run(tmp_path / modality, run)
        inputs = ["--config", config, "--values", data / f"{modality}.npy"]
        inputs += ["--clips", data / "clips.csv", "--checkpoint", config.parent / "checkpoint.pt"]
        told[modality] = command("train", *inputs, "--history", config.parent / "history.csv")
        told[f"{modality} scored"] = command("score", *inputs, "--scores", config.parent / "s.npz")
    anew, found = "anew", "found in the cache of torch"
    assert told == {
        "j": {"training step": anew, "evaluation": anew},
        "j scored": {"evaluation": found},
        "b": {"training step": found, "evaluation": found},
        "b scored": {"evaluation": found},
    }


def command(name, *words):
    """Run a command with a cache of the test's own; return how it says that it compiled."""
    answer = subprocess.run(
        [sys.executable, "-m", "protogcn", name, *map(str, words)],
        env={**os.environ, "TORCHINDUCTOR_CACHE_DIR": str(words[1].parents[1] / "compiled")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr
    return dict(re.findall(r"Compiled the (.+) in \d+ s, (.+)\.", answer.stderr))
