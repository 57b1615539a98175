import math

import numpy as np
import pytest
from scipy import stats

from protogcn.scores.paired import mcnemar
from protogcn.scores.repeats import (
    chance_to_see,
    difference_seen,
    difference_seen_by_clips,
    pooled_spread,
    repeats_needed,
    seeds_p,
    spread_interval,
)


def test_seeds_are_compared_by_students_test():
    first, second = [90.1, 91.0, 92.3], [93.0, 94.1]
    assert seeds_p(first, second) == pytest.approx(stats.ttest_ind(first, second).pvalue)


def test_one_run_is_compared_by_the_spread_of_the_others_repeats():
    """3 points away, which is 1.73 times sqrt(1 + 1/2) spreads of 1.41, with one degree."""
    away = 3 / math.sqrt(2 * 1.5)
    assert seeds_p([90], [92, 94]) == pytest.approx(2 * stats.t.sf(away, 1))
    assert math.isnan(seeds_p([90], [91]))
    assert seeds_p([90, 90], [90, 90]) == 1
    assert seeds_p([90, 90], [91, 91]) == 0


@pytest.mark.parametrize(("difference", "count"), [(1.0, 17), (0.8, 26), (0.5, 64), (0.2, 394)])
def test_repeats_needed_are_those_of_cohens_table(difference, count):
    """At 5 %, two-sided, with a power of 80 %."""
    assert repeats_needed(0.3 * difference, 0.3, 0.8) == count


def test_chance_to_see_is_that_of_simulated_repeats():
    generator = np.random.default_rng(0)
    first, second = (generator.normal(mean, 0.4, (3, 20_000)) for mean in (90, 91))
    seen = (stats.ttest_ind(first, second).pvalue < 0.05).mean()
    assert chance_to_see(1, 0.4, 3) == pytest.approx(seen, abs=0.02)
    assert chance_to_see(difference_seen(0.4, 3, 0.8), 0.4, 3) == pytest.approx(0.8)


def test_more_repeats_than_anyone_makes_are_no_answer():
    assert repeats_needed(0.001, 1, 0.8) is None


def test_clips_see_what_mcnemars_test_sees_in_simulated_ones():
    clips, disagreement = 2000, 0.1
    difference = difference_seen_by_clips(clips, disagreement, 0.8)
    shares = [(disagreement + difference) / 2, (disagreement - difference) / 2, 1 - disagreement]
    better, worse, _ = np.random.default_rng(0).multinomial(clips, shares, 20_000).T
    assert (mcnemar(better, worse) < 0.05).mean() == pytest.approx(0.8, abs=0.02)
    assert difference_seen_by_clips(40, 0.05, 0.8) == 0.05


def test_spreads_of_several_rows_are_pooled():
    spread, freedom = pooled_spread([1.0, 2.0], [2, 3])
    assert (spread, freedom) == (pytest.approx(math.sqrt(3)), 3)
    low, high = spread_interval(1.0, 2)
    assert (low, high) == (pytest.approx(0.5207, abs=1e-3), pytest.approx(6.285, abs=1e-3))
