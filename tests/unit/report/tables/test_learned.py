"""Weights that are learned on val scores, from the score files to tables, figures and the record."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from protogcn.files.ensemble import load_ensemble_record
from protogcn.files.weights import LearnedWeights
from protogcn.report.figures import reliability
from protogcn.report.tables import fuse, learn, schemes
from protogcn.report.tables.measure import measure
from protogcn.scores.fusion import softmax
from protogcn.scores.members import load_scores_of
from tests.made.command import run_command
from tests.made.edited import edit
from tests.made.score_files import scores_of_run
from tests.made.table_scores import cell, digest_of

WORTH = {"j": 1.5, "b": 1.1}
TASK = ("--streams", *WORTH, "--task", "nano_xsub", "--model", "protogcn")


def write_streams(folder, name="scores.npz", *, side=None, seed=0, shuffled=False):
    """Write scores of two streams of known worth; labels may be shuffled."""
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, 4, 300)
    given = generator.permutation(labels) if shuffled else labels
    files = []
    for stream, worth in WORTH.items():
        logits = worth * np.eye(4)[labels] + generator.normal(size=(300, 4))
        scores = scores_of_run(stream)
        provenance = scores.provenance | ({} if side is None else {"side": side})
        files.append(folder / stream / name)
        replace(
            scores,
            clips=np.array([f"{side}{number}" for number in range(300)]),
            labels=given,
            classes=np.array(["up", "down", "left", "right"]),
            logits=logits.astype(np.float32),
            probabilities=softmax(8 * logits).astype(np.float32),
            provenance=provenance,
        ).save(files[-1])
    return files


@pytest.fixture
def val(tmp_path):
    return write_streams(tmp_path, "val_scores.npz", side="val", seed=1)


@pytest.fixture
def test_files(tmp_path):
    return write_streams(tmp_path)


def learned_by(monkeypatch, folder, files, *, side="val", space="probability"):
    path = folder / "weights.json"
    words = ("--scores", *files, *TASK, "--side", side, "--learned", path, "--space", space)
    assert run_command(learn, monkeypatch, *words) == 0
    return path


def fused_by(monkeypatch, folder, files, learned):
    outputs = ("csv", "markdown", "latex", "pairs", "record")
    words = (part for name in outputs for part in (f"--{name}", folder / f"t.{name}"))
    words = ("--scores", *files, *TASK, "--learned", learned, "--ensemble", "mine", *words)
    assert run_command(fuse, monkeypatch, *words) == 0


def test_table_and_record_have_learned_weights_and_what_they_were_learned_on(
    tmp_path, monkeypatch, val, test_files
):
    path = learned_by(monkeypatch, tmp_path, val)
    learned = LearnedWeights.load(path)
    assert (learned.side, learned.clips, learned.task) == ("val", 300, "nano_xsub")
    assert 0.5 < learned.weights["j"] < 0.95
    assert learned.temperature < 1 < min(learned.temperatures.values())
    fused_by(monkeypatch, tmp_path, test_files, path)
    table = pd.read_csv(tmp_path / "t.csv", dtype=str, keep_default_na=False).set_index("stream")
    assert table["chosen_on"].tolist() == ["none", "none", "val"]
    assert float(table.loc["j", "weight"]) == pytest.approx(learned.weights["j"], rel=1e-4)
    text = (tmp_path / "t.markdown").read_text()
    assert "Weights: least log-loss on 300 val clips of nano\\_xsub" in text
    assert "were learned on val clips" in text
    record = load_ensemble_record(tmp_path / "t.record")
    assert record.temperature == learned.temperature
    assert record.learned_on == "300 val clips of nano_xsub"
    assert [run.temperature for run in record.runs] == list(learned.temperatures.values())


def test_an_oracle_is_marked_and_never_the_best(tmp_path, monkeypatch, test_files):
    path = learned_by(monkeypatch, tmp_path, test_files, side="test")
    fused_by(monkeypatch, tmp_path, test_files, path)
    table = pd.read_csv(tmp_path / "t.csv", dtype=str, keep_default_na=False)
    assert table["chosen_on"].tolist() == ["none", "none", "test"]
    text = (tmp_path / "t.markdown").read_text()
    assert "a bound, never best or second" in text
    assert "**" not in next(line for line in text.splitlines() if line.startswith("| fused"))


def test_shuffled_test_labels_change_no_byte_of_learned_weights(tmp_path, monkeypatch, val):
    found = []
    for shuffled in (False, True):
        write_streams(tmp_path, shuffled=shuffled)
        found.append(learned_by(monkeypatch, tmp_path, val).read_bytes())
    assert found[0] == found[1]


def test_scores_of_another_side_are_refused(tmp_path, monkeypatch, capsys, test_files):
    words = ("--scores", *test_files, *TASK, "--side", "val", "--learned", tmp_path / "w.json")
    assert run_command(learn, monkeypatch, *words) == 3
    assert "has scores of the side test, expected val" in capsys.readouterr().err


def test_weights_of_other_streams_are_refused(tmp_path, monkeypatch, capsys, val, test_files):
    path = learned_by(monkeypatch, tmp_path, val)
    content = json.loads(path.read_text())
    content["space"] = "logit"
    edit(path, json.dumps(content))
    words = ("--scores", *test_files, *TASK, "--learned", path, "--ensemble", "mine", "--csv", "t")
    assert run_command(schemes, monkeypatch, *words) == 3
    assert "has weights of j b in space logit, expected j b in space probability" in (
        capsys.readouterr().err
    )


def test_schemes_of_table_4_stand_beside_the_learned_one(tmp_path, monkeypatch, val, test_files):
    path = learned_by(monkeypatch, tmp_path, val, space="log_probability")
    csv = tmp_path / "s.csv"
    words = ("--scores", *test_files, *TASK, "--learned", path, "--ensemble", "mine", "--csv", csv)
    words += ("--space", "log_probability")
    assert run_command(schemes, monkeypatch, *words) == 0
    table = pd.read_csv(csv, dtype=str, keep_default_na=False).set_index("scheme")
    assert table.index[0] == "mine"
    assert table.index[-1] == "oracle"
    assert {"equal", "protogcn", "ctrgcn", "infogcn", "hdgcn", "blockgcn", "gap"} < {*table.index}
    assert table.loc[["mine", "equal", "oracle"], "chosen_on"].tolist() == ["val", "none", "test"]
    assert table.loc["protogcn", "weights"] == "j 2 b 2"
    assert table.loc["ctrgcn", "methods"] == "CTR-GCN, SkeletonGCL"
    assert float(table.loc["mine", "log_loss"]) < float(table.loc["equal", "log_loss"])
    assert float(table.loc["oracle", "log_loss"]) <= float(table.loc["mine", "log_loss"])


def test_reliability_is_drawn_before_and_after_temperature(tmp_path, monkeypatch, val, test_files):
    path = learned_by(monkeypatch, tmp_path, val, space="log_probability")
    names = {"--table": "r.csv", "--figures": "r.png", "--caption": "r.txt"}
    outputs = [part for key, name in names.items() for part in (key, tmp_path / name)]
    words = ("--scores", *test_files, *TASK, "--learned", path, "--name", "mine", *outputs)
    words += ("--space", "log_probability")
    assert run_command(reliability, monkeypatch, *words) == 0
    table = pd.read_csv(tmp_path / "r.csv")
    whole = table.groupby("probabilities").first()
    before, after = whole.loc["before temperature"], whole.loc["after temperature"]
    assert after["error"] < before["error"]
    assert after["low"] == 0
    assert before["low"] > 0
    assert after["log_loss"] < before["log_loss"]
    assert "Temperatures were learned on 300 val clips" in (tmp_path / "r.txt").read_text()
    parts = table[(table["probabilities"] == "after temperature") & table["low"].isna()]
    assert parts["clips"].sum() == 300


def test_cells_of_a_comparison_learn_their_weights(tmp_path, val, test_files):
    keys = [("nano_xsub", "protogcn", stream) for stream in WORTH]
    files, val_files = dict(zip(keys, test_files, strict=True)), dict(zip(keys, val, strict=True))
    digests = {"/".join(key): digest_of(key[2]) for key in keys}
    scheme = dict.fromkeys(WORTH, 1)
    learning = {"weights": "learned", "learned_on": "nano_xsub", "notes": ("learned",)}
    cells = [
        cell("given", scheme),
        cell("learned", scheme, **learning),
        cell("oracle", scheme, weights="oracle", notes=("oracle",)),
    ]
    found = measure(cells, files, digests, partial=False, val_files=val_files)
    given, learned, oracle = (found[each].values[0] for each in cells)
    assert given < learned
    assert oracle == pytest.approx(learned, abs=2)
    partial = measure(cells, files, digests, partial=True)
    assert partial[cells[1]].notes == ("missing",)
    assert load_scores_of(val[0], *keys[0]).provenance["side"] == "val"
