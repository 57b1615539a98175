from protogcn.files.selection import mark_of, select_of
from tests.made.nano import SETTINGS
from tests.made.score_files import scores_that_say


def test_one_chosen_epoch_marks_all():
    last = scores_that_say([0], [0])
    best = scores_that_say([0], [0], settings={**SETTINGS, "select": "best"})
    assert (select_of([last, last]), mark_of([last, last])) == ("last", "")
    assert select_of([last, best]) == "best"
    assert "select best" in mark_of([last, best])
