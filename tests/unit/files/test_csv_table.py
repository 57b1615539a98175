import pandas as pd
import pytest

from protogcn.errors import ContractError
from protogcn.files.csv_table import load_table, save_table


def test_ids_that_look_like_numbers_or_nothing_stay_text(tmp_path):
    ids = ["NA", "007", "null", "1e5", "nan", "", 'a,"b', "ü"]
    save_table(tmp_path / "t.csv", pd.DataFrame({"clip": ids, "n": range(len(ids))}))
    table = load_table(tmp_path / "t.csv", {"clip": "str", "n": "int64"})
    assert table["clip"].tolist() == ids


def test_missing_column_is_named(tmp_path):
    save_table(tmp_path / "t.csv", pd.DataFrame({"clip": ["a"]}))
    with pytest.raises(ContractError, match=r"has no column label, only 'clip'\.$"):
        load_table(tmp_path / "t.csv", {"clip": "str", "label": "int64"})


@pytest.mark.parametrize(
    "text",
    [
        "clip;label;x\na,b;1;0,5\nc;0;-2\n",
        "clip\tlabel\tx\na,b\t1\t0,5\nc\t0\t-2\n",
        'Clip, LABEL , x\n"a,b", 1, 0.5\nc, 0, -2\n',
        '\ufeffclip,label,x\r\n"a,b",1,0.5\r\nc,0,-2\r\n',
    ],
)
def test_tables_of_other_programs_are_read(tmp_path, text):
    (tmp_path / "t.csv").write_text(text, encoding="utf-8", newline="")
    table = load_table(tmp_path / "t.csv", {"clip": "str", "label": "int64", "x": "float64"})
    assert table.to_dict("list") == {"clip": ["a,b", "c"], "label": [1, 0], "x": [0.5, -2]}


def test_table_of_another_kind_is_named(tmp_path):
    (tmp_path / "t.csv").write_bytes("clip,label\nmöbel,1\n".encode("latin1"))
    sentence = r"found text that is not UTF-8 \(save it as UTF-8\), expected a csv with the columns"
    with pytest.raises(ContractError, match=sentence):
        load_table(tmp_path / "t.csv", {"clip": "str"})


def test_lines_longer_than_the_header_are_refused(tmp_path):
    (tmp_path / "t.csv").write_text("clip,label\na,1,\nb,2,\n")
    with pytest.raises(ContractError, match="its lines have more cells than its header"):
        load_table(tmp_path / "t.csv", {"clip": "str"})


@pytest.mark.parametrize(
    ("dtype", "cell", "expected"),
    [
        ("int64", "three", "a whole number"),
        ("int64", "1.5", "a whole number"),
        ("int64", "", "a whole number"),
        ("float64", "0,5", "a number"),
    ],
)
def test_cell_that_is_no_number_is_named_with_its_line_and_column(tmp_path, dtype, cell, expected):
    (tmp_path / "t.csv").write_text(f'clip,n\n\na,1\n\nb,"{cell}"\n')
    sentence = rf"t\.csv: line 5, column n: found '{cell}', expected {expected}\.$"
    with pytest.raises(ContractError, match=sentence):
        load_table(tmp_path / "t.csv", {"clip": "str", "n": dtype})


def test_whole_numbers_may_be_written_as_pandas_writes_a_column_with_gaps(tmp_path):
    (tmp_path / "t.csv").write_text("n\n9.0\n7\n")
    assert load_table(tmp_path / "t.csv", {"n": "int64"})["n"].tolist() == [9, 7]


@pytest.mark.parametrize(
    "cell", ["1_0", "٣", "18446744073709551615", "1e30", "0x10", "1,5", "", "-"]
)
def test_cells_that_python_or_pandas_would_take_for_a_number_are_refused(tmp_path, cell):
    path = tmp_path / "t.csv"
    path.write_text(f'clip,label\na,1\nb,"{cell}"\n')
    with pytest.raises(
        ContractError, match=r"line 3, column label: found .* expected a whole number"
    ):
        load_table(path, {"clip": "str", "label": "int64"})


def test_numbers_as_pandas_writes_them_are_read(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("n,x\n9.0, 1.5\n-3,nan\n+7,1e-3\n")
    table = load_table(path, {"n": "int64", "x": "float64"})
    assert list(table["n"]) == [9, -3, 7]
    assert table["x"].fillna(0).tolist() == [1.5, 0, 1e-3]
