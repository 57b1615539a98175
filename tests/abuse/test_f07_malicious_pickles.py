"""Pickles and checkpoints that attack, and damaged ones, guided by the lines that they reach."""

import os
import subprocess
import sys

import pytest

from tests.abuse.outside_files import checkpoint_readers, pickle_readers
from tests.made.hostile_pickles import CALLS, TRICKS
from tests.made.mutations import zipped

READ_ALL = """
import sys, time
from pathlib import Path
from protogcn.data.readers.pickles.load import load_pickle
from protogcn.data.readers.pickles.torch_file import load_torch_file
from protogcn.errors import ContractError
for path in sorted(Path(sys.argv[1]).iterdir()):
    start = time.process_time()
    try:
        found = (load_pickle if path.suffix == ".pkl" else load_torch_file)(path)
        print("read", path.name)
    except ContractError as error:
        assert str(path) in str(error), error
        print("refused", path.name)
    assert time.process_time() - start < 2, path
"""
READERS = {reader.name: reader for reader in (*pickle_readers(), *checkpoint_readers())}


def test_no_attack_runs_or_takes_the_machine(campaign, tmp_path):
    folder, empty = tmp_path / "attacks", tmp_path / "empty"
    folder.mkdir()
    empty.mkdir()
    for number, attack in enumerate((*CALLS.values(), *TRICKS.values())):
        content = b"\x80\x04" + attack + b"."
        (folder / f"{number:03}.pkl").write_bytes(content)
        (folder / f"{number:03}.pt").write_bytes(zipped([("a/data.pkl", content)]))
    run = subprocess.run(
        [sys.executable, "-c", READ_ALL, folder],
        cwd=empty, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    assert not list(empty.iterdir())  # such as CANARY
    said = [line.split() for line in run.stdout.splitlines()]
    assert not [name for outcome, name in said if outcome == "read" and name.endswith(".pkl")]
    for outcome, _ in said:  # a checkpoint may hold what is unknown: nothing is made of it
        campaign.count(outcome)


@pytest.mark.parametrize("name", READERS)
def test_a_damaged_pickle_is_data_or_one_sentence(campaign, tmp_path, name):
    tries = campaign.tries(push=300, nightly=200_000, release=1_000_000)
    seconds = campaign.seconds(push=0.1, nightly=30)
    campaign.damage(READERS[name], tmp_path, tries=tries, seconds=seconds)
