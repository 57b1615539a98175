"""What no file of the package does, whatever it is for."""

import ast
import subprocess
import sys
from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "protogcn"


def test_planning_the_jobs_imports_neither_torch_nor_matplotlib():
    code = (
        "import sys, protogcn.config.plan, protogcn.config.tables, protogcn.report.tables.fuse, protogcn.__main__;"
        " assert not {'torch', 'matplotlib'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_only_the_files_that_load_files_catch_everything():
    for path in PACKAGE.rglob("*.py"):
        if path.name != "contracts.py":
            handlers = [
                n for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.ExceptHandler)
            ]
            names = {ast.unparse(handler.type) if handler.type else "" for handler in handlers}
            assert not names & {"", "Exception", "BaseException"}, path


def test_nothing_is_unpickled_or_evaluated_freely():
    forbidden = {"eval", "exec", "pickle.load", "pickle.loads", "yaml.load_all", "os.system"}
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                assert ast.unparse(node.func) not in forbidden, f"{path}:{node.lineno}"
                loads_freely = any(
                    word.arg in ("allow_pickle", "shell") and ast.unparse(word.value) != "False"
                    for word in node.keywords
                )
                assert not loads_freely, f"{path}:{node.lineno}"
