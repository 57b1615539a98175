"""Full disks, no inode left, no file to open: of what each stage needs, some."""

import errno
import os
import subprocess
import sys
from contextlib import contextmanager

import pytest

from tests.abuse.line import leftovers

SIZE = 64 << 20
PAGE = 4096
NO_SPACE = "No space left on device"


@contextmanager
def disk(folder):
    """Mount a disk of its own, in memory; skip where that is not allowed."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={SIZE},nr_inodes=20000", "none", str(folder)]
    mounted = sys.platform.startswith("linux") and os.geteuid() == 0
    if not mounted or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("needs Linux, and the right to mount a disk")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def leave_free(root, num_bytes):
    """Fill a disk but for some bytes, whole pages."""
    room = os.statvfs(root)
    ballast = max(0, room.f_bavail * room.f_frsize - num_bytes // PAGE * PAGE)
    with (root / "ballast").open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, ballast)


def use_inodes(root, left):
    """Make files until so many more can be made."""
    (root / "inodes").mkdir()
    for number in range(os.statvfs(root).f_favail - left):
        (root / f"inodes/{number}").touch()


def try_stage(line, stage, folder, free, **how):
    """Run a stage on a disk that is full, then on one that is not; return what happened."""
    code = line.run(stage, folder, **how).wait()
    told = line.log(stage, folder)
    where = (stage.name, how, code, told)
    assert code in (0, 3), where
    assert "Traceback" not in told.partition("Exception ignored in atexit")[0], where
    assert not line.half_made(stage, folder), where
    assert not [path for path in leftovers(folder) if path.is_file()], where
    free()
    assert line.run(stage, folder).wait() == 0, (where, line.log(stage, folder))
    assert not line.difference(stage, folder), where
    return told if code else None


def test_a_full_disk_is_named_with_what_is_needed_and_free(campaign, line, tmp_path):
    shares = (0.05, 0.25, 0.5, 0.75, 0.95)
    for number in range(campaign.tries(push=3, nightly=5 * len(line.stages), release=5 * 40)):
        stage = line.stages[number % len(line.stages)]
        share = shares[number // len(line.stages) % len(shares)]
        with disk(tmp_path / f"{number}") as root:
            line.before(stage, root / "work")
            leave_free(root, int(share * stage.num_bytes))
            told = try_stage(line, stage, root / "work", (root / "ballast").unlink)
        if told is not None:
            assert NO_SPACE in told, (number, stage.name, told)
            assert "bytes are free there: free some space and start again." in told, told
        campaign.count("refused" if told else "it was enough")


def test_no_inode_left_is_not_blamed_on_bytes(campaign, line, tmp_path):
    for number in range(campaign.tries(push=2, nightly=2 * len(line.stages), release=100)):
        stage = line.stages[number % len(line.stages)]
        with disk(tmp_path / f"{number}") as root:
            folder = line.before(stage, root / "work")
            use_inodes(root, left=2 * (number // len(line.stages)))
            told = try_stage(line, stage, folder, lambda: empty(root / "inodes"))
        if told is not None:
            assert "no inode is left there" in told, (number, stage.name, told)
            assert "bytes are free" not in told, (number, stage.name, told)
        campaign.count("refused" if told else "it was enough")


def empty(folder):
    for path in folder.iterdir():
        path.unlink()


def test_too_few_open_files_are_one_sentence(campaign, line, in_memory):
    words = os.strerror(errno.EMFILE)
    for number in range(campaign.tries(push=2, nightly=3 * len(line.stages), release=100)):
        stage = line.stages[number % len(line.stages)]
        folder = line.before(stage, in_memory / "work")
        most = 6 + number // len(line.stages)
        told = try_stage(line, stage, folder, lambda: None, limits={"RLIMIT_NOFILE": most})
        assert told is None or words in told, (number, stage.name, told)
        campaign.count("refused" if told else "it was enough")
