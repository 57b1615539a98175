import numpy as np

from protogcn.fusion import mark_of, predicted_classes, select_of
from tests.unit.nano import SETTINGS
from tests.unit.score_files import scores_that_say


def test_the_last_of_equal_scores_is_predicted():
    assert predicted_classes(np.array([[1, 1, 0], [0, 2, 1], [3, 3, 3]])).tolist() == [1, 1, 2]


def test_one_chosen_epoch_marks_all():
    last = scores_that_say([0], [0])
    best = scores_that_say([0], [0], settings={**SETTINGS, "select": "best"})
    assert (select_of([last, last]), mark_of([last, last])) == ("last", "")
    assert select_of([last, best]) == "best"
    assert "select best" in mark_of([last, best])
