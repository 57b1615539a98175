from itertools import zip_longest

import numpy as np
import pytest

from protogcn.config.facts import published_numbers
from protogcn.report.tables.beside_paper import beside_paper
from protogcn.report.tables.measure import Measured
from protogcn.report.tables.notes import NOTES, SYMBOLS
from tests.made.score_files import credits_that_are
from tests.made.table_scores import cell, table

NTU = ("ntu60_xsub",)


def records(wanted, *numbers, notes=(), right=()):
    """Compare a table whose cells have the given measurements, and so many of 1,000 clips right."""
    credits = [credits_that_are(np.arange(1000) < count) for count in right]
    found = {
        asked: Measured(values, 100 if values else 0, asked.notes or notes, each)
        for asked, values, each in zip_longest(wanted.cells, numbers, credits)
    }
    return beside_paper(wanted, found).to_dict("records")


def test_ours_is_the_mean_and_spread_the_sample_standard_deviation():
    (row,) = records(table(cell("J", "j", "j-2", "j-3")), (90.0, 92.0, 91.0))
    assert (row["ours"], row["spread"], row["repeats"], row["clips"]) == (
        "91.00",
        "1.00",
        "3",
        "100",
    )
    assert row["paper"] == row["difference"] == ""


def test_intervals_and_noise_stand_beside_a_number():
    wanted = table(cell("J", "j"), cell("B", "b"), cell("K", "k", notes=("selected_best",)))
    joints, bones, helped = records(wanted, (90.0,), (89.9,), (95.0,), right=(900, 899, 950))
    assert (joints["low"], joints["high"], joints["subject_low"]) == ("87.98", "91.71", "")
    assert (joints["notes"], bones["notes"], helped["notes"]) == ("", "within_clips", "selected_best")  # fmt: skip


def test_columns_of_a_table_of_methods_are_its_streams():
    cells = [cell(stream, "j", method=method) for method in "XY" for stream in "JB"]
    rows = records(table(*cells, rows="methods"), (90.0,), (50.0,), (89.9,), (45.0,), right=(900, 500, 899, 450))  # fmt: skip
    assert [row["notes"] for row in rows] == ["", "", "within_clips", ""]


@pytest.mark.parametrize(("right", "notes"), [(915, "within_interval"), (850, "")])
def test_a_papers_number_inside_our_interval_is_noted(right, notes):
    wanted = table(cell("J1", "j", task=NTU[0]), paper="table5", tasks=NTU)
    (row,) = records(wanted, (right / 10,), right=(right,))
    assert (row["paper"], row["paper_notes"]) == ("91.54", notes)


def test_one_repeat_has_no_spread():
    (row,) = records(table(cell("J", "j")), (90.126,))
    assert (row["ours"], row["spread"], row["repeats"]) == ("90.13", "", "1")


@pytest.mark.parametrize(
    ("value", "difference"), [(91.54, "0.00"), (91.546, "+0.01"), (91.5, "-0.04"), (92.0, "+0.46")]
)
def test_difference_is_of_the_numbers_that_are_shown(value, difference):
    wanted = table(cell("J1", "j", task=NTU[0]), paper="table5", tasks=NTU)
    (row,) = records(wanted, (value,))
    assert (row["paper"], row["difference"]) == ("91.54", difference)


def test_difference_has_the_decimals_of_table_4():
    wanted = table(
        cell("J", "j", task=NTU[0]), paper="table4", tasks=NTU, rows="methods", decimals=1
    )
    row = records(wanted, (91.449,))[-1]
    assert (row["ours"], row["paper"], row["difference"]) == ("91.4", "91.5", "-0.1")


@pytest.mark.parametrize(
    ("stream", "task", "metric", "paper", "notes"),
    [
        ("J2", "ntu60_xsub", "top1", "", "unreadable"),
        ("J1", "finegym_val", "top1", "93.28", "metric_unknown"),
        ("J1", "finegym_val", "mean_class", "93.28", "metric_unknown"),
        ("6ens", "kinetics_val", "top5", "75.55", "other_scheme"),
    ],
)
def test_no_difference_to_what_cannot_be_compared(stream, task, metric, paper, notes):
    wanted = table(cell(stream, "j", task=task, metric=metric), paper="table5", tasks=(task,))
    (row,) = records(wanted, (90.0,))
    assert (row["ours"], row["paper"], row["paper_notes"]) == ("90.00", paper, notes)
    assert row["difference"] == ""


def test_a_difference_to_an_unknown_scheme_is_noted():
    wanted = table(cell("6ens", "j", task="ntu60_xview"), paper="table5", tasks=("ntu60_xview",))
    (row,) = records(wanted, (97.0,))
    assert (row["difference"], row["paper_notes"]) == ("-0.76", "scheme_unknown")


def test_a_missing_number_stays_empty():
    wanted = table(cell("J1", "j", task=NTU[0]), paper="table5", tasks=NTU)
    (row,) = records(wanted, (), notes=("missing",))
    assert (row["ours"], row["clips"], row["difference"]) == ("", "", "")
    assert (row["notes"], row["paper"]) == ("missing", "91.54")


def test_a_table_of_methods_has_the_published_ones_in_their_order():
    wanted = table(
        cell("J", "j", task=NTU[0], method="ST-GCN++", model="stgcnpp"),
        cell("J", "j", task=NTU[0], method="Mine"),
        paper="table4", tasks=NTU, rows="methods",
    )  # fmt: skip
    rows = records(wanted, (89.5,), (70.0,))
    assert [row["method"] for row in rows] == [
        "ST-GCN", "CTR-GCN", "ST-GCN++", "InfoGCN", "SkeletonGCL", "FR-Head", "GAP", "HD-GCN",
        "BlockGCN", "ProtoGCN", "Mine",
    ]  # fmt: skip
    assert {(row["stream"], row["task"]) for row in rows} == {("J", "ntu60_xsub")}
    assert [row["difference"] for row in rows if row["difference"]] == ["+0.20"]
    assert rows[0]["paper_notes"] == "reported_by_pyskl"


def test_published_cells_are_whole():
    """Ten methods by eight columns, and twelve rows by seven readable or not; and v0, v1 scripts."""
    table4, table5 = published_numbers("table4"), published_numbers("table5")
    assert len(table4) == 80
    assert sum(row["status"] == "not_reported" for row in table4) == 8
    assert len(table5) == 12 * 7 + 2 + 4
    assert sum(row["status"] == "unreadable" for row in table5) == 7 + 3
    for row in (*table4, *table5):
        codes = set(row["status"].split())
        assert codes <= {"ok", *NOTES, *SYMBOLS}
        assert (row["value"] == "") == bool(codes & {"unreadable", "not_reported"})
        assert row["value"] == "" or 40 < float(row["value"]) < 100


def test_the_v1_scheme_is_what_the_paper_prints_for_ntu60_xsub():
    values = {
        row["stream"]: row["value"]
        for row in published_numbers("table5")
        if row["task"] == "ntu60_xsub" and "ens" in row["stream"]
    }
    assert values == {
        "2ens": "92.96", "4ens": "93.27", "6ens": "93.51", "4ens_v1": "93.53", "6ens_v1": "93.81",
    }  # fmt: skip
