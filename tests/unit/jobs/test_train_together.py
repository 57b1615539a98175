"""Packs of processes that are no trainings: what a pack does with theirs does not matter to it."""

import os
import signal
import subprocess
import sys
import time

import pytest

from protogcn.errors import OutOfTimeError
from protogcn.jobs.train_together import Member, Pack, report

WAIT = "import sys, time; print('waits', flush=True); time.sleep(60)"


@pytest.fixture
def member(tmp_path):
    def make(name, code):
        return Member(name, [sys.executable, "-c", code], 3, tmp_path / f"logs/{name}.log")

    return make


def test_each_has_a_log_of_its_own_and_its_threads(member):
    code = "import os, sys; print(os.environ['OMP_NUM_THREADS']); print('two', file=sys.stderr)"
    members = [member("j", code), member("b", "print('other')")]
    assert Pack(members).train() == {"j": 0, "b": 0}
    assert sorted(members[0].log.read_text().split()) == ["3", "two"]
    assert members[1].log.read_text() == "other\n"


def test_all_run_at_once(member, tmp_path):
    """Each ends only when it has seen the other."""
    code = """
import pathlib, time
mine, other = {!r}, {!r}
pathlib.Path(mine).touch()
while not pathlib.Path(other).exists():
    time.sleep(0.01)
"""
    a, b = str(tmp_path / "a"), str(tmp_path / "b")
    members = [member("j", code.format(a, b)), member("b", code.format(b, a))]
    assert Pack(members).train() == {"j": 0, "b": 0}


def test_one_that_fails_leaves_the_others_alone(member, tmp_path, capfd):
    late = f"import time, pathlib; time.sleep(1); pathlib.Path({str(tmp_path / 'done')!r}).touch()"
    fails = "import sys; sys.exit('NotFiniteError: the loss is nan')"
    killed = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
    codes = Pack([member("j", fails), member("b", late), member("k", killed)]).train()
    assert codes == {"j": 1, "b": 0, "k": 137}
    assert (tmp_path / "done").exists()
    said = capfd.readouterr().err
    assert "j: exit code 1: NotFiniteError: the loss is nan" in said
    assert "k: exit code 137: it said nothing" in said
    assert "b: finished." in said


def test_all_finished_is_no_word():
    report({"j": 0, "b": 0})


def test_report_names_those_that_are_not_finished(capsys):
    with pytest.raises(SystemExit) as end:
        report({"j": 0, "b": 6, "k": 4, "km": 137})
    assert end.value.code == 4  # what is out of time is no failure
    said = capsys.readouterr().err
    assert said.startswith("3 of 4 trainings of this job are not finished: b (exit code 6), k (")
    assert "j (" not in said


def test_pack_of_which_the_rest_is_out_of_time_is_out_of_time():
    with pytest.raises(OutOfTimeError, match=r"1 of 2 trainings .*: b \(exit code 6\); what each"):
        report({"j": 0, "b": 6})


RUN = """
import sys
from pathlib import Path
from protogcn.errors import run_stage
from protogcn.jobs.train_together import Member, Pack, report

def main():
    code, folder = sys.argv[1:]
    pack = Pack([Member(n, [sys.executable, "-c", code], 1, Path(folder, n)) for n in "jb"])
    codes = pack.train()
    pack.raise_signal()
    report(codes)

run_stage(main)
"""


@pytest.mark.parametrize(
    ("number", "code", "sentence"),
    [
        (signal.SIGTERM, 143, "Stopped by SIGTERM."),
        (signal.SIGINT, 130, "Stopped by Ctrl-C."),
    ],
)
def test_signal_ends_all_of_them(tmp_path, number, code, sentence):
    told = f"import os; print(os.getpid(), flush=True); {WAIT}"
    command = [sys.executable, "-c", RUN, told, str(tmp_path)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as pack:
        give_up = time.monotonic() + 30
        while not all(
            (tmp_path / n).exists() and "waits" in (tmp_path / n).read_text() for n in "jb"
        ):
            assert time.monotonic() < give_up
            time.sleep(0.05)
        pack.send_signal(number)
        assert pack.wait(timeout=30) == code
        assert pack.stderr.read().splitlines()[-1] == sentence
    for name in "jb":
        with pytest.raises(ProcessLookupError):
            os.kill(int((tmp_path / name).read_text().split()[0]), 0)


def test_one_that_cannot_be_started_ends_the_others(member):
    waits = member("j", WAIT)
    wrong = Member("b", ["/does/not/exist"], 1, waits.log.with_name("b.log"))
    pack = Pack([waits, wrong])
    with pytest.raises(FileNotFoundError):
        pack.train()


def test_packing_loads_no_torch():
    code = "import sys, protogcn.jobs.train_together; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
