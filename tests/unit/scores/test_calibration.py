import numpy as np
import pytest
from scipy import optimize

from protogcn.scores.calibration import (
    calibration_of,
    fit_scales,
    fit_shares,
    fit_temperature,
    log_loss,
    tempered,
)
from protogcn.scores.fusion import softmax
from tests.made.score_files import make_scores


def drawn(probabilities, generator):
    """Return a class for each clip, drawn with its probabilities."""
    return (probabilities.cumsum(axis=1) > generator.random((len(probabilities), 1))).argmax(axis=1)


@pytest.fixture
def generator():
    return np.random.default_rng(0)


def test_scales_of_independent_streams_are_what_their_noise_makes_them_worth(generator):
    """A stream m [class = label] + s noise is worth m / s**2, as the logarithm of its density."""
    labels = generator.integers(0, 5, 4000)
    signals, noises = [1.5, 2.0, 0.5, 0.0], [1.0, 2.0, 0.5, 1.0]
    logs = np.stack(
        [
            signal * np.eye(5)[labels] + noise * generator.normal(size=(4000, 5))
            for signal, noise in zip(signals, noises, strict=True)
        ]
    )
    np.testing.assert_allclose(fit_scales(logs, labels), [1.5, 0.5, 2.0, 0.0], atol=0.12)


def test_scales_have_an_end_where_every_clip_is_right():
    logs = 5 * np.eye(3)[[0, 1, 2, 0]]
    assert 0.2 < fit_scales(logs[None], np.array([0, 1, 2, 0]))[0] < 2


def test_shares_of_a_mixture_are_recovered_and_equal_what_expectation_maximisation_finds(generator):
    parts = softmax(2 * generator.normal(size=(4, 4000, 5)))
    shares = np.array([0.5, 0.3, 0.2, 0.0])
    labels = drawn(np.tensordot(shares, parts, axes=1), generator)
    own = parts[:, np.arange(4000), labels]
    by_hand = np.full(4, 0.25)
    for _ in range(1000):
        parts_of = by_hand[:, None] * own
        by_hand = (parts_of / parts_of.sum(axis=0)).mean(axis=1)
    found = fit_shares(own)
    np.testing.assert_allclose(found, shares, atol=0.05)
    np.testing.assert_allclose(found, by_hand, atol=1e-3)


def test_temperature_is_that_of_the_labels_and_of_the_least_log_loss(generator):
    logs = 3 * generator.normal(size=(8000, 5))
    labels = drawn(softmax(logs / 1.7), generator)
    found = fit_temperature(logs, labels)
    assert found == pytest.approx(1.7, abs=0.09)
    by_search = optimize.minimize_scalar(
        lambda heat: log_loss(logs / heat, labels), bounds=(0.5, 5), method="bounded"
    )
    assert found == pytest.approx(by_search.x, abs=0.003)


def test_log_loss_of_a_hand_made_table():
    logs = np.log([[0.5, 0.5], [0.9, 0.1]])
    assert log_loss(logs, np.array([0, 1])) == pytest.approx(-(np.log(0.5) + np.log(0.1)) / 2)


def test_a_temperature_keeps_the_order_of_classes_and_makes_powers_of_probabilities():
    scores = make_scores([[0.5, 0.3, 0.2]])
    powers = np.array([0.5, 0.3, 0.2]) ** 0.5
    found = tempered(scores, 2.0)
    np.testing.assert_allclose(found.probabilities[0], powers / powers.sum(), atol=1e-6)
    np.testing.assert_allclose(found.logits, scores.logits / 2)
    assert tempered(scores, 1.0) is scores


def test_calibration_error_of_hand_made_bins():
    """Three of four clips are right at 0.9, one of two at 0.6: (|2.7-3| + ...) by hand."""
    rows = [[0.9, 0.1]] * 4 + [[0.6, 0.4]] * 2
    found = calibration_of(np.array(rows), np.array([0, 0, 0, 1, 0, 1]))
    assert found.error == pytest.approx((abs(3.6 - 3) + abs(1.2 - 1)) / 6)
    filled = [(bin.clips, bin.confidence, bin.accuracy) for bin in found.bins if bin.clips]
    assert filled == [(2, pytest.approx(0.6), 0.5), (4, pytest.approx(0.9), 0.75)]
    assert found.interval.low <= found.error <= found.interval.high


def test_interval_of_the_calibration_error_holds_the_known_one(generator):
    """Clips are right with a probability of 0.6 where 0.8 is promised: the error is 0.2."""
    promised = np.tile([0.8, 0.1, 0.1], (300, 1))
    inside = 0
    for _ in range(100):
        labels = drawn(np.tile([0.6, 0.2, 0.2], (300, 1)), generator)
        low, high = calibration_of(promised, labels).interval
        inside += low <= 0.2 <= high
    assert 90 <= inside <= 99


def test_calibrated_probabilities_may_have_no_error(generator):
    without = 0
    for _ in range(100):
        promised = softmax(2 * generator.normal(size=(300, 5)))
        without += calibration_of(promised, drawn(promised, generator)).interval.low == 0
    assert without >= 90
