import pytest

from protogcn.report.provenance.differences import compare_files


def compared(tmp_path, first, second, *, ending=".csv", same_code=True):
    """Compare two texts; return the number of numbers, the faults and the remarks."""
    paths = [tmp_path / f"{name}{ending}" for name in ("t", "again")]
    for path, text in zip(paths, (first, second), strict=True):
        path.write_text(text)
    found = compare_files(*paths, same_code=same_code)
    return found.numbers, [text.removeprefix(str(tmp_path) + "/") for text in found.faults], found.remarks  # fmt: skip


def test_a_cell_is_named_by_its_row_and_column(tmp_path):
    first, second = "method,task,n\nA,x,1.25\nA,y,2\n", "method,task,n\nA,x,1.25\nA,y,3\n"
    sentence = "t.csv, line 3 (A y), n: found 2, the scores give 3"
    assert compared(tmp_path, first, second) == (2, [sentence], [])


def test_numbers_with_all_their_digits_may_differ_in_the_last_ones(tmp_path):
    first, second = "a\n0.12345678901234\n", "a\n0.12345678901239\n"
    assert compared(tmp_path, first, second) == (1, [], [])
    assert compared(tmp_path, "a\n93.81\n", "a\n93.82\n")[1]
    first, second = '{"j": 0.123456789012, "n": 60}', '{"j": 0.123456789019, "n": 60}'
    assert compared(tmp_path, first, second, ending=".json")[1:] == ([], [])
    assert compared(tmp_path, first, second.replace("60", "61"), ending=".json")[1]


def test_a_column_that_a_later_version_adds_is_no_fault(tmp_path):
    numbers, faults, (remark,) = compared(tmp_path, "a,b\n1,2\n", "a,b,low\n1,2,3\n")
    assert (numbers, faults, "lacks the columns low" in remark) == (2, [], True)
    assert "has the columns low" in compared(tmp_path, "a,low\n1,2\n", "a\n1\n")[1][0]


def test_rows_that_are_left_out_are_a_fault(tmp_path):
    assert compared(tmp_path, "a\n1\n", "a\n1\n2\n")[1] == [
        "t.csv: has 1 rows, made again it has 2"
    ]


@pytest.mark.parametrize("same_code", [True, False])
def test_other_words_are_a_fault_of_the_same_code_only(tmp_path, same_code):
    first, second = "J 93.81 of 60\n", "J: 93.81, of 60 (a new remark with 1)\n"
    _, faults, remarks = compared(tmp_path, first, second, ending=".md", same_code=same_code)
    assert (len(faults), len(remarks)) == ((1, 0) if same_code else (0, 1))


def test_other_numbers_are_a_fault_of_any_code(tmp_path):
    _, faults, _ = compared(tmp_path, "J 93.81\n", "J 93.18\n", ending=".md", same_code=False)
    assert faults == ["t.md, line 1: found 'J 93.81', expected 'J 93.18'"]


@pytest.mark.parametrize("same_code", [True, False])
def test_a_picture_has_the_same_bytes_by_the_same_code(tmp_path, same_code):
    _, faults, remarks = compared(tmp_path, "a", "b", ending=".png", same_code=same_code)
    assert (len(faults), len(remarks)) == ((1, 0) if same_code else (0, 1))
