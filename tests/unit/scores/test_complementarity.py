from itertools import permutations

import numpy as np
import pytest

from protogcn.errors import ConfigError
from protogcn.scores.complementarity import (
    decider_of,
    forward_selection,
    fuse_subsets,
    shares_of_hits,
    subsets_on_the_way,
)
from protogcn.scores.fusion import fuse, top_k_hits
from tests.made.score_files import random_scores, scores_that_say

WEIGHTS = {"j": 2.0, "b": 1.5, "k": 1.2, "jm": 1.0}


def members():
    return {name: random_scores(seed, stream=name) for seed, name in enumerate(WEIGHTS)}


def who_say(predictions, labels, *, classes=4):
    """Return the subsets of equal streams, each of which says one class of every clip."""
    said = {
        f"j-{n}": scores_that_say(p, labels, classes=classes) for n, p in enumerate(predictions)
    }
    return fuse_subsets(said, dict.fromkeys(said, 1.0), "probability")


def of_clips(values, scores):
    """Return values of clips as the subsets have them: by clip id."""
    return values[np.argsort(scores.clips)]


def test_every_subset_is_right_where_its_fusion_is():
    streams = members()
    fused = fuse_subsets(streams, WEIGHTS, "logit")
    for subset in range(1, 16):
        chosen = [name for place, name in enumerate(WEIGHTS) if subset >> place & 1]
        values = fuse({n: streams[n] for n in chosen}, {n: WEIGHTS[n] for n in chosen}, "logit")
        hits = of_clips(top_k_hits(values, streams["j"].labels, 1), streams["j"])
        np.testing.assert_array_equal(fused.hits[subset], hits)
    assert not fused.hits[0].any()
    np.testing.assert_array_equal(fused.without[1], fused.hits[0b1101])


def test_clips_of_a_stream_in_another_order_are_the_same_clips():
    first, other = random_scores(0), random_scores(1, stream="b")
    turned = type(other)(
        other.clips[::-1], other.labels[::-1], other.classes, other.logits[::-1],
        other.probabilities[::-1], other.provenance,
    )  # fmt: skip
    both = [fuse_subsets({"j": first, "b": b}, {"j": 1, "b": 2}, "logit") for b in (other, turned)]
    np.testing.assert_array_equal(both[0].hits, both[1].hits)


def test_shapley_values_are_the_mean_over_all_orders():
    fused = fuse_subsets(members(), WEIGHTS, "probability")
    accuracy = fused.hits.mean(axis=1)
    accuracy[0] = 0.25
    gains = np.zeros(4)
    for order in permutations(range(4)):
        before = 0
        for place in order:
            gains[place] += accuracy[before | 1 << place] - accuracy[before]
            before |= 1 << place
    np.testing.assert_allclose(fused.shapley_values.mean(axis=1), gains / 24, atol=1e-12)


def test_shapley_values_of_a_clip_add_up_to_whether_it_is_right():
    hits = np.random.default_rng(0).random((1 << 10, 30)) < 0.7
    hits[0] = False
    shares = shares_of_hits(hits, np.arange(1 << 10) == 0, 0.1)
    np.testing.assert_allclose(shares.sum(axis=0), hits[-1] - 0.1, rtol=0, atol=1e-12)


def test_who_is_right_counts_for_streams_alone():
    #              j-0 only, j-1 only, both, none
    fused = who_say([[0, 3, 0, 3], [3, 0, 0, 3]], [0, 0, 0, 0])
    assert fused.only_right.tolist() == [1, 1]
    assert fused.disagreement.tolist() == [[0, 0.5], [0.5, 0]]
    assert fused.alone.any(axis=0).mean() == 0.75


def test_a_stream_that_others_have_too_is_not_missed():
    """What is lost without it is nothing, and its share is half of theirs."""
    labels = np.arange(40) % 4
    fused = who_say([labels, labels], labels)
    assert fused.left_out(0).difference == 0
    np.testing.assert_allclose(fused.shapley_values.mean(axis=1), [0.375, 0.375])


def test_streams_are_chosen_by_what_they_add_to_those_before():
    #                     -   a    b    ab   c    ac   bc   abc
    accuracies = np.array([0, 0.6, 0.5, 0.6, 0.5, 0.7, 0.9, 0.8])
    order = forward_selection(accuracies)
    assert order == [0, 2, 1]
    assert accuracies[subsets_on_the_way(order)].tolist() == [0.6, 0.7, 0.8]


def test_of_streams_that_add_equally_the_first_is_chosen():
    assert forward_selection(np.array([0, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5])) == [0, 1, 2]


def test_the_stream_that_alone_knows_a_class_decides_it():
    labels = np.repeat([0, 1], 30)
    fused = who_say([labels, np.zeros(60, int)], labels, classes=3)
    shares = fused.shapley_values
    decider = decider_of(fused, shares, 1)
    assert decider.stream == 0
    assert decider.lead.clips.low > 0
    assert decider_of(fused, shares, 0) is None  # both know it
    assert decider_of(fused, shares, 2) is None  # it has no clip


def test_a_stream_of_weight_0_brings_nothing_and_is_alone_what_its_scores_say():
    streams = members()
    fused = fuse_subsets(streams, {**WEIGHTS, "b": 0.0, "k": 0.0}, "probability")
    np.testing.assert_array_equal(fused.alone, fuse_subsets(streams, WEIGHTS, "probability").alone)
    assert fused.left_out(1).difference == 0
    np.testing.assert_allclose(fused.shapley_values[[1, 2]], 0, atol=1e-12)
    assert fused.accuracies[0b0110] == 0.25  # nothing but a guess
    two = {"j": WEIGHTS["j"], "jm": WEIGHTS["jm"]}
    expected = fuse_subsets({name: streams[name] for name in two}, two, "probability")
    np.testing.assert_allclose(fused.shapley_values[[0, 3]], expected.shapley_values, atol=1e-12)


def test_more_than_ten_streams_are_refused():
    many = {f"j-{n}": random_scores(n) for n in range(11)}
    with pytest.raises(ConfigError, match="11 streams, expected at most 10"):
        fuse_subsets(many, dict.fromkeys(many, 1.0), "probability")
