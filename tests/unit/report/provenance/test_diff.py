from dataclasses import replace

import numpy as np
import pytest

from protogcn.report.provenance import bundle
from protogcn.report.provenance import diff as stage
from tests.made.command import run_command
from tests.made.nano import SETTINGS, nano_run, write_run
from tests.made.provenance import fused_table, learned_weights
from tests.made.score_files import random_scores


def diff(monkeypatch, capsys, first, second):
    """Return what the command says of two results, by the beginning of each line."""
    assert run_command(stage, monkeypatch, first, second) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) <= 10
    return dict(line.split(": ", 1) if ": " in line else (line, "") for line in lines)


def saved(folder, scores):
    scores.save(folder / "scores.npz")
    return folder / "scores.npz"


def test_equal_results_do_not_differ(tmp_path, monkeypatch, capsys):
    tables = [fused_table(tmp_path / name, monkeypatch) for name in "ab"]
    assert diff(monkeypatch, capsys, *tables) == {"nothing differs that is known of both": ""}


def test_other_weights_and_settings_of_a_table_are_told(tmp_path, monkeypatch, capsys):
    first = fused_table(tmp_path / "a", monkeypatch)
    changes = {"settings": SETTINGS | {"batch": 9, "seed": 3}}
    second = fused_table(tmp_path / "b", monkeypatch, weights=[2, 1], **changes)
    said = diff(monkeypatch, capsys, first, second)
    assert said["put together"] == "weights 1 1 against 2 1"
    assert said["settings"] == "batch 5 against 9"
    assert said["seeds"] == "seed 0 against 3"
    assert "j weight 1 against 2" in said["numbers"]
    assert said["the same"] == "runs, data, clips, code and machines"


def test_learned_weights_are_told_beside_given_ones(tmp_path, monkeypatch, capsys):
    first = fused_table(tmp_path, monkeypatch, name="t")
    weights = learned_weights(tmp_path, monkeypatch)
    second = fused_table(tmp_path, monkeypatch, name="u", learned=weights)
    said = diff(monkeypatch, capsys, first, second)
    assert said["put together"].startswith("weights 1 1 against 0.")
    assert "weights learned on nothing against nano_xsub val" in said["put together"]


def test_streams_that_only_one_table_has_are_named(tmp_path, monkeypatch, capsys):
    first = fused_table(tmp_path, monkeypatch, name="t")
    second = fused_table(tmp_path, monkeypatch, name="u", streams=("j", "b", "jm"))
    said = diff(monkeypatch, capsys, first, second)
    assert said["runs"] == "only in the second: nano_xsub/protogcn/jm; 2 in both"


@pytest.mark.parametrize("is_folder", [True, False])
def test_two_score_files_differ_in_predictions_and_code(tmp_path, monkeypatch, capsys, is_folder):
    first, second = random_scores(1), random_scores(2)
    made = {"commit": "b" * 40, "versions": {"torch": "2.1"}}
    second = replace(second, provenance={**second.provenance, "trained by": made})
    paths = [saved(tmp_path / name, s) for name, s in (("a", first), ("b", second))]
    said = diff(monkeypatch, capsys, *(path.parent if is_folder else path for path in paths))
    alone = [
        int(((one.probabilities.argmax(1) == one.labels) & (two.probabilities.argmax(1) != one.labels)).sum())
        for one, two in ((first, second), (second, first))
    ]  # fmt: skip
    assert f"first alone is right on {alone[0]}, the second on {alone[1]};" in said["predictions"]
    assert f"trained by.commit nothing against {'b' * 12}" in said["code and machines"]
    assert "trained by.versions.torch nothing against 2.1" in said["code and machines"]


def test_other_clips_and_labels_are_counted_with_an_example(tmp_path, monkeypatch, capsys):
    first = random_scores(1)
    labels = first.labels.copy()
    labels[3] = (labels[3] + 1) % 4
    rest = {name: getattr(first, name)[1:] for name in ("clips", "logits", "probabilities")}
    second = replace(first, labels=labels[1:], **rest)
    paths = [saved(tmp_path / name, s) for name, s in (("a", first), ("b", second))]
    said = diff(monkeypatch, capsys, *paths)
    assert said["clips"] == (
        "60 against 59: 1 only in the first (such as c0), 1 with another label (such as c3)"
    )


def test_a_run_that_is_not_scored_yet_is_compared_by_its_config(tmp_path, monkeypatch, capsys):
    saved(tmp_path / "a", random_scores(1))
    run = replace(nano_run(), settings=SETTINGS | {"batch": 9})
    write_run(tmp_path / "b", run)
    said = diff(monkeypatch, capsys, tmp_path / "a", tmp_path / "b")
    assert said["settings"] == "batch 5 against 9"
    assert "data" in said["the same"]


def test_what_nothing_explains_is_said_so(tmp_path, monkeypatch, capsys):
    paths = [saved(tmp_path / str(seed), random_scores(seed)) for seed in (1, 2)]
    said = diff(monkeypatch, capsys, *paths)
    assert "a file was changed by hand" in said["nothing that is recorded explains it"]


def test_a_table_and_something_else_is_answered_with_what_is_expected(
    tmp_path, monkeypatch, capsys
):
    assert run_command(stage, monkeypatch, tmp_path, tmp_path) == 2
    assert (
        "has no config.yaml or scores.npz; expected the folder of a run" in capsys.readouterr().err
    )
    np.save(tmp_path / "x.npy", 1)
    assert run_command(stage, monkeypatch, tmp_path / "x.npy", tmp_path) == 2
    assert "has no manifest x.manifest.json beside it" in capsys.readouterr().err


def test_a_bundle_with_learned_weights_is_compared_by_its_table(tmp_path, monkeypatch, capsys):
    plain = fused_table(tmp_path, monkeypatch)
    learned = learned_weights(tmp_path, monkeypatch)
    table = fused_table(tmp_path, monkeypatch, learned=learned, name="l")
    assert run_command(bundle, monkeypatch, table, "--zip", tmp_path / "l.zip") == 0
    found = diff(monkeypatch, capsys, plain, tmp_path / "l.zip")
    assert "weights" in found["put together"]
