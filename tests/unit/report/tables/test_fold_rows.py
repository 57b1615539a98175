import pytest

from protogcn.errors import ContractError
from protogcn.report.tables.fold_rows import fold_sheet, fold_table
from protogcn.report.tables.markdown import markdown
from tests.made.score_files import make_scores


def fold(clips, right):
    """Scores of two classes: of these clips the first ``right`` ones are recognised."""
    probabilities = [[0.9, 0.1] if number < right else [0.1, 0.9] for number in range(len(clips))]
    return make_scores(probabilities, clips)


def test_a_table_has_every_fold_their_mean_and_all_clips_together():
    folds = [{"j": fold(["a", "b"], 2)}, {"j": fold(["c", "d", "e", "f"], 1)}]
    table = fold_table(folds, {"j": 1.0}, "probability")
    row = table.iloc[0]
    assert list(table["stream"]) == ["j", "fused"]
    assert (row["fold1"], row["fold2"], row["clips"]) == ("100.00", "25.00", "6")
    assert (row["mean"], row["spread"]) == ("62.50", "53.03")  # of 100 and 25
    assert row["top1"] == "50.00"  # 3 of 6
    assert float(row["low"]) < 50 < float(row["high"])


def test_a_clip_in_two_folds_is_refused():
    folds = [{"j": fold(["a", "b"], 2)}, {"j": fold(["b", "c"], 1)}]
    with pytest.raises(ContractError, match=r"1 clips are left out by several folds \(b\)"):
        fold_table(folds, {"j": 1.0}, "probability")


def test_the_sheet_says_what_is_in_a_fold():
    folds = [{"j": fold(["a", "b"], 2)}, {"j": fold(["c", "d"], 1)}]
    table = fold_table(folds, {"j": 1.0}, "probability")
    text = markdown(fold_sheet("demo_xsub", "2ens", "subject", table))
    assert "2ens in 2 folds by subject" in text
    assert "| 75.00 ± 35.36 |" in text.replace("**", "")
