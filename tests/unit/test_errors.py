"""How a stage ends whose output nobody reads any more, or that lacks memory."""

import errno
import os
import subprocess
import sys
import textwrap

import pytest
import torch

from protogcn.errors import (
    TooLittleMemoryError,
    UnreadableError,
    enough_memory,
    places_in_reach,
    run_stage,
)


def start(code):
    """Start ``main`` as a stage in a process of its own."""
    script = f"import sys\n{textwrap.dedent(code)}\nfrom protogcn.errors import run_stage"
    return subprocess.Popen(
        [sys.executable, "-c", f"{script}\nrun_stage(main)"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("is_flushed", [True, False])
def test_a_stage_ends_quietly_when_nobody_reads_any_more(is_flushed):
    code = f"""
        def main():
            print("first", flush=True)
            sys.stdin.read()
            print("the rest", flush={is_flushed})
    """
    with start(code) as process:
        assert process.stdout.readline() == "first\n"
        process.stdout.close()
        process.stdin.close()
        assert (process.stderr.read(), process.wait()) == ("", 141)


def test_another_broken_pipe_keeps_its_traceback():
    code = """
        def main():
            raise BrokenPipeError("of a process of ours")
    """
    with start(code) as process:
        _, told = process.communicate()
    assert process.returncode == 1
    assert "BrokenPipeError: of a process of ours" in told


def test_a_message_moves_no_cursor_and_turns_no_line():
    code = """
        from protogcn.errors import ContractError
        def main():
            raise ContractError("a\\x1b[2Jb\\u202ec\\x9bd:\\nnext é")
    """
    with start(code) as process:
        _, told = process.communicate()
    assert told == "ContractError: a\\x1b[2Jb\\u202ec\\x9bd:\nnext é\n"


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (MemoryError("Unable to allocate 1.2 GiB for an array"), "1.2 GiB more were asked for"),
        (
            RuntimeError(
                "DefaultCPUAllocator: can't allocate memory: you tried to allocate 64 bytes"
            ),
            "64 bytes more were asked for",
        ),
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."), "2.00 GiB"),
        (ImportError("libtorch.so: failed to map segment from shared object"), "ImportError"),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), "OSError"),
        (RuntimeError("can't start new thread"), "RuntimeError"),
    ],
)
def test_whoever_lacks_memory_says_so_in_one_sentence(capsys, error, told):
    def main():
        raise error

    with pytest.raises(SystemExit) as end:
        run_stage(main)
    assert end.value.code == 8
    said = capsys.readouterr().err
    assert said.startswith("TooLittleMemoryError: there is too little memory (")
    assert told in said
    assert said.count("\n") == 1


def test_what_needs_the_memory_and_what_to_lower_is_said_once():
    with pytest.raises(TooLittleMemoryError) as error:
        with enough_memory(), enough_memory("run a", "lower batch"):
            raise MemoryError
    assert str(error.value) == "run a: there is too little memory (MemoryError); lower batch."


def test_other_errors_of_torch_keep_their_traceback():
    with pytest.raises(RuntimeError, match="shapes"), enough_memory():
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")


@pytest.mark.parametrize("number", [errno.EACCES, errno.ENAMETOOLONG, errno.ELOOP])
def test_a_place_out_of_reach_is_one_sentence_whoever_asked(number):
    with pytest.raises(UnreadableError, match=r"raw/x: cannot be reached \(.*another place"):
        with places_in_reach():
            raise OSError(number, os.strerror(number), "raw/x")


def test_other_errors_of_files_stay_as_they_are():
    with pytest.raises(IsADirectoryError), places_in_reach():
        raise IsADirectoryError(errno.EISDIR, "is a folder", "x")
