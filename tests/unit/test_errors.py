"""How a stage ends whose output nobody reads any more."""

import subprocess
import sys
import textwrap

import pytest


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
