from dataclasses import replace

import numpy as np
import pytest

from protogcn.errors import ContractError
from protogcn.scores.calibration import log_loss
from protogcn.scores.fusion import SPACES, as_probabilities, fuse, logs_of, softmax, top_k_accuracy
from protogcn.scores.learned_weights import learn_weights, with_temperatures
from tests.made.score_files import make_scores


def streams_of_worth(worths, clips=3000, classes=5, seed=0):
    """Return streams of independent noise, each with logits that say worth x [class = label]."""
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, classes, clips)
    members = {}
    for name, worth in worths.items():
        logits = worth * np.eye(classes)[labels] + generator.normal(size=(clips, classes))
        scores = make_scores(softmax(logits), labels=labels)
        members[name] = replace(scores, logits=logits.astype(np.float32))
    return members


def learn(members, space="probability"):
    return learn_weights(members, space, task="nano_xsub", side="val", digests={})


def calibrated(learned, members, space):
    fused = fuse(with_temperatures(members, learned.temperatures), learned.weights, space)
    return as_probabilities(fused, learned.weights, space, learned.temperature)


def test_weights_of_logits_are_what_streams_are_worth():
    worths = {"j": 2.0, "b": 1.0, "k": 0.5}
    learned = learn(streams_of_worth(worths, clips=4000), "logit")
    scales = {stream: weight / learned.temperature for stream, weight in learned.weights.items()}
    assert scales == pytest.approx(worths, abs=0.12)


@pytest.mark.parametrize("space", SPACES)
def test_learned_fusion_is_surer_of_other_clips_than_equal_weights(space):
    worths = {"j": 2.0, "b": 1.0, "k": 0.0}
    learned = learn(streams_of_worth(worths), space)
    others = streams_of_worth(worths, seed=1)
    labels = others["j"].labels
    equal = dict.fromkeys(others, 1.0)
    plain = as_probabilities(fuse(others, equal, space), equal, space)
    found = calibrated(learned, others, space)
    assert log_loss(logs_of(found), labels) < log_loss(logs_of(plain), labels) - 0.05
    assert top_k_accuracy(found, labels, 1) >= top_k_accuracy(plain, labels, 1)
    assert learned.log_loss < learned.log_loss_before
    assert sum(learned.weights.values()) == pytest.approx(1, abs=1e-5)
    assert learned.weights["j"] > learned.weights["b"] > learned.weights["k"]


def test_a_stream_that_knows_nothing_of_a_sum_of_probabilities_gets_no_weight():
    learned = learn(streams_of_worth({"j": 3.0, "k": 0.0}))
    assert learned.weights["k"] < 0.01


def test_an_overconfident_stream_is_cooled():
    members = streams_of_worth({"j": 1.0, "b": 1.0})
    members["b"] = replace(
        members["b"], probabilities=softmax(3 * members["b"].logits.astype(float))
    )
    temperatures = learn(members).temperatures
    assert temperatures["b"] / temperatures["j"] == pytest.approx(3, rel=0.1)


def test_streams_of_other_clips_are_refused():
    members = streams_of_worth({"j": 1.0, "b": 1.0}, clips=4)
    members["b"] = replace(members["b"], clips=np.array(["a", "b", "c", "d"]))
    with pytest.raises(ContractError, match="scored on other clips"):
        learn(members)


def test_the_order_of_clips_in_a_file_does_not_matter():
    members = streams_of_worth({"j": 2.0, "b": 1.0}, clips=200)
    turned = members["b"]
    turned = replace(
        turned, clips=turned.clips[::-1], labels=turned.labels[::-1],
        logits=turned.logits[::-1], probabilities=turned.probabilities[::-1],
    )  # fmt: skip
    for space in ("probability", "logit"):
        assert learn({**members, "b": turned}, space) == learn(members, space)
