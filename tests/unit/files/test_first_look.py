import os

import pytest

from protogcn.errors import ContractError
from protogcn.files.contracts import reading
from protogcn.files.csv_table import load_table
from protogcn.files.first_look import glance_at


def sparse(path, size, start=b""):
    path.write_bytes(start)
    os.truncate(path, size)
    return path


def test_a_pipe_is_not_opened(tmp_path):
    os.mkfifo(tmp_path / "a.json")
    with pytest.raises(
        ContractError, match=r"a\.json: found a pipe or device, expected settings\."
    ):
        glance_at(tmp_path / "a.json", "settings")


def test_20_gb_of_zeros_are_refused_unread(tmp_path):
    path = sparse(tmp_path / "a.pt", 20 << 30)
    with pytest.raises(
        ContractError, match=r"a\.pt: found a file of zeros, .*, expected a network"
    ):
        glance_at(path, "a network")


@pytest.mark.parametrize("ending", [".csv", ".json", ".yaml", ".txt"])
def test_20_gb_of_text_are_refused_unread(tmp_path, ending):
    path = sparse(tmp_path / f"a{ending}", 20 << 30, b"clip,label\n")
    with pytest.raises(ContractError, match=r"found 21,474,836,480 bytes of text .*, expected it"):
        glance_at(path, "it")


def test_a_table_of_a_million_columns_is_refused_by_its_header(tmp_path):
    (tmp_path / "a.csv").write_text("a," * 1_000_000 + "a\n")
    with pytest.raises(ContractError, match=r"a\.csv: found 1,000,000 columns .*, expected a csv"):
        load_table(tmp_path / "a.csv", {"clip": "str"})


def test_scores_of_100_000_classes_are_no_odd_table(tmp_path):
    (tmp_path / "a.csv").write_text("clip," + ",".join(map(str, range(100_000))) + "\n")
    glance_at(tmp_path / "a.csv", "scores")


@pytest.mark.parametrize("name", ["absent/b", "folder", "empty"])
def test_what_the_reader_knows_how_to_refuse_is_left_to_it(tmp_path, name):
    (tmp_path / "folder").mkdir()
    (tmp_path / "empty").touch()
    glance_at(tmp_path / name, "a file")


def test_what_is_read_from_another_generation_needs_no_file_of_the_name(tmp_path):
    with reading(tmp_path / "absent", "a state"):
        pass
