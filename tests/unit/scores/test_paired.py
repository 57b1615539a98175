import dataclasses

import numpy as np
import pytest
from scipy import stats

from protogcn.errors import ContractError
from protogcn.scores.intervals import mean_credits
from protogcn.scores.paired import compare_pair, holm, mcnemar
from tests.made.score_files import credits_that_are

RNG = np.random.default_rng(0)


def test_mid_p_is_the_exact_one_without_half_of_what_was_found():
    """Against the binomial test of scipy, whose p has all of it on both sides."""
    for better, worse in ((1, 6), (0, 5), (30, 12), (700, 800)):
        exact = stats.binomtest(better, better + worse).pvalue
        found = stats.binom.pmf(better, better + worse, 0.5)
        assert mcnemar(better, worse) == pytest.approx(exact - found)
        assert mcnemar(worse, better) == mcnemar(better, worse)
    assert mcnemar(0, 0) == mcnemar(4, 4) == 1


@pytest.mark.parametrize(("clips", "disagreement"), [(430, 0.08), (5000, 0.02), (16_487, 0.06)])
def test_2000_pairs_of_equals_give_few_false_alarms(clips, disagreement):
    shares = [disagreement / 2, disagreement / 2, 1 - disagreement]
    better, worse, _ = RNG.multinomial(clips, shares, 2000).T
    assert 0.03 <= (mcnemar(better, worse) < 0.05).mean() <= 0.07


def test_repeats_of_equals_give_few_false_alarms():
    """Each clip is as hard for both; every repeat of both decides it anew."""
    alarms = []
    for _ in range(2000):
        hard = RNG.random(300)
        first, second = (
            mean_credits([credits_that_are(RNG.random(300) < hard) for _ in range(3)])
            for _ in range(2)
        )
        alarms.append(compare_pair(first, second).p < 0.05)
    assert 0.03 <= np.mean(alarms) <= 0.07


def test_two_rows_by_hand():
    first = credits_that_are([1, 1, 1, 1, 0, 0], np.array([0, 0, 0, 1, 1, 1]))
    second = dataclasses.replace(first, values=np.array([1.0, 0, 0, 0, 1, 0]))
    found = compare_pair(first, second)
    assert (found.first_better, found.second_better) == (3, 1)
    assert found.difference == pytest.approx(2 / 6)
    assert found.p == pytest.approx(mcnemar(3, 1))
    assert found.clips.low < 0 < found.difference < found.clips.high
    assert found.subjects.low <= found.clips.low
    back = compare_pair(second, first)
    assert (back.difference, back.p) == (-found.difference, found.p)


def test_the_interval_of_a_difference_holds_it():
    held = []
    for _ in range(1000):
        hits = RNG.random(400)
        first, second = (credits_that_are((low < hits) & (hits < high)) for low, high in ((0, 0.9), (0.05, 0.98)))  # fmt: skip
        low, high = compare_pair(first, second).clips
        held.append(low <= 0.9 - 0.93 <= high)
    assert 0.93 <= np.mean(held) <= 0.97


def test_rows_of_other_clips_are_not_compared():
    one = credits_that_are([1, 0])
    other = dataclasses.replace(one, clips=dataclasses.replace(one.clips, digest="other"))
    with pytest.raises(ContractError, match="two rows were scored on other clips"):
        compare_pair(one, other)


def test_holms_correction_by_hand():
    """Five times the least, four times the next, never less than before, at most 1."""
    found = holm(np.array([0.01, 0.04, np.nan, 0.03, 0.9, 0.005]))
    np.testing.assert_allclose(found, [0.04, 0.09, np.nan, 0.09, 0.9, 0.025])
