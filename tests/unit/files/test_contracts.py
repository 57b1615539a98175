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
    reading,
    rename_file,
    save_text,
    writing,
)
from protogcn.files.csv_table import load_table, save_table


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


@pytest.mark.parametrize("kind", [ConfigError, ContractError, UnreadableError])
def test_a_sentence_that_does_not_name_the_file_gets_its_name(tmp_path, kind):
    with pytest.raises(kind) as caught, reading(tmp_path / "a.yaml", "a layout"):
        raise kind("skeletons.toy: has no joint.")
    assert str(caught.value) == f"{tmp_path / 'a.yaml'}: skeletons.toy: has no joint."
