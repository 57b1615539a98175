import errno
import os

import pytest

from protogcn.errors import ContractError
from protogcn.files.temporary import temporary_folder


def test_the_folder_is_gone_at_the_end(tmp_path):
    with temporary_folder(tmp_path / "not there yet") as folder:
        (folder / "file").touch()
        assert folder.parent == tmp_path / "not there yet"
    assert list(folder.parent.iterdir()) == []


def test_folders_of_dead_processes_are_removed_by_the_next(tmp_path):
    with temporary_folder(tmp_path) as folder:
        dead = tmp_path / folder.name.replace(f".{os.getpid()}.", ".999999999.")
        (dead / "runs").mkdir(parents=True)
        with temporary_folder(tmp_path) as second:
            assert sorted(tmp_path.iterdir()) == sorted([folder, second])


def test_a_full_disk_in_it_is_one_sentence(tmp_path):
    with (
        pytest.raises(ContractError, match="free some space"),
        temporary_folder(tmp_path) as folder,
    ):
        raise OSError(errno.ENOSPC, "No space left on device", str(folder / "a/file"))


def test_no_place_for_temporary_files_is_one_sentence(monkeypatch):
    def none():
        raise FileNotFoundError(errno.ENOENT, "No usable temporary directory found in ['/tmp']")

    monkeypatch.setattr("protogcn.files.temporary.gettempdir", none)
    with pytest.raises(ContractError, match=r"No usable .* name another folder in TMPDIR"):
        with temporary_folder():
            pass


def test_a_place_that_is_no_folder_is_one_sentence(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(ContractError, match="file: could not hold a temporary folder"):
        with temporary_folder(tmp_path / "file"):
            pass
