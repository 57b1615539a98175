import os
from dataclasses import replace

import pytest

from protogcn.config.datasets import class_names, missing_raw
from protogcn.config.inputs import raw_files
from protogcn.config.plan import expand
from protogcn.errors import ConfigError
from tests.made.config import changed


@pytest.fixture
def names_of(tmp_path):
    def write_and_read(text, name="names.txt", **entry):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return class_names("datasets.x", {"class_names": str(path), **entry}, ())

    return write_and_read


def test_number_alone_gives_numbered_names():
    assert class_names("datasets.x", {"classes": 3}, ("a", "b")) == (
        "class_000",
        "class_001",
        "class_002",
    )


def test_list_wins_over_the_protocol():
    assert class_names("datasets.x", {"classes": ["c", "d"]}, ("a", "b")) == ("c", "d")
    assert class_names("datasets.x", {}, ("a", "b")) == ("a", "b")


def test_lines_are_the_names_and_one_may_stand_twice(names_of):
    """Labels 58 and 70 of FineGYM share a name."""
    assert names_of("turn\r\njump\nturn\n\n", classes=3) == ("turn", "jump", "turn")


def test_mark_of_windows_editors_is_no_part_of_a_name(names_of):
    assert names_of(b"\xef\xbb\xbfeins\nzw\xc3\xb6lf\n") == ("eins", "zwölf")


@pytest.mark.parametrize(
    ("text", "entry", "message"),
    [
        ("a\nb\n", {"classes": 3}, r"names\.txt has 2 lines, expected 3, one for each class"),
        ("a\n\nb\n", {}, r"names\.txt, line 2: found '', expected a name of 1 to 200 characters"),
        ("a\nb\x1b[1m\n", {}, r"line 2: found 'b\\x1b\[1m', expected a name"),
        ('["a",\n"b"]', {"name": "names.json"}, "line 1: found '\\[\"a\",' in a .json file"),
        (
            "id,name\n0,a\n",
            {"name": "names.csv"},
            "found 'id,name' in a .csv file, expected a text",
        ),
        ("a\n", {}, r"names\.txt has 1 names, expected 2 or more"),
        (b"\xff\xfea\n", {}, r"names\.txt is not UTF-8 text, expected one name a line"),
        ("a\nb\n", {"classes": ["a", "b"]}, "in classes and in class_names, expected one"),
    ],
)
def test_what_is_wrong_with_a_file_is_one_sentence(names_of, text, entry, message):
    with pytest.raises(ConfigError, match=message):
        names_of(text, **entry)


def test_missing_file_is_told():
    with pytest.raises(ConfigError, match=r"x\.class_names: no\.txt: No such file or directory"):
        class_names("datasets.x", {"class_names": "no.txt"}, ())


@pytest.mark.parametrize(
    ("raw", "sentence"),
    [
        ("data\\mine.pkl", "found data\\mine.pkl, expected / between folders: data/mine.pkl"),
        ("folder.pkl", "folder.pkl is a folder, expected the pickle itself"),
        ("data/none.pkl", "the file data/none.pkl does not exist in "),
        ("data/mine2.pkl", "; did you mean 'mine.pkl'? Where to get it: "),
        ("pipe.pkl", "pipe.pkl is a pipe or device, expected a file."),
        ("loop.pkl", "the file loop.pkl does not exist in "),
    ],
)
def test_a_raw_file_that_is_not_there_says_what_is(monkeypatch, tmp_path, raw, sentence):
    (tmp_path / "data").mkdir()
    (tmp_path / "data/mine.pkl").touch()
    (tmp_path / "folder.pkl").mkdir()
    os.mkfifo(tmp_path / "pipe.pkl")
    (tmp_path / "loop.pkl").symlink_to("loop.pkl")
    monkeypatch.chdir(tmp_path)
    assert sentence in missing_raw(expand(changed("datasets.ntu60.raw", raw)).datasets["ntu60"])


class TestFoldersOfSkeletonFiles:
    def dataset(self, tmp_path):
        return expand(changed("datasets.ntu60.raw", str(tmp_path))).datasets["ntu60"]

    def test_with_a_protocol_a_table_says_that_the_files_have_any_names(self, tmp_path):
        dataset = self.dataset(tmp_path)
        assert not dataset.is_annotated_folder
        (tmp_path / "annotations.csv").touch()
        assert dataset.is_annotated_folder
        assert raw_files(dataset) == [str(tmp_path), f"{tmp_path}/annotations.csv"]

    def test_a_table_one_folder_below_is_named(self, tmp_path):
        (tmp_path / "clips").mkdir()
        (tmp_path / "clips/annotations.csv").touch()
        sentence = missing_raw(replace(self.dataset(tmp_path), protocol=None))
        assert "; its folder clips has one: set raw to it." in sentence


@pytest.mark.parametrize("name", ["a\x00", "a\nb", "\x1b[31mred", "\u202eevil", "", "x" * 201])
def test_class_names_that_a_terminal_or_a_table_would_obey_are_refused(name):
    with pytest.raises(
        ConfigError, match=r"datasets\.x\.classes: name 1: found .* control or bidi"
    ):
        class_names("datasets.x", {"classes": ["Gehen ü", name]}, ())
