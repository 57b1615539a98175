import copy
from pathlib import Path

import pytest

from protogcn.errors import ContractError
from protogcn.files.score_origin import check_origin
from tests.made.score_files import random_scores

PATH = Path("scores.npz")


def changed(keys, value):
    origin = copy.deepcopy(random_scores(0).provenance)
    owner = origin
    for key in keys[:-1]:
        owner = owner.setdefault(key, {})
    owner[keys[-1]] = value
    return origin


def test_the_origin_of_a_run_and_of_no_run_are_taken():
    check_origin(PATH, random_scores(0).provenance)
    check_origin(PATH, {"select": "last"})


@pytest.mark.parametrize(
    ("keys", "value", "sentence"),
    [
        (("run",), None, "run is None, expected a mapping"),
        (("run", "dataset"), [], r"run\.dataset is \[\], expected a mapping"),
        (("run", "repeat"), True, r"run\.repeat is True, expected a whole number of 0 and up"),
        (
            ("run", "repeat"),
            2**70,
            r"run\.repeat is 1180591620717411303424, expected a whole number",
        ),
        (("run", "split"), 3, r"run\.split is 3, expected a name"),
        (
            ("run", "settings", "select_on"),
            "best",
            "select_on is 'best', expected train, val, test",
        ),
        (
            ("copies", "test clips"),
            "x" * 99,
            r"copies\.test clips is 'x{39}\.\.\., expected a whole",
        ),
        (("side",), "train", "side is 'train', expected test, val"),
        (("space",), ["logit"], r"space is \['logit'\], expected probability, logit, log_prob"),
    ],
)
def test_another_kind_of_entry_is_named_with_what_was_expected(keys, value, sentence):
    with pytest.raises(ContractError, match=rf"^scores\.npz: .*{sentence}"):
        check_origin(PATH, changed(keys, value))


def test_an_entry_that_every_run_has_is_missed():
    origin = copy.deepcopy(random_scores(0).provenance)
    del origin["run"]["modality"]
    with pytest.raises(ContractError, match=r"scores\.npz: does not say run\.modality"):
        check_origin(PATH, origin)


@pytest.mark.parametrize("origin", [None, [], "x", 3])
def test_an_origin_that_is_no_mapping_is_refused(origin):
    with pytest.raises(ContractError, match=r"provenance is .*, expected a mapping"):
        check_origin(PATH, origin)
