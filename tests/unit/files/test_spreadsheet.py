"""Csv tables that people open."""

import pandas as pd
import pytest

from protogcn.files.csv_table import save_table
from protogcn.files.spreadsheet import neutral, save_result_table, shown

FORMULAS = ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "'=1", "''-x", "\uff1d1+1",
            "a;=1+1", "a; @x;'+y", "--", "-x", "+"]  # fmt: skip
PLAIN = ["", "-", "a", "a=b", "a-b", "'a'", "'", "-1.25", "+0.40", "-1e-05", "a;b", "01", "\u22121"]


@pytest.mark.parametrize("text", FORMULAS)
def test_a_name_that_begins_as_a_formula_gets_a_quotation_mark_and_loses_it_again(text):
    cell = neutral(text)
    assert cell != text
    assert all(not part.strip().startswith(tuple("=+-@")) for part in cell.split(";"))
    assert shown(cell) == text


@pytest.mark.parametrize("text", PLAIN)
def test_what_no_program_computes_stays_as_it_is(text):
    assert neutral(text) == shown(text) == text


def test_a_table_of_plain_names_and_numbers_has_the_bytes_that_it_always_had(tmp_path):
    table = pd.DataFrame({"name": ["a", "b"], "x": [-1.5, 2.0], "n": [1, 2], "empty": ["", None], "points": ["+0.10", "-2.00"]})  # fmt: skip
    save_table(tmp_path / "a.csv", table, sealed=True)
    save_result_table(tmp_path / "b.csv", table)
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()
    save_result_table(tmp_path / "c.csv", table.assign(name=["=a", "b"]))
    assert (tmp_path / "c.csv").read_text().splitlines()[1] == "'=a,-1.5,1,,+0.10"
