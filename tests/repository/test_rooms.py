"""Who may import whom (docs/development.md): rooms in their order, no command, few libraries."""

import ast
from pathlib import Path

import pytest

import protogcn.__main__

PACKAGE = Path(protogcn.__file__).parent
ROOMS = "errors files config jobs data batches models scores training report predict".split()
COMMANDS = {f"protogcn.{module}" for module, _ in protogcn.__main__.COMMANDS.values()}


def imports():
    """Yield the path of each file below its package, and each module or name that it imports."""
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom):
                yield from ((path.relative_to(PACKAGE), f"{node.module}.{alias.name}") for alias in node.names)  # fmt: skip
            elif isinstance(node, ast.Import):
                yield from ((path.relative_to(PACKAGE), alias.name) for alias in node.names)


IMPORTS = [(path.as_posix(), path.parts[0].removesuffix(".py"), name) for path, name in imports()]


def test_the_top_has_the_front_door_the_errors_and_ten_rooms():
    names = {path.stem for path in PACKAGE.iterdir()} - {"__init__", "__pycache__"}
    assert names == {*ROOMS, "__main__"}


def test_a_room_knows_itself_and_the_rooms_before_it():
    for path, room, name in IMPORTS:
        if room in ROOMS and name.split(".")[0] == "protogcn" and name != "protogcn.__version__":
            assert ROOMS.index(name.split(".")[1]) <= ROOMS.index(room), f"{path} imports {name}"


def test_nothing_imports_a_command():
    named = {name.rpartition(".")[0] for _, _, name in IMPORTS} | {name for *_, name in IMPORTS}
    assert named & COMMANDS == set()


@pytest.mark.parametrize(("library", "rooms"), [("torch", ROOMS[5:]), ("matplotlib", ["report"]), ("snakemake", ["config"]), ("jinja2", ["report"]), ("scipy", ["scores", "report", "predict"])])  # fmt: skip
def test_a_library_stays_in_its_rooms(library, rooms):
    assert {room for _, room, name in IMPORTS if name.split(".")[0] == library} <= set(rooms)


def test_no_two_public_classes_or_functions_share_a_name():
    names = [(node.name, path.name) for path in PACKAGE.rglob("*.py") for node in ast.parse(path.read_text()).body
             if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name[0] != "_" and node.name != "main"]  # fmt: skip
    assert [name for name in names if [n for n, _ in names].count(name[0]) > 1] == []
