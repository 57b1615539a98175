import dataclasses

import numpy as np
import pytest

from protogcn.errors import ContractError
from protogcn.scores import class_differences
from protogcn.scores.class_differences import compare_classes, confusion_counts
from tests.made.score_files import random_scores, scores_that_say


def test_accuracies_differences_and_counts_by_hand():
    labels = [0, 0, 0, 0, 1, 1, 2, 2]
    model = scores_that_say([0, 0, 0, 1, 1, 0, 2, 2], labels)
    baseline = scores_that_say([0, 0, 1, 1, 1, 1, 2, 2], labels)
    compared = compare_classes(model, baseline)
    rows = compared.classes
    assert rows["clips"].tolist() == [4, 2, 2, 0]
    assert rows["accuracy"].tolist()[:3] == [75, 50, 100]
    assert rows["baseline"].tolist()[:3] == [50, 100, 100]
    assert rows["difference"].tolist()[:3] == [25, -50, 0]
    assert compared.counts == (1, 1, 1)
    assert compared.overall["accuracy"] == compared.overall["baseline"] == 75


def test_class_without_a_clip_has_no_number_and_is_not_counted():
    compared = compare_classes(scores_that_say([0], [0]), scores_that_say([0], [0]))
    unknown = compared.classes.iloc[1:][["accuracy", "baseline", "difference", "low", "high", "p"]]
    assert unknown.isna().all(axis=None)
    assert compared.counts == (0, 1, 0)


def test_confusion_that_changed_most_is_named_with_both_counts():
    labels = [0] * 6
    model = scores_that_say([0, 0, 0, 0, 0, 2], labels)
    baseline = scores_that_say([0, 1, 1, 1, 2, 2], labels)
    row = compare_classes(model, baseline).classes.iloc[0]
    assert (row["confused_with"], row["confused"], row["baseline_confused"]) == ("class 1", 0, 3)


def test_a_class_whose_predictions_did_not_change_names_no_confusion():
    same = scores_that_say([0, 1, 1], [0, 0, 1])
    assert set(compare_classes(same, same).classes["confused_with"]) == {""}


def test_clips_are_joined_by_id():
    model, baseline = random_scores(1), random_scores(2)
    order = np.random.default_rng(3).permutation(len(baseline.clips))
    shuffled = dataclasses.replace(
        baseline,
        **{
            name: getattr(baseline, name)[order]
            for name in ("clips", "labels", "logits", "probabilities")
        },
    )
    first, second = compare_classes(model, baseline), compare_classes(model, shuffled)
    assert first.classes.equals(second.classes)
    assert first.overall == second.overall


def test_other_clips_are_refused():
    with pytest.raises(
        ContractError, match="the baseline against the model: scored on other clips"
    ):
        compare_classes(scores_that_say([0, 1], [0, 1]), scores_that_say([0], [0]))


def test_the_other_way_round_every_sign_changes():
    there, back = (compare_classes(random_scores(a), random_scores(b)) for a, b in ((1, 2), (2, 1)))
    np.testing.assert_array_equal(there.classes["difference"], -back.classes["difference"])
    assert there.counts == back.counts[::-1]


def test_the_same_seed_gives_the_same_intervals_and_another_one_others():
    model, baseline = random_scores(1), random_scores(2)
    assert compare_classes(model, baseline).classes.equals(compare_classes(model, baseline).classes)
    other = compare_classes(model, baseline, seed=1)
    assert not other.classes["low"].equals(compare_classes(model, baseline).classes["low"])


def test_interval_is_that_of_resampled_clips():
    """The multinomial draw against clips drawn one by one."""
    labels = np.zeros(40, int)
    right, baseline_right = np.arange(40) < 28, (np.arange(40) % 2 == 0)
    model = scores_that_say(np.where(right, 0, 1), labels)
    baseline = scores_that_say(np.where(baseline_right, 0, 1), labels)
    change = right.astype(int) - baseline_right
    drawn = np.random.default_rng(1).integers(0, 40, (20_000, 40))
    low, high = np.percentile(100 * change[drawn].mean(axis=1), [2.5, 97.5])
    row = compare_classes(model, baseline).classes.iloc[0]
    assert row["low"] == pytest.approx(low, abs=2.5)  # one clip
    assert row["high"] == pytest.approx(high, abs=2.5)
    assert row["low"] < row["difference"] < row["high"]


def test_classes_that_differ_by_more_than_chance_are_counted_with_holms_correction():
    """Of the four classes the baseline misses 40, 6, 5 and 1 clips; alone three are certain."""
    labels = np.repeat([0, 1, 2, 3], 50)
    wrong = {0: 40, 1: 6, 2: 5, 3: 1}
    missed = np.concatenate([np.arange(50) < wrong[label] for label in range(4)])
    model = scores_that_say(labels, labels)
    baseline = scores_that_say(np.where(missed, (labels + 1) % 4, labels), labels)
    compared = compare_classes(model, baseline)
    expected = [0.5**count for count in wrong.values()]  # two sides, and half of what was found
    np.testing.assert_allclose(compared.classes["p"], expected)
    np.testing.assert_allclose(compared.classes["holm"][1:], [3 * 0.5**6, 2 * 0.5**5, 0.5])
    assert compared.counts == (4, 0, 0)
    assert compared.num_certain == 2


def test_confusion_counts_by_hand():
    found = confusion_counts(np.array([0, 0, 2]), np.array([0, 1, 2]), 3)
    assert found.tolist() == [[1, 1, 0], [0, 0, 0], [0, 0, 1]]


def test_intervals_do_not_depend_on_how_many_resamples_are_drawn_at_once(monkeypatch):
    """A thousand classes are drawn in parts, with the same numbers."""
    model, baseline = random_scores(1), random_scores(2)
    whole = compare_classes(model, baseline)
    monkeypatch.setattr(class_differences, "_DRAWN_AT_ONCE", 4 * 333)
    parts = compare_classes(model, baseline)
    assert whole.classes.equals(parts.classes)
    assert whole.overall == parts.overall
