import pytest

from protogcn.errors import ContractError
from protogcn.files.history import load_history, sides_measured

HEAD = "epoch,learning_rate,loss,accuracy,val_accuracy\n"


def test_epochs_that_were_not_measured_have_no_number(tmp_path):
    (tmp_path / "history.csv").write_text(HEAD + "1,0.1,3.0,10,\n2,0.1,2.0,20,12.5\n")
    found = load_history(tmp_path / "history.csv")
    assert sides_measured(found) == ["val"]
    assert found["val_accuracy"].isna().tolist() == [True, False]
    assert found["val_accuracy"][1] == 12.5


def test_a_cell_that_is_no_number_is_named(tmp_path):
    (tmp_path / "history.csv").write_text(HEAD + "1,0.1,3.0,10,\n2,0.1,2.0,20,good\n")
    with pytest.raises(ContractError, match="line 3, column val_accuracy: found 'good'"):
        load_history(tmp_path / "history.csv")
