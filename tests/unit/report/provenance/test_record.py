import ast
from pathlib import Path

import pytest

from protogcn.__main__ import COMMANDS as ALL
from protogcn.report.provenance import record
from protogcn.report.provenance.record import COMMANDS

REPORT = Path(record.__file__).parents[1]
ADDED = {  # by functions that several commands share
    "add_streams": ["scores"],
    "add_members": ["scores", "learned"],
    "add_outputs": ["figures", "caption"],
    "add_manifest": [],
}


def files_of(command):
    """Return the arguments of a command that are files, as its source says."""
    path = REPORT.parent / f"{ALL[command][0].replace('.', '/')}.py"
    found = set()
    for call in ast.walk(ast.parse(path.read_text())):
        if isinstance(call, ast.Call):
            kind = next((ast.unparse(w.value) for w in call.keywords if w.arg == "type"), "")
            if ast.unparse(call.func).endswith(".add_argument") and kind == "Path":
                found.add(call.args[0].value.removeprefix("--").replace("-", "_"))
            name = ast.unparse(call.func)
            found |= {*ADDED.get(name, ())}
            if name == "add_outputs" and not call.keywords:
                found.add("table")
            if name == "add_run_files":
                found |= {"config", "values", "clips", "checkpoint"}
    return found


@pytest.mark.parametrize("command", COMMANDS)
def test_every_file_of_a_command_is_known_as_one(command):
    files = COMMANDS[command]
    assert files_of(command) == {*files.inputs, *files.outputs}


def test_every_command_that_writes_a_manifest_is_known():
    keep = {
        command
        for command, (module, _) in ALL.items()
        if "save_manifest(" in (REPORT.parent / f"{module.replace('.', '/')}.py").read_text()
    }
    draw = {command for command in ALL if command.startswith("draw_")}
    assert keep == COMMANDS.keys() >= draw
