import pandas as pd

from protogcn.report.tables.beside_paper import beside_paper
from protogcn.report.tables.layout import comparison_sheet, ensemble_sheet
from protogcn.report.tables.measure import Measured
from tests.made.score_files import credits_that_are
from tests.made.table_scores import cell, table


def sheet_of(wanted, *numbers, recipe=None):
    """Lay out a table whose cells have the given measurements."""
    found = {
        asked: Measured(values, 100 if values else 0, asked.notes)
        for asked, values in zip(wanted.cells, numbers, strict=True)
    }
    return comparison_sheet(wanted, beside_paper(wanted, found), recipe or {})


def texts(sheet):
    return [(*line.words, *(entry.text for entry in line.entries)) for line in sheet.lines]


def emphasis(sheet):
    return [[entry.emphasis for entry in line.entries] for line in sheet.lines]


def test_streams_are_rows_with_a_line_for_each_kind_of_number():
    ntu = {"task": "ntu60_xsub"}
    wanted = table(
        cell("J1", "j", **ntu), cell("J2", "j-2", **ntu), paper="table5", tasks=("ntu60_xsub",)
    )
    sheet = sheet_of(wanted, (91.6, 91.4), (90.0,))
    assert sheet.heads == ["Stream", ""]
    assert [(c.group, c.head) for c in sheet.columns] == [("NTU-60", "X-Sub")]
    assert texts(sheet) == [
        ("J1", "ours", "91.50 ± 0.14"),
        ("", "paper", "91.54"),
        ("", "difference", "-0.04"),
        ("J2", "ours", "90.00"),
        ("", "paper", "?"),
    ]
    assert [line.entries[0].italic for line in sheet.lines] == [False, True, False, False, True]
    assert sheet.remarks == [
        "Ours: mean ± sample standard deviation over repeats (2).",
        "Upright: measured here. Italic: as the paper prints it.",
        "?: unreadable in the source.",
    ]


def test_the_interval_stands_below_ours():
    credits = credits_that_are([1] * 50 + [0] * 50)
    found = {asked: Measured((50.0,), 100, (), credits) for asked in (cell("J", "j"),)}
    wanted = table(*found, paper="")
    sheet = comparison_sheet(wanted, beside_paper(wanted, found), {})
    assert texts(sheet) == [("J", "ours", "50.00"), ("", "interval", "40.38 to 59.62")]
    assert sheet.remarks == [
        "Interval: 95 % over test clips; over subjects, where these are known, in the csv."
    ]


def test_datasets_stand_above_their_splits_and_accuracies():
    columns = [
        ("ntu60_xsub", "top1"), ("ntu60_xview", "top1"), ("kinetics_val", "top1"),
        ("kinetics_val", "top5"), ("mine_a", "mean_class"), ("utd_mhad_xsub", "mean_class"),
    ]  # fmt: skip
    cells = [cell("J", "j", task=task, metric=metric) for task, metric in columns]
    tasks = tuple(dict.fromkeys(task for task, _ in columns))
    sheet = sheet_of(table(*cells, tasks=tasks), *[(9.0,)] * 6)
    assert [(c.group, c.head) for c in sheet.columns] == [
        ("NTU-60", "X-Sub"), ("NTU-60", "X-View"), ("Kinetics", "top-1"), ("Kinetics", "top-5"),
        ("mine_a", "mean class"), ("UTD-MHAD", "X-Sub mean class"),
    ]  # fmt: skip
    assert sheet.groups[:2] == [("NTU-60", 2), ("Kinetics", 2)]


def test_methods_are_rows_and_streams_of_tasks_are_columns():
    cells = [
        cell(stream, "j", method=method, task=task)
        for method in ("A", "B")
        for stream in ("J", "B")
        for task in ("y", "x")
    ]
    sheet = sheet_of(table(*cells, rows="methods", tasks=("x", "y")), *((n,) for n in range(8)))
    assert [(c.group, c.head) for c in sheet.columns] == [
        ("x", "J"), ("x", "B"), ("y", "J"), ("y", "B"),
    ]  # fmt: skip
    assert texts(sheet) == [
        ("A", "1.00", "3.00", "0.00", "2.00"),
        ("B", "5.00", "7.00", "4.00", "6.00"),
    ]
    assert sheet.groups == [("x", 2), ("y", 2)]


def test_table_4_tells_where_each_method_was_published():
    wanted = table(
        cell("J", "j", task="ntu60_xsub"), paper="table4", rows="methods", tasks=("ntu60_xsub",),
        decimals=1,
    )  # fmt: skip
    sheet = sheet_of(wanted, (91.5,))
    assert texts(sheet)[0] == ("ST-GCN", "AAAI 2018", "paper", "87.8")
    assert texts(sheet)[-3:] == [
        ("ProtoGCN", "CVPR 2025", "ours", "91.5"),
        ("", "", "paper", "91.5"),
        ("", "", "difference", "0.0"),
    ]
    # Ours counts for ProtoGCN, the published number for each of the others.
    assert [line[0] for line in emphasis(sheet)[-4:]] == ["second", "best", "", ""]


def test_best_and_second_share_and_unfair_numbers_take_no_part():
    numbers = {"a": (80.0,), "b": (90.0,), "c": (90.0,), "d": (85.0,), "e": (99.0,)}
    cells = [
        cell(name, "j", notes=("tuned_on_test",) if name == "e" else ()) for name in numbers
    ]  # fmt: skip
    sheet = sheet_of(table(*cells), *numbers.values())
    assert [line[0] for line in emphasis(sheet)] == ["", "best", "best", "second", ""]
    assert sheet.letters == {"tuned_on_test": "a"}


def test_the_papers_streams_compete_only_where_none_is_measured():
    tasks = ("ntu60_xsub", "ntu60_xview")
    cells = [cell(stream, "j", task=task) for stream in ("J1", "K1") for task in tasks]
    sheet = sheet_of(table(*cells, paper="table5", tasks=tasks), (10.0,), (), (20.0,), ())
    assert emphasis(sheet) == [
        ["second", ""], ["", "second"], ["", ""],
        ["best", ""], ["", "best"], ["", ""],
    ]  # fmt: skip


def test_a_single_number_is_neither_best_nor_second():
    assert emphasis(sheet_of(table(cell("J", "j")), (50.0,))) == [[""]]


def test_what_is_missing_is_a_dash_and_told():
    sheet = sheet_of(table(cell("J", notes=("missing",)), cell("B", "b")), (), (50.0,))
    assert texts(sheet) == [("J", "–"), ("B", "50.00")]
    assert sheet.remarks == ["–: not measured."]


def test_a_recipe_is_told_below_the_table():
    wanted = table(cell("J", "j"), same_recipe=True)
    sheet = sheet_of(wanted, (50.0,), recipe={"epochs": 150, "batch": 64})
    assert sheet.remarks == ["One recipe for all: epochs 150, batch 64."]


def test_table_of_an_ensemble_marks_what_had_help():
    columns = [
        "stream", "weight", "clips", "top1", "top5", "mean_class", "select", "chosen_on",
        "low", "high", "notes", "mean_class_low", "mean_class_high", "mean_class_notes",
    ]  # fmt: skip
    rows = [
        ["j", "1", "9", "80.00", "", "70.00", "last", "none", *("75.00", "84.00", "") * 2],
        ["b", "2", "9", "90.00", "", "60.00", "unknown", "unknown", *("75.00", "84.00", "") * 2],
        ["fused", "", "9", "99.00", "", "99.00", "last", "test", *("75.00", "84.00", "") * 2],
    ]
    frame, marks = pd.DataFrame(rows, columns=columns), ("tuned_on_test",)
    sheet = ensemble_sheet("ntu60_xsub", "6ens_v1", "ours", frame, of_weights=marks)
    assert (sheet.name, sheet.title) == (
        "ntu60_xsub_6ens_v1", "NTU-60 X-Sub: 6ens_v1, accuracy in %",
    )  # fmt: skip
    assert [column.head for column in sheet.columns] == ["top-1", "mean class"]
    assert emphasis(sheet) == [["second", "best"], ["best", "second"], ["", ""]]
    assert sheet.letters == {"selected_unknown": "a", "tuned_on_test": "b"}
    over_clips = "95 % over test clips; over subjects, where these are known, in the csv"
    assert sheet.remarks == ["Weights: ours.", f"In brackets: {over_clips}."]
    assert texts(sheet)[0] == ("j", "1", "9", "80.00 [75.00, 84.00]", "70.00 [75.00, 84.00]")
    assert [len(block) for block in sheet.blocks] == [2, 1]
