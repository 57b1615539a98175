import errno
import os
import stat
import subprocess
import sys
import textwrap
from pathlib import Path

import pandas as pd
import pytest

from protogcn.errors import ConfigError, ContractError, UnreadableError
from protogcn.files.contracts import (
    _here,
    check_seal,
    digest_of,
    load_table,
    reading,
    rename_file,
    save_table,
    save_text,
    writing,
)


def test_file_appears_only_when_it_is_whole(tmp_path):
    path = tmp_path / "folder" / "file"
    with writing(path) as file:
        file.write(b"first")
        assert not path.exists()
    assert path.read_bytes() == b"first"
    assert os.listdir(path.parent) == ["file"]


def test_failure_keeps_the_old_file_and_leaves_nothing_else(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with pytest.raises(ZeroDivisionError), writing(path) as file:
        file.write(b"new")
        raise ZeroDivisionError
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["file"]


def test_a_pipe_is_neither_read_nor_replaced(tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    with pytest.raises(ContractError, match="found a pipe or device, expected a file"):
        digest_of(path)
    with pytest.raises(ContractError, match="pipe: is a pipe or device"):
        save_text(path, "text")
    assert stat.S_ISFIFO(path.stat().st_mode)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full, a Linux device")
def test_full_disk_is_one_sentence(tmp_path):
    with pytest.raises(
        ContractError, match=r"file: could not be written \(No space left.*free there"
    ) as error:
        with writing(tmp_path / "file"), Path("/dev/full").open("wb", buffering=0) as full:
            full.write(b"x")
    assert "free some space" in str(error.value)


def test_file_larger_than_allowed_leaves_no_trace(tmp_path):
    """The limit of the process replaces a full disk: the write itself fails half-way."""
    code = f"""
        import resource, signal
        from pathlib import Path
        from protogcn.files.contracts import save_text
        from protogcn.errors import ContractError
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
        try:
            save_text(Path({str(tmp_path)!r}) / "file", "x" * 5000)
        except ContractError as error:
            print(error)
    """
    answer = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=True
    )
    assert "file: could not be written (File too large)" in answer.stdout
    assert os.listdir(tmp_path) == []


def test_folder_that_cannot_be_one_is_one_sentence(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(
        ContractError, match=r"could not be written \((Not a directory|File exists)\)\.$"
    ):
        save_text(tmp_path / "file" / "table.csv", "x")


def test_temporary_files_of_dead_processes_are_swept(tmp_path):
    child = subprocess.run(
        [
            sys.executable,
            "-c",
            "import os, sys; from pathlib import Path; from protogcn.files.contracts import writing\n"
            "with writing(Path(sys.argv[1])) as file: file.write(b'x'); os._exit(9)",
            str(tmp_path / "file"),
        ],
        check=False,
    )
    assert child.returncode == 9
    assert len(os.listdir(tmp_path)) == 1
    save_text(tmp_path / "file", "whole")
    assert os.listdir(tmp_path) == ["file"]


def test_files_of_living_and_of_unseen_writers_are_not_swept(tmp_path, monkeypatch):
    mine, elsewhere = (f".file.{place}.{os.getpid()}.ab.tmp" for place in (_here(), "0" * 8))
    old, others = (f".file.{place}.999999999.ab.tmp" for place in ("old-host", _here()))
    for name in (mine, elsewhere, old, others):
        (tmp_path / name).touch()
    os.utime(tmp_path / old, (0, 0))
    os.utime(tmp_path / mine, (0, 0))
    with monkeypatch.context() as patch:
        patch.setattr(os, "geteuid", lambda: 4242)
        save_text(tmp_path / "file", "x")
    assert len(os.listdir(tmp_path)) == 5
    save_text(tmp_path / "file", "x")
    assert sorted(os.listdir(tmp_path)) == sorted(["file", mine, elsewhere])


@pytest.mark.parametrize("number", [errno.EINVAL, errno.ENOTSUP])
def test_a_file_system_that_syncs_no_folders_is_written_to(tmp_path, monkeypatch, number):
    def only_files(descriptor):
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", only_files)
    save_text(tmp_path / "file", "x")
    assert (tmp_path / "file").read_text() == "x"


def test_a_refused_rename_is_one_sentence_and_keeps_the_file(tmp_path):
    (tmp_path / "resume.pt").write_bytes(b"x")
    (tmp_path / "resume.prev.pt").mkdir()
    with pytest.raises(
        ContractError, match=r"resume\.pt: could not be renamed to resume\.prev\.pt"
    ):
        rename_file(tmp_path / "resume.pt", tmp_path / "resume.prev.pt")
    assert (tmp_path / "resume.pt").read_bytes() == b"x"


@pytest.mark.parametrize("number", [errno.EIO, errno.EMFILE, errno.ENOMEM])
def test_a_file_that_cannot_be_read_just_now_is_not_called_damaged(tmp_path, number):
    with pytest.raises(UnreadableError, match="it may be whole"), reading(tmp_path / "f", "a file"):
        raise OSError(number, os.strerror(number))


def test_missing_file_is_named(tmp_path):
    with pytest.raises(ContractError, match=r"absent: does not exist, expected a table"):
        with reading(tmp_path / "absent", "a table"):
            (tmp_path / "absent").open()


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


def test_digest_is_sha256(tmp_path):
    (tmp_path / "f").write_bytes(b"abc")
    assert digest_of(tmp_path / "f").startswith("ba7816bf8f01cfea414140de5dae2223")


@pytest.fixture
def sealed(tmp_path):
    path = tmp_path / "t.csv"
    save_table(path, pd.DataFrame({"clip": ["a", "b"], "label": [0, 1]}), sealed=True)
    return path


def test_a_sealed_table_that_was_changed_is_refused_with_what_to_do(sealed):
    text = sealed.read_text()
    for place in range(len(text)):
        damaged = bytearray(text.encode())
        damaged[place] ^= 1
        sealed.write_bytes(damaged)
        with pytest.raises(
            ContractError, match=r"t\.csv: was changed since .* remove \.t\.csv\.sha"
        ):
            load_table(sealed, {"clip": "str", "label": "int64"})
    (sealed.parent / ".t.csv.sha256").unlink()
    sealed.write_text(text.replace("b,1", "b,7"))
    assert list(load_table(sealed, {"label": "int64"})["label"]) == [0, 7]


def test_a_write_that_ends_before_the_rename_leaves_the_older_file_believed(sealed, monkeypatch):
    before = sealed.read_bytes()

    def killed(self, target):
        if target == sealed:
            raise KeyboardInterrupt
        return replace(self, target)

    replace = Path.replace
    monkeypatch.setattr(Path, "replace", killed)
    with pytest.raises(KeyboardInterrupt):
        save_text(sealed, "clip,label\nc,2\n", sealed=True)
    assert sealed.read_bytes() == before
    check_seal(sealed)


def test_what_lay_there_damaged_is_never_believed(sealed, monkeypatch):
    """Neither after a rewrite that was killed, nor after one that ended."""
    before = sealed.read_bytes()
    damaged = before.replace(b"b,1", b"b,9")
    sealed.write_bytes(damaged)
    replace = Path.replace

    def killed(self, target):
        if target == sealed:
            raise KeyboardInterrupt
        return replace(self, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", killed)
        with pytest.raises(KeyboardInterrupt):
            save_text(sealed, "clip,label\nc,2\n", sealed=True)
    with pytest.raises(ContractError, match="was changed since it was written"):
        check_seal(sealed)
    save_text(sealed, "clip,label\nc,2\n", sealed=True)
    for content in (damaged, before):  # nor is the version before the last one
        sealed.write_bytes(content)
        with pytest.raises(ContractError, match="was changed since it was written"):
            check_seal(sealed)


def test_an_emptied_seal_is_no_seal_to_go_by(sealed):
    (sealed.parent / ".t.csv.sha256").write_text("")
    with pytest.raises(ContractError, match="none in its seal"):
        check_seal(sealed)


def test_a_file_without_a_seal_is_believed(tmp_path):
    save_text(tmp_path / "t.csv", "clip\na\n")
    assert [path.name for path in tmp_path.iterdir()] == ["t.csv"]
    check_seal(tmp_path / "t.csv")


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


@pytest.mark.parametrize("kind", [ConfigError, ContractError, UnreadableError])
def test_a_sentence_that_does_not_name_the_file_gets_its_name(tmp_path, kind):
    with pytest.raises(kind) as caught, reading(tmp_path / "a.yaml", "a layout"):
        raise kind("skeletons.toy: has no joint.")
    assert str(caught.value) == f"{tmp_path / 'a.yaml'}: skeletons.toy: has no joint."
