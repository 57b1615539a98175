import dataclasses

import numpy as np
import pytest
from scipy import stats

from protogcn.scores.fusion import mean_class_accuracy
from protogcn.scores.intervals import (
    ScoredClips,
    clip_interval,
    credits_of,
    mean_credits,
    subject_interval,
    variance_of,
)
from tests.made.score_files import credits_that_are, make_scores, scores_by_chance

RNG = np.random.default_rng(0)


def test_interval_of_clips_is_wilsons():
    for right, clips in ((57, 60), (60, 60), (0, 9), (400, 430)):
        found = clip_interval(credits_that_are(np.arange(clips) < right))
        wanted = stats.binomtest(right, clips).proportion_ci(method="wilson")
        np.testing.assert_allclose(found, wanted, atol=1e-12)


def test_variances_are_those_of_the_bootstrap():
    """Over clips, and over subjects, against scipy's resamples."""
    right, subjects = RNG.random(400) < np.repeat(RNG.random(20), 20), np.repeat(np.arange(20), 20)
    strata = np.zeros(400, int)
    drawn = stats.bootstrap((right,), np.mean, n_resamples=4000, random_state=1)
    assert variance_of(right, strata) ** 0.5 == pytest.approx(drawn.standard_error, rel=0.05)
    shares = right.reshape(20, 20).mean(axis=1)
    drawn = stats.bootstrap((shares,), np.mean, n_resamples=4000, random_state=1)
    expected = drawn.standard_error * (20 / 19) ** 0.5  # a sample's spread is a little too small
    assert variance_of(right, strata, subjects) ** 0.5 == pytest.approx(expected, rel=0.05)


def test_variance_of_the_mean_over_classes_is_that_of_resampled_clips():
    labels = np.repeat([0, 1, 2], [100, 20, 50])
    right = RNG.random(170) < np.array([0.5, 0.8, 0.95])[labels]
    scores = make_scores(np.where(right[:, None], np.eye(3)[labels], np.eye(3)[labels - 1]), labels=labels)  # fmt: skip
    credits = credits_of(scores.probabilities, ScoredClips.of(scores), "mean_class")
    assert credits.mean == pytest.approx(mean_class_accuracy(scores.probabilities, labels))
    shares = [right[labels == k].mean() for k in range(3)]
    drawn = np.mean([RNG.binomial(n, p, 9000) / n for n, p in zip([100, 20, 50], shares, strict=True)], axis=0)  # fmt: skip
    assert variance_of(credits.values, credits.strata) ** 0.5 == pytest.approx(drawn.std(), rel=0.05)  # fmt: skip


@pytest.mark.parametrize(("clips", "share"), [(60, 0.9), (60, 0.98), (430, 0.93), (5000, 0.5)])
def test_intervals_of_1000_simulated_runs_hold_the_true_accuracy(clips, share):
    right = np.arange(clips) < RNG.binomial(clips, share, 1000)[:, None]
    held = [low <= share <= high for low, high in map(clip_interval, map(credits_that_are, right))]
    assert 0.93 <= np.mean(held) <= 0.97


@pytest.mark.parametrize(("subjects", "clips", "share"), [(4, 108, 0.93), (20, 100, 0.93), (40, 50, 0.8)])  # fmt: skip
def test_intervals_of_subjects_who_differ_hold_the_true_accuracy(subjects, clips, share):
    """Clips of a subject are alike: the interval over clips is too narrow, that over them is not."""
    spread = 0.04
    concentration = share * (1 - share) / spread**2 - 1
    groups = np.repeat(np.arange(subjects), clips)
    held = []
    for _ in range(1000):
        own = RNG.beta(share * concentration, (1 - share) * concentration, subjects)
        credits = credits_that_are(RNG.random(len(groups)) < own[groups], groups)
        held.append([low <= share <= high for low, high in (clip_interval(credits), subject_interval(credits))])  # fmt: skip
    over_clips, over_subjects = np.mean(held, axis=0)
    assert 0.93 <= over_subjects <= 0.97
    assert over_clips < 0.9


def test_clips_that_are_all_right_have_an_interval():
    low, high = subject_interval(credits_that_are(np.ones(60), np.repeat([0, 1, 2], 20)))
    assert 0.7 < low < 0.99
    assert high == 1


@pytest.mark.parametrize("metric", ["top1", "mean_class"])
def test_classes_of_odd_sizes_that_are_all_right_have_one_too(metric):
    labels = np.repeat(np.arange(7), [3, 7, 11, 13, 17, 19, 23])
    scores = make_scores(np.eye(7)[labels], labels=labels)
    low, high = clip_interval(credits_of(scores.probabilities, ScoredClips.of(scores), metric))
    assert low == pytest.approx(stats.binomtest(93, 93).proportion_ci(method="wilson").low)
    assert high == pytest.approx(1)


def test_the_mean_of_repeats_is_surer_than_one_of_them():
    one, other = (credits_that_are(RNG.random(500) < 0.8) for _ in range(2))
    mean = mean_credits([one, other])
    assert mean.mean == pytest.approx((one.mean + other.mean) / 2)
    width, single = (np.diff(clip_interval(credits))[0] for credits in (mean, one))
    assert 0.6 < width / single < 0.85


def test_subjects_are_the_files_own_else_those_in_the_names():
    scores = make_scores(np.eye(3), ["a1_s2_t1", "a1_s1_t1", "a2_s1_t1"])
    assert ScoredClips.of(scores).subjects.tolist() == [0, 1, 0]  # by clip id
    own = dataclasses.replace(scores, subjects=np.array(["x", "y", "x"]))
    assert ScoredClips.of(own).subjects.tolist() == [1, 0, 0]
    for unknown in (
        make_scores(np.eye(2), ["a1_s2_t1", "film"]),
        dataclasses.replace(scores, subjects=np.array(["x", "", "x"])),
    ):
        assert ScoredClips.of(unknown).subjects is None
    assert np.isnan(subject_interval(credits_that_are([1, 0]))).all()
    assert np.isnan(subject_interval(credits_that_are([1, 0], np.array([0, 0])))).all()


def test_credits_do_not_depend_on_the_order_of_the_file():
    scores = scores_by_chance(1)
    back = make_scores(scores.probabilities[::-1], scores.clips[::-1].tolist(), scores.labels[::-1])
    for metric in ("top1", "top5", "mean_class"):
        one, other = (credits_of(s.probabilities, ScoredClips.of(s), metric) for s in (scores, back))  # fmt: skip
        np.testing.assert_array_equal(one.values, other.values)
