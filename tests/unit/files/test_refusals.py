import errno
import os

import pytest

from protogcn.errors import ContractError
from protogcn.files.refusals import refusals, refusals_anywhere


def refused(number, path, *others, **how):
    with pytest.raises(ContractError) as error, refusals(path, *others, **how):
        raise OSError(number, os.strerror(number), str(path))
    return str(error.value)


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (errno.EDQUOT, "(Disk quota exceeded); your quota is used up"),
        (errno.EFBIG, "(File too large); the file system or a limit (ulimit -f) allows no file"),
        (errno.EROFS, "(Read-only file system); write elsewhere"),
        (errno.EIO, "(Input/output error); the disk or the way to it fails"),
        (errno.EMFILE, "(Too many open files); this process may open"),
        (errno.EACCES, f"(Permission denied); user {os.geteuid()} may not do that in"),
    ],
)
def test_each_reason_has_its_remedy_and_none_blames_a_full_disk(tmp_path, number, expected):
    told = refused(number, tmp_path / "file")
    assert told.startswith(f"{tmp_path / 'file'}: could not be written {expected}")
    assert "free some space" not in told


def test_a_full_disk_says_what_is_needed_and_free(tmp_path):
    told = refused(errno.ENOSPC, tmp_path / "no folder yet/file", needed=1234)
    assert "1,234 bytes are needed, " in told
    assert "bytes are free there: free some space" in told


def test_where_no_inode_is_left_bytes_are_not_blamed(tmp_path, monkeypatch):
    room = os.statvfs(tmp_path)
    fields = [*room][:10]
    fields[5], fields[6], fields[7] = 1000, 0, 0  # f_files, f_ffree, f_favail
    monkeypatch.setattr(os, "statvfs", lambda path: os.statvfs_result(fields))
    told = refused(errno.ENOSPC, tmp_path / "file", needed=1234)
    assert told.endswith(
        "(No space left on device); no inode is left there: remove some files, their bytes do not"
        " matter."
    )


def test_a_folder_that_cannot_be_made_far_above_is_one_sentence_too(tmp_path):
    path = tmp_path / "a/b/c/file"
    with pytest.raises(ContractError, match=r"a/b/c/file: could not be written \(Permission"):
        with refusals(path):
            raise PermissionError(errno.EACCES, "Permission denied", str(tmp_path / "a"))


def test_errors_at_other_files_and_closed_pipes_are_left_alone(tmp_path):
    for error in (FileNotFoundError(2, "none", "elsewhere"), BrokenPipeError(32, "closed")):
        with pytest.raises(type(error)), refusals(tmp_path / "file"):
            raise error


def test_what_lies_in_a_named_folder_counts_as_well(tmp_path):
    assert "folder: could not be written" in refused(5, tmp_path / "folder", tmp_path / "folder")
    with pytest.raises(ContractError), refusals(tmp_path, tmp_path):
        raise OSError(errno.EIO, "bad", str(tmp_path / "below/it"))


def test_what_the_machine_lacks_is_one_sentence_wherever_it_shows():
    for error, told in (
        (
            OSError(errno.EMFILE, "Too many open files", "/proc/x"),
            r"^/proc/x: could not go on \(Too",
        ),
        (OSError(errno.ENOSPC, "No space left on device"), r"^score: could not go on \(No space"),
    ):
        with pytest.raises(ContractError, match=told), refusals_anywhere("score"):
            raise error
    with pytest.raises(FileNotFoundError), refusals_anywhere("score"):
        raise FileNotFoundError(errno.ENOENT, "none")
