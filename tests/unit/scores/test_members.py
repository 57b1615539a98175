import argparse

import pytest

from protogcn.errors import ConfigError
from protogcn.scores.members import add_members, members_of
from tests.made.score_files import scores_of_run


def arguments(folder, weights):
    parser = argparse.ArgumentParser()
    add_members(parser)
    for stream in ("j", "b"):
        scores_of_run(stream).save(folder / f"{stream}.npz")
    files = [str(folder / f"{stream}.npz") for stream in ("j", "b")]
    words = ["--scores", *files, "--streams", "j", "b", "--task", "nano_xsub"]
    return parser.parse_args([*words, "--model", "protogcn", "--weights", *weights])


def test_members_have_their_weights_in_the_order_of_the_streams(tmp_path):
    members, weights = members_of(arguments(tmp_path, ["2", "1.5"]))
    assert list(members) == ["j", "b"]
    assert weights == {"j": 2, "b": 1.5}


def test_other_number_of_weights_is_one_sentence(tmp_path):
    with pytest.raises(ConfigError, match="3 weights for 2 streams, expected one for each"):
        members_of(arguments(tmp_path, ["1", "1", "1"]))


def test_weights_that_give_no_scores_are_one_sentence(tmp_path):
    with pytest.raises(ConfigError, match=r"weights 1 nan: expected finite numbers above 0"):
        members_of(arguments(tmp_path, ["1", "nan"]))
