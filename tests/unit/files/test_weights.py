import json

import pytest

from protogcn.errors import ContractError
from protogcn.files.weights import LearnedWeights
from tests.made.edited import edit

LEARNED = LearnedWeights(
    task="nano_xsub_held_out", side="val", space="probability", weights={"j": 0.75, "b": 0.25},
    temperatures={"j": 1.5, "b": 0.9}, temperature=0.8, clips=40, log_loss_before=1.0, log_loss=0.9,
    digests={"j": "0f", "b": "1e"},
)  # fmt: skip


def test_what_is_saved_is_what_is_loaded(tmp_path):
    LEARNED.save(tmp_path / "w.json")
    assert LearnedWeights.load(tmp_path / "w.json") == LEARNED


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"format": 2}, "found format 2, expected 1"),
        ({"weights": {"j": 0.75, "b": 0.5}}, "expected a sum of 1"),
        ({"weights": {"j": 1.75, "b": -0.75}}, "expected a sum of 1"),
        ({"temperatures": {"j": 0, "b": 1}}, "expected a temperature above 0"),
        ({"temperatures": {"j": 1}}, "expected a temperature above 0 for each weight"),
        ({"weights": None}, "w.json"),
    ],
)
def test_other_numbers_are_refused(tmp_path, change, said):
    path = tmp_path / "w.json"
    LEARNED.save(path)
    edit(path, json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(ContractError, match=said):
        LearnedWeights.load(path)
