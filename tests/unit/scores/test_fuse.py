import dataclasses
import sys

import numpy as np
import pytest

from protogcn.errors import ConfigError, ContractError
from protogcn.files.scores import Scores
from protogcn.scores import fuse as stage
from protogcn.scores.fuse import ensemble_table
from protogcn.scores.fusion import fuse, in_space, mean_class_accuracy, top_k_accuracy
from tests.made.nano import nano_run


def make_scores(probabilities, clips=None, labels=None, classes=None, select="last"):
    probabilities = np.asarray(probabilities, np.float32)
    count, width = probabilities.shape
    return Scores(
        clips=np.array(clips or [f"c{row}" for row in range(count)]),
        labels=np.zeros(count, np.int64) if labels is None else np.array(labels),
        classes=np.array(classes or [f"class {number}" for number in range(width)]),
        logits=np.log(np.maximum(probabilities, 1e-9)),
        probabilities=probabilities,
        provenance={"select": select},
    )


def random_scores(seed, count=20, width=6):
    generator = np.random.default_rng(seed)
    values = generator.dirichlet(np.ones(width), count)
    return make_scores(values, labels=np.random.default_rng(0).integers(0, width, count))


def test_weighted_sum_by_hand():
    members = {"j": make_scores([[0.6, 0.4]]), "b": make_scores([[0.1, 0.9]])}
    found = fuse(members, {"j": 2, "b": 1}, "probability")
    np.testing.assert_allclose(found, [[1.3, 1.7]], rtol=1e-6)


def test_clips_are_joined_by_id_not_by_position():
    members = {"j": random_scores(1), "b": random_scores(2)}
    weights = {"j": 1, "b": 1}
    order = np.random.default_rng(3).permutation(20)
    b = members["b"]
    shuffled = Scores(
        b.clips[order],
        b.labels[order],
        b.classes,
        b.logits[order],
        b.probabilities[order],
        b.provenance,
    )
    np.testing.assert_array_equal(
        fuse(members, weights, "probability"),
        fuse({"j": members["j"], "b": shuffled}, weights, "probability"),
    )


def test_one_stream_is_itself():
    scores = random_scores(1)
    np.testing.assert_array_equal(fuse({"j": scores}, {"j": 1}, "logit"), scores.logits)


def test_scaling_all_weights_changes_no_rank():
    members = {"j": random_scores(1), "b": random_scores(2)}
    once = fuse(members, {"j": 2, "b": 1}, "probability")
    often = fuse(members, {"j": 20, "b": 10}, "probability")
    np.testing.assert_array_equal(once.argsort(axis=1), often.argsort(axis=1))


def test_spaces_by_hand():
    scores = Scores(
        np.array(["a"]), np.array([0]), np.array(["x", "y"]),
        np.array([[3.0, 4.0]]), np.array([[0.25, 0.75]]), {},
    )  # fmt: skip
    assert in_space(scores, "probability").tolist() == [[0.25, 0.75]]
    assert in_space(scores, "logit").tolist() == [[3, 4]]
    np.testing.assert_allclose(in_space(scores, "log_probability"), np.log([[0.25, 0.75]]))
    np.testing.assert_allclose(in_space(scores, "normalised_logit"), [[0.6, 0.8]])
    with pytest.raises(ConfigError, match="space 'sum': expected one of probability"):
        in_space(scores, "sum")


def test_ties_go_to_the_highest_class():
    scores = np.array([[0.5, 0.5, 0.0]])
    assert top_k_accuracy(scores, np.array([1]), 1) == 1
    assert top_k_accuracy(scores, np.array([0]), 1) == 0
    assert top_k_accuracy(scores, np.array([0]), 2) == 1


@pytest.mark.parametrize("k", [1, 2, 5, 6])
def test_with_many_ties_the_best_are_the_last_of_a_stable_sort(k):
    generator = np.random.default_rng(k)
    scores = generator.integers(0, 3, (200, 6)).astype(float)
    labels = generator.integers(0, 6, 200)
    best = np.argsort(scores, axis=1, kind="stable")[:, -k:]
    assert top_k_accuracy(scores, labels, k) == (best == labels[:, None]).any(axis=1).mean()
    one_hot = np.eye(6)[best[:, -1]]
    assert mean_class_accuracy(scores, labels) == mean_class_accuracy(one_hot, labels)


def test_mean_class_runs_over_labels_and_predictions():
    # Class 0: one of two right; class 1 is only predicted (recall 0); class 2: right.
    scores = np.eye(4)[[0, 1, 2]]
    assert mean_class_accuracy(scores, np.array([0, 0, 2])) == pytest.approx(0.5)


def test_table_of_hand_made_scores():
    members = {
        "j": make_scores([[0.9, 0.1], [0.9, 0.1]], labels=[0, 1]),
        "b": make_scores([[0.6, 0.4], [0.0, 1.0]], labels=[0, 1], select="best"),
    }
    table = ensemble_table(members, {"j": 1, "b": 2.5}, "probability", tuned_on_test=True)
    assert table.to_csv(index=False).splitlines() == [
        "stream,weight,clips,top1,top5,mean_class,select,tuned_on_test",
        "j,1,2,50.00,,50.00,last,no",
        "b,2.5,2,100.00,,100.00,best,no",
        "fused,,2,100.00,,100.00,best,yes",
    ]


@pytest.mark.parametrize(
    ("other", "sentence"),
    [
        (make_scores([[1, 0], [0, 1]], clips=["a", "d"]), "1 are missing, for example c and 1"),
        (make_scores([[1, 0]], clips=["a"]), "1 are missing, for example c and 0"),
        (make_scores([[1, 0]] * 3, clips=["a", "c", "e"]), "0 are missing and 1 are too many"),
        (make_scores([[1, 0], [0, 1]], clips=["a", "c"], labels=[0, 1]), "clip c has label 1 against 0"),
        (make_scores([[1, 0, 0], [0, 1, 0]], clips=["a", "c"]), "3 classes against 2"),
        (make_scores([[1, 0], [0, 1]], clips=["a", "c"], classes=["u", "v"]), "or other names"),
    ],
)  # fmt: skip
def test_refuses_streams_on_other_clips_labels_or_classes(other, sentence):
    first = make_scores([[1, 0], [0, 1]], clips=["a", "c"])
    with pytest.raises(ContractError, match=f"stream b against stream j: .*{sentence}"):
        fuse({"j": first, "b": other}, {"j": 1, "b": 1}, "probability")


def test_refuses_weights_of_other_streams():
    with pytest.raises(ConfigError, match="weights for b, but scores of j"):
        fuse({"j": random_scores(1)}, {"b": 1}, "probability")


def run_command(folder, monkeypatch, *streams):
    """Fuse some streams of the nano task through the command; return its exit code."""
    arguments = ["fuse", "--scores", *(str(folder / f"{stream}.npz") for stream in streams)]
    arguments += ["--streams", *streams, "--weights", *("1" for _ in streams)]
    arguments += ["--task", "nano_xsub", "--model", "protogcn", "--table", str(folder / "t.csv")]
    monkeypatch.setattr(sys, "argv", arguments)
    try:
        stage.run_stage(stage.main)
    except SystemExit as stop:
        return stop.code
    return 0


def scores_of_run(stream, repeat=1, split="xsub"):
    run = dataclasses.replace(nano_run(), modality=stream, repeat=repeat, split=split)
    provenance = {"select": "last", "run": run.to_mapping()}
    return dataclasses.replace(random_scores(1), provenance=provenance)


def test_command_writes_the_table(tmp_path, monkeypatch):
    scores_of_run("j").save(tmp_path / "j.npz")
    scores_of_run("j", repeat=2).save(tmp_path / "j-2.npz")
    assert run_command(tmp_path, monkeypatch, "j", "j-2") == 0
    assert (tmp_path / "t.csv").read_text().startswith("stream,weight,clips,top1,top5,mean_class")


def test_command_refuses_a_missing_score_file_and_writes_nothing(tmp_path, monkeypatch, capsys):
    scores_of_run("j").save(tmp_path / "j.npz")
    assert run_command(tmp_path, monkeypatch, "j", "b") == 3
    assert "b.npz: does not exist, expected a score file" in capsys.readouterr().err
    assert not (tmp_path / "t.csv").exists()


@pytest.mark.parametrize(
    ("other", "found"),
    [
        (scores_of_run("jm"), "nano_xsub/protogcn/jm"),
        (scores_of_run("b", repeat=2), "nano_xsub/protogcn/b-2"),
        (scores_of_run("b", split="xview"), "nano_xview/protogcn/b"),
    ],
)
def test_command_refuses_scores_under_another_runs_name(
    tmp_path, monkeypatch, capsys, other, found
):
    scores_of_run("j").save(tmp_path / "j.npz")
    other.save(tmp_path / "b.npz")
    assert run_command(tmp_path, monkeypatch, "j", "b") == 3
    assert f"scores of nano_xsub/protogcn/b: the file holds those of {found}" in (
        capsys.readouterr().err
    )
    assert not (tmp_path / "t.csv").exists()


def test_real_joint_and_bone_scores_give_their_documented_accuracy(real_scores):
    members = {
        name: make_scores(real_scores[name], labels=real_scores["label"])
        for name in ("joint", "bone")
    }
    assert members["joint"].probabilities.shape == (60, 120)
    fused = fuse(members, {"joint": 1, "bone": 1}, "probability")
    assert top_k_accuracy(fused, real_scores["label"], 1) == pytest.approx(0.9333, abs=5e-5)
    assert top_k_accuracy(fused, real_scores["label"], 5) == pytest.approx(0.9833, abs=5e-5)
    assert mean_class_accuracy(fused, real_scores["label"]) == pytest.approx(0.9180, abs=5e-5)
