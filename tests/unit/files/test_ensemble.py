import json

import pytest

from protogcn.errors import ContractError
from protogcn.files.ensemble import (
    EnsembleRecord,
    FusedRun,
    load_ensemble_record,
    save_ensemble_record,
)
from tests.made.edited import edit


def record_in(folder):
    runs = [FusedRun("j", 2.0, folder / "runs/j"), FusedRun("b", 0.5, folder / "runs/b")]
    return EnsembleRecord("probability", runs)


def test_record_is_read_as_it_was_written(tmp_path):
    save_ensemble_record(tmp_path / "e.json", record_in(tmp_path))
    assert load_ensemble_record(tmp_path / "e.json") == record_in(tmp_path)


def test_what_a_reader_has_to_know_of_a_run_is_kept(tmp_path):
    start = {"start": {"file": "a.pth", "new": {"classify.weight": "8 -> 4 classes"}}}
    runs = [FusedRun("j", 1.0, tmp_path / "runs/j", start)]
    record = EnsembleRecord("logit", runs, ("mixes members in different spaces",))
    save_ensemble_record(tmp_path / "e.json", record)
    assert load_ensemble_record(tmp_path / "e.json") == record


def test_runs_are_found_after_the_results_were_moved(tmp_path):
    (tmp_path / "old").mkdir()
    save_ensemble_record(tmp_path / "old/e.json", record_in(tmp_path / "old"))
    (tmp_path / "old").rename(tmp_path / "new")
    assert load_ensemble_record(tmp_path / "new/e.json") == record_in(tmp_path / "new")


def test_missing_record_is_named(tmp_path):
    with pytest.raises(ContractError, match=r"e\.json: does not exist, expected the record of"):
        load_ensemble_record(tmp_path / "e.json")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"format": 2}, "found format 2, expected 1; fuse again"),
        ({"members": []}, "names no run, expected one or more"),
        ({"members": [{"stream": "j", "weight": "much", "run": "j"}]}, "found a damaged file"),
        ({"members": [{"stream": "j", "weight": 1}]}, "found a damaged file"),
    ],
)
def test_record_that_makes_no_sense_is_refused(tmp_path, change, sentence):
    path = tmp_path / "e.json"
    save_ensemble_record(path, record_in(tmp_path))
    edit(path, json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(ContractError, match=rf"e\.json: {sentence}"):
        load_ensemble_record(path)
