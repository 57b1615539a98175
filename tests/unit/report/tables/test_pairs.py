import dataclasses

import pytest

from protogcn.report.tables.pairs import COMPARED, Rival, compare_rows, within_noise
from tests.made.score_files import credits_that_are


def rival(name, wrong, *, values=(), metric="top1", fair=True, digest=""):
    """Return a row that is wrong on the first clips of 40, or on these."""
    wrong = range(wrong) if isinstance(wrong, int) else wrong
    credits = credits_that_are([clip not in wrong for clip in range(40)])
    clips = dataclasses.replace(credits.clips, digest=digest)
    credits = dataclasses.replace(credits, clips=clips)
    return Rival(name, "t", metric, values or (100 * credits.mean,), credits, fair)


def test_every_two_rows_of_a_task_and_metric_are_compared():
    rows = [rival("a", 2), rival("b", 10), rival("c", 10), rival("a", 2, metric="top5")]
    table = compare_rows(rows)
    assert table.columns.tolist() == [*COMPARED]
    assert table[["first", "second"]].to_numpy().tolist() == [["a", "b"], ["a", "c"], ["b", "c"]]
    first = table.iloc[0]
    assert first[["clips", "first_better", "second_better"]].tolist() == ["40", "8", "0"]
    assert (first["difference"], first["p"], first["holm"]) == ("+20.00", "0.00391", "0.0117")
    assert float(first["low"]) < 20 < float(first["high"])
    assert (first["subject_low"], first["seeds_p"]) == ("", "")
    assert table.iloc[2][["difference", "p"]].tolist() == ["+0.00", "1"]


def test_rows_of_other_clips_are_left_out():
    assert len(compare_rows([rival("a", 2), rival("b", 2, digest="other")])) == 0
    assert within_noise([rival("a", 2), rival("b", 3, digest="other")]) == {}


def test_repeats_are_compared_with_repeats():
    first, second = rival("a", 2, values=(94, 96)), rival("b", 10, values=(74, 76))
    assert (
        compare_rows([first, second]).iloc[0]["seeds_p"] == "0.00496"
    )  # 14.1 spreads, two degrees of freedom


@pytest.mark.parametrize(
    ("other", "codes"),
    [
        (rival("b", 3), ("within_clips",)),
        (rival("b", 12), ()),
        (rival("b", 12, values=(60, 80)), ("within_seeds",)),
        (rival("b", 3, values=(92, 93)), ("within_clips", "within_seeds")),
    ],
)
def test_what_the_best_may_owe_to_its_clips_or_seeds_is_marked(other, codes):
    assert within_noise([other, rival("a", 2)]) == {0: codes}


def test_what_had_help_is_neither_the_best_nor_marked():
    helped = rival("helped", 0, fair=False)
    assert within_noise([helped, rival("a", 2), rival("b", 3)]) == {2: ("within_clips",)}
    assert within_noise([helped]) == {}
