import pytest
import torch

from protogcn.errors import ConfigError
from protogcn.models.checkpoint import load_checkpoint, save_checkpoint
from protogcn.scores.score import score
from protogcn.training.train import _checkpoint, train
from protogcn.training.validation import is_measured
from tests.made.nano import (
    assert_same,
    nano_clips,
    nano_run,
    store_of,
    weights_of,
    write_dataset,
)

ON_TEST = {"validate_every": 2, "validate_on": "test"}


@pytest.fixture(scope="module")
def with_val(tmp_path_factory):
    """The nano dataset whose last four training clips are on the side val."""
    folder = tmp_path_factory.mktemp("val")
    clips = [
        type(c)(c.name, c.label, c.keypoints, {"xsub": "val"} if 12 <= n < 16 else c.sides)
        for n, c in enumerate(nano_clips())
    ]
    write_dataset(folder, clips)
    return folder


def test_it_changes_no_bit_of_the_training(data, tmp_path):
    plain = train(nano_run(), store_of(data), tmp_path / "plain")
    watched = train(nano_run(**ON_TEST), store_of(data), tmp_path / "watched")
    assert_same(weights_of(plain), weights_of(watched))
    states = [
        load_checkpoint(tmp_path / name / "resume.pt", {"optimizer": dict})["optimizer"]["state"]
        for name in ("plain", "watched")
    ]
    for number in states[0]:
        momentum = [state[number]["momentum_buffer"] for state in states]
        assert torch.equal(*momentum)
    for row, other in zip(plain.history, watched.history, strict=True):
        for name in row.keys() - {"clips_per_second", "seconds"}:
            assert row[name] == other[name]


def test_every_nth_epoch_and_the_last_one_have_an_accuracy(with_val, tmp_path):
    run = nano_run(epochs=5, validate_every=2, validate_on="val")
    history = train(run, store_of(with_val), tmp_path).history
    assert [row["epoch"] for row in history if "val_accuracy" in row] == [2, 4, 5]
    assert {row["val_accuracy"] for row in history[1::2]} <= {0, 25, 50, 75, 100}
    assert all(("validation_seconds" in row) == ("val_accuracy" in row) for row in history)


def test_the_accuracy_is_that_of_scoring_one_crop(data, tmp_path):
    run = nano_run(epochs=3, crops=1, validate_every=3, validate_on="test")
    store = store_of(data)
    training = train(run, store, tmp_path)
    save_checkpoint(tmp_path / "checkpoint.pt", dict(_checkpoint(training)))
    scores = score(run, store, tmp_path / "checkpoint.pt")
    right = (scores.probabilities.argmax(axis=1) == scores.labels).mean()
    assert training.history[-1]["test_accuracy"] == 100 * right


def test_switched_on_or_off_between_two_jobs_the_training_goes_on(data, tmp_path, capsys):
    train(nano_run(), store_of(data), tmp_path)
    again = train(nano_run(**ON_TEST), store_of(data), tmp_path)
    assert "from the beginning" not in capsys.readouterr().err
    assert not any("test_accuracy" in row for row in again.history)


@pytest.mark.parametrize(("settings", "mark"), [(ON_TEST, "watched"), ({}, "last")])
def test_only_the_test_side_marks_the_scores(data, tmp_path, settings, mark):
    run, store = nano_run(epochs=2, **settings), store_of(data)
    training = train(run, store, tmp_path)
    save_checkpoint(tmp_path / "checkpoint.pt", dict(_checkpoint(training)))
    unwatched = nano_run(epochs=2)  # the mark stays, whatever the settings are now
    assert score(unwatched, store, tmp_path / "checkpoint.pt").provenance["select"] == mark


def test_a_validation_of_the_val_side_marks_nothing(with_val, tmp_path):
    run, store = nano_run(epochs=1, validate_every=1, validate_on="val"), store_of(with_val)
    save_checkpoint(tmp_path / "checkpoint.pt", dict(_checkpoint(train(run, store, tmp_path))))
    assert score(run, store, tmp_path / "checkpoint.pt").provenance["select"] == "last"


def test_the_best_epoch_and_the_curve_share_their_measurements(data, tmp_path, monkeypatch):
    calls = []
    run = nano_run(epochs=2, select="best", validate_every=1, validate_on="test")
    from protogcn.training import validation

    real = validation.score_clips
    monkeypatch.setattr(validation, "score_clips", lambda *a, **k: calls.append(a) or real(*a, **k))
    history = train(run, store_of(data), tmp_path).history
    assert len(calls) == 2
    assert all(row["test_accuracy"] == row["select_accuracy"] for row in history)


@pytest.mark.parametrize("key", ["validate_on", "select_on"])
def test_a_side_without_clips_is_refused_before_the_first_epoch(data, tmp_path, key):
    settings = {"validate_every": 1} if key == "validate_on" else {"select": "best"}
    with pytest.raises(ConfigError, match=f"{key} is val, but split xsub has no val clip; of a"):
        train(nano_run(**settings, **{key: "val"}), store_of(data), tmp_path)
    assert not (tmp_path / "resume.pt").exists()


def test_the_log_says_the_accuracy_and_what_it_cost(data, tmp_path, capsys):
    train(nano_run(epochs=2, **ON_TEST), store_of(data), tmp_path)
    first, second = (
        line for line in capsys.readouterr().err.splitlines() if line.startswith("epoch")
    )
    assert "  test " not in first
    assert "  test " in second
    assert " s)  rate " in second


def test_epochs_that_are_measured():
    found = [e for e in range(1, 8) if is_measured({"select": "last", "validate_every": 3, "epochs": 7}, e)]  # fmt: skip
    assert found == [3, 6, 7]
    assert not is_measured({"select": "last", "epochs": 7}, 7)
    assert is_measured({"select": "best", "epochs": 7}, 1)


@pytest.mark.long
def test_compiled_code_is_captured_once_for_training_and_once_for_validation(
    data, tmp_path, captured_graphs, capsys
):
    settings = {"compile": True, "batch": 8, "validate_every": 1, "validate_on": "test"}
    train(nano_run(epochs=3, **settings), store_of(data), tmp_path)
    assert len(captured_graphs) == 2
    assert capsys.readouterr().err.count("Compiling the evaluation") == 1
