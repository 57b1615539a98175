"""The layers of the package: who may import whom (design: stages meet on disk)."""

import ast
import subprocess
import sys
from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "protogcn"
STAGES = {
    "demo", "decompress", "joints", "modality", "train", "score", "fuse", "tabulate", "typeset", "report",
}  # fmt: skip
COMMANDS = {"check_dataset", "report_data", "predict", "export"}


def imports_of(path):
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def test_no_stage_is_imported_by_another_module():
    for path in PACKAGE.rglob("*.py"):
        for module in imports_of(path):
            parts = module.split(".")
            assert not (parts[0] == "protogcn" and parts[1:2] and parts[1] in STAGES | COMMANDS), (
                path
            )


def test_planning_the_jobs_imports_neither_torch_nor_matplotlib():
    code = (
        "import sys, protogcn.config.plan, protogcn.config.tables, protogcn.scores.fuse, protogcn.config.figure_names;"
        " assert not {'torch', 'matplotlib'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_readers_know_nothing_of_torch_and_only_that_of_csv_files_knows_pandas():
    for path in (PACKAGE / "readers").glob("*.py"):
        strange = {"torch"} if path.name == "released_scores.py" else {"torch", "pandas"}
        assert not strange & {name.split(".")[0] for name in imports_of(path)}, path


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


def test_only_the_figures_and_their_style_know_matplotlib_and_nothing_imports_a_figure():
    for path in PACKAGE.rglob("*.py"):
        modules = list(imports_of(path))
        is_figure = path.parent.name == "figures" or path.name == "data_picture.py"
        if not is_figure and path.name != "style.py":
            assert "matplotlib" not in {name.split(".")[0] for name in modules}, path
        assert not any(name.startswith("protogcn.report.figures") for name in modules), path
