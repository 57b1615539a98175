import numpy as np
import pytest

from protogcn.errors import ConfigError, ContractError
from protogcn.files.scores import Scores
from protogcn.scores.fusion import (
    accuracies,
    fuse,
    in_space,
    mean_class_accuracy,
    predicted_classes,
    top_k_accuracy,
)
from tests.made.score_files import make_scores, scores_by_chance


def test_the_last_of_equal_scores_is_predicted():
    assert predicted_classes(np.array([[1, 1, 0], [0, 2, 1], [3, 3, 3]])).tolist() == [1, 1, 2]


def test_weighted_sum_by_hand():
    members = {"j": make_scores([[0.6, 0.4]]), "b": make_scores([[0.1, 0.9]])}
    found = fuse(members, {"j": 2, "b": 1}, "probability")
    np.testing.assert_allclose(found, [[1.3, 1.7]], rtol=1e-6)


def test_clips_are_joined_by_id_not_by_position():
    members = {"j": scores_by_chance(1), "b": scores_by_chance(2)}
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
    scores = scores_by_chance(1)
    np.testing.assert_array_equal(fuse({"j": scores}, {"j": 1}, "logit"), scores.logits)


def test_scaling_all_weights_changes_no_rank():
    members = {"j": scores_by_chance(1), "b": scores_by_chance(2)}
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
        fuse({"j": scores_by_chance(1)}, {"b": 1}, "probability")


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


def test_top_5_of_fewer_than_five_classes_says_nothing():
    labels = np.array([0, 1])
    assert accuracies(np.eye(4)[[0, 2]], labels) == {
        "top1": 0.5, "top5": None, "mean_class": pytest.approx(1 / 3),
    }  # fmt: skip
    assert accuracies(np.eye(5)[[0, 2]], labels)["top5"] == 1
