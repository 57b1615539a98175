"""protogcn COMMAND: one door to every command, and what it does with a log."""

import importlib
import subprocess
import sys

import pytest

from protogcn.__main__ import COMMANDS


def protogcn(*arguments, cwd=None):
    return subprocess.run(
        [sys.executable, "-m", "protogcn", *map(str, arguments)],
        capture_output=True, text=True, check=False, cwd=cwd,
    )  # fmt: skip


def test_help_lists_every_command_in_one_line_each():
    lines = protogcn("--help").stdout.splitlines()
    listed = [line.split(maxsplit=1) for line in lines if line.startswith("  ")]
    assert {name: what for name, what in listed} == {
        name: what for name, (_, what) in COMMANDS.items()
    }
    assert all("->" in what for _, what in listed)


def test_help_imports_nothing_that_takes_long():
    code = (
        "import sys; sys.argv = ['protogcn', '--help']; import protogcn.__main__ as door; door.main();"
        " assert not {'torch', 'numpy', 'pandas', 'snakemake'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)


@pytest.mark.parametrize("module", [module for module, _ in COMMANDS.values()])
def test_every_command_has_a_main(module):
    assert callable(importlib.import_module(f"protogcn.{module}").main)


def test_an_unknown_command_names_the_nearest():
    answer = protogcn("trian")
    assert answer.returncode == 2
    assert answer.stderr == (
        "ConfigError: protogcn: 'trian' is not a command; did you mean 'train'? (protogcn --help"
        " lists all of them).\n"
    )


def test_a_log_has_what_the_command_prints_and_the_terminal_the_end_of_a_failure(tmp_path):
    log = tmp_path / "logs/joints.log"
    answer = protogcn(
        "joints", "--dataset", tmp_path / "none.yaml", "--preparation", "raw", "--joints", "j",
        "--clips", "c", "--dropped", "d", "--log", log,
    )  # fmt: skip
    assert answer.returncode == 3
    assert answer.stdout == ""
    assert answer.stderr == log.read_text()
    assert log.read_text().startswith("ContractError: ")


def test_the_end_of_a_log_is_the_traceback_of_a_fault_of_ours(tmp_path):
    log = tmp_path / "a.log"
    code = (
        "import sys; sys.argv = ['protogcn', 'fuse', '--log', sys.argv[1]];"
        " import protogcn.report.tables.fuse as stage, protogcn.__main__ as door\n"
        "def main():\n print('\\n'.join(map(str, range(50)))); 1 / 0\n"
        "stage.main = main; door.main()"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code, log], capture_output=True, text=True, check=False
    )
    assert answer.returncode == 1
    assert answer.stderr.endswith("ZeroDivisionError: division by zero\n")
    assert len(answer.stderr.splitlines()) == 15
    assert log.read_text().endswith(answer.stderr)


def test_warnings_in_a_log_are_shown_when_all_went_well(tmp_path):
    code = (
        "import sys; sys.argv = ['protogcn', 'fuse', '--log', sys.argv[1]];"
        " import protogcn.report.tables.fuse as stage, protogcn.__main__ as door\n"
        "stage.main = lambda: print('Reads.\\nWarning: 3 clips are empty.'); door.main()"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code, tmp_path / "a.log"], capture_output=True, text=True, check=True
    )
    assert answer.stderr == "Warning: 3 clips are empty.\n"


def test_a_log_that_cannot_be_written_is_one_sentence(tmp_path):
    answer = protogcn("fuse", "--log", tmp_path)
    assert answer.returncode == 3
    assert (
        answer.stderr
        == f"ContractError: --log {tmp_path}: could not be written (Is a directory).\n"
    )


def test_a_log_without_a_name_is_a_mistake_in_calling_that_command():
    answer = protogcn("fuse", "--log")
    assert answer.returncode == 2
    assert answer.stderr.startswith("usage: protogcn fuse ")


def test_a_command_whose_output_is_closed_writes_its_log_all_the_same(tmp_path):
    log = tmp_path / "a.log"
    command = [sys.executable, "-m", "protogcn", "joints", "--help", "--log", str(log)]
    shell = ["sh", "-c", 'exec "$@" >&-', "sh", *command]
    answer = subprocess.run(shell, capture_output=True, text=True, check=False)
    assert "Traceback" not in answer.stderr
    assert log.exists()
