"""Files of every other reader damaged, guided by the lines that they reach."""

import pytest

from tests.abuse.our_files import our_readers

NAMES = (
    "joints.npy", "clips.csv", "dataset.yaml", "poses.csv", "config.yaml of a run", "history.csv",
    "progress.json", "checkpoint.pt", "scores.npz", "csv of a table", "record of an ensemble",
    "learned weights", "settings of a table", "manifest", "bundle",
)  # fmt: skip


@pytest.fixture(scope="module")
def readers(tmp_path_factory):
    found = {reader.name: reader for reader in our_readers(tmp_path_factory.mktemp("ours"))}
    assert tuple(found) == NAMES
    return found


@pytest.mark.parametrize("name", NAMES)
def test_a_damaged_file_of_ours_is_read_or_one_sentence(readers, campaign, tmp_path, name):
    tries = campaign.tries(push=100, nightly=200_000, release=1_000_000)
    seconds = campaign.seconds(push=0.05, nightly=22)
    campaign.damage(readers[name], tmp_path, tries=tries, seconds=seconds)
