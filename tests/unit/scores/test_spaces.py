import re

import numpy as np
import pytest

from protogcn.errors import ContractError
from protogcn.scores.spaces import in_known_space, named_probabilities, remark_on_shape

LOGITS = np.random.default_rng(0).normal(size=(200, 1, 60)) * 3


def softmax(values):
    return np.exp(values) / np.exp(values).sum(axis=-1, keepdims=True)


def as_bfloat16(values, *, rounded):
    """Widened to float32 again; bytes cut off, as a plain cast of them does, or rounded."""
    words = values.astype(np.float32).view(np.uint32) + (0x7FFF if rounded else 0)
    return (words & 0xFFFF0000).view(np.float32).astype(np.float64)


SHARES = softmax(LOGITS)


@pytest.mark.parametrize(
    "values",
    [
        SHARES,
        SHARES.astype(np.float16).astype(np.float64),
        as_bfloat16(SHARES, rounded=True),
        as_bfloat16(SHARES, rounded=False),
        np.round(SHARES, 4),
        np.round(SHARES, 3),
        np.floor(SHARES * 1000) / 1000,
        np.round(SHARES, 3).astype(np.float32).astype(np.float64),
        np.round(softmax(LOGITS * 3), 2),
        np.round(100 * SHARES, 2),
        100 * SHARES,
        np.round(softmax(np.random.default_rng(1).normal(size=(50, 1, 400)) * 3), 4),
        np.eye(60)[:, None],
        softmax(LOGITS.reshape(20, 10, 60)),
    ],
)
def test_probabilities_are_known_however_they_were_rounded(values):
    found = in_known_space("a", values)
    assert found.space == "probability"
    np.testing.assert_allclose(found.values.sum(axis=2), 1, atol=1e-3)
    assert (found.values.argmax(axis=2) == values.argmax(axis=2)).all()


def test_what_was_rounded_is_said_and_what_was_not_stays_as_it_is():
    assert in_known_space("a", SHARES).remark == ""
    assert in_known_space("a", SHARES).values is SHARES
    remark = in_known_space("a", np.round(SHARES, 3)).remark
    assert "its probabilities of 3 decimals sum to 0.99" in remark
    assert "were divided by that" in remark
    assert "sum to 100 to 100 in a clip" in in_known_space("a", 100 * SHARES).remark


@pytest.mark.parametrize("values", [LOGITS, LOGITS - 50, np.maximum(LOGITS, 0), LOGITS / 10])
def test_logits_are_logits(values):
    assert in_known_space("a", values) == ("logit", values, "")


@pytest.mark.parametrize("decimals", [2, 3, 9])
def test_logarithms_of_probabilities_are_known(decimals):
    values = np.round(np.log(SHARES), decimals)
    assert in_known_space("a", values).space == "log_probability"


SIGMOID = 1 / (1 + np.exp(-LOGITS))


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        (SIGMOID, "all scores lie in 0 to 1, and those of a clip sum to .* to .*, expected prob"),
        (np.clip(LOGITS, 0, 1), "all scores lie in 0 to 1"),
        (SHARES * np.linspace(0.5, 1, 200)[:, None, None], "sum to 0.5 to 1, expected prob"),
        (SHARES * 10, "every clip's scores are positive and sum to 10, expected probabilities"),
        (SHARES * 0, "sum to 0, expected"),
        (np.concatenate([SHARES, LOGITS]), "200 of 400 rows of scores are positive and sum to 1"),
        (np.concatenate([SHARES[:2], LOGITS]), "2 of 202 rows of scores are positive and sum to 1"),
        (
            LOGITS / np.linalg.norm(LOGITS, axis=2, keepdims=True),
            "have the L2 norm 1, expected log",
        ),
    ],
)
def test_what_may_be_two_spaces_is_a_question(values, sentence):
    with pytest.raises(
        ContractError, match=rf"^a: .*{sentence}.* score_space: probability .*, logi"
    ):
        in_known_space("a", values)
    assert in_known_space("a", values, "logit") == ("logit", values, "")
    assert in_known_space("a", values, are_named_logits=True).space == "logit"


def test_answer_to_the_question_is_followed():
    found = in_known_space("a", SIGMOID, "probability")
    np.testing.assert_allclose(found.values, SIGMOID / SIGMOID.sum(axis=2, keepdims=True))
    assert in_known_space("a", LOGITS - 50, "log_probability").space == "log_probability"


@pytest.mark.parametrize(
    ("values", "told", "sentence"),
    [
        (LOGITS, "probability", "score_space is probability, but the scores of entry 0 run from -"),
        (np.diag([1.0, 0.0, 1.0])[:, None], "probability", "of entry 1 run from 0 to 0, expected"),
        (LOGITS, "log_probability", "log_probability, but scores run to .*, expected at most 0"),
    ],
)
def test_answer_that_cannot_be_is_refused(values, told, sentence):
    with pytest.raises(ContractError, match=sentence):
        in_known_space("a", values, told)


def test_few_logits_of_two_classes_may_sum_to_one_by_chance():
    values = np.array([[[0.4, 0.6]], [[-1.0, 2.0]], [[3.0, 1.0]], [[-2.0, 1.0]]])
    assert in_known_space("a", values).space == "logit"


def test_probabilities_by_name_are_divided_by_their_sums():
    assert named_probabilities("a", SHARES).values is SHARES
    np.testing.assert_allclose(named_probabilities("a", np.round(SHARES, 3)).values.sum(axis=2), 1)


@pytest.mark.parametrize(
    ("probabilities", "sentence"),
    [
        (np.eye(60), "every clip has a class of probability 1: decisions"),
        (softmax(SHARES[:, 0]), "as after a softmax of probabilities"),
        (np.tile(SHARES[0], (50, 1)), "every clip has the same scores"),
        (SHARES[:, 0], "^$"),
    ],
)
def test_probabilities_unlike_those_of_a_softmax_get_a_remark(probabilities, sentence):
    assert re.search(sentence, remark_on_shape(probabilities))


def test_same_scores_for_all_are_not_taken_for_normalised_ones():
    assert in_known_space("a", np.tile(LOGITS[:1], (50, 1, 1))).space == "logit"
