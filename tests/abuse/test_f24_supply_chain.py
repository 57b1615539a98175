"""What is installed and what the code may call."""

import ast
import re
import subprocess
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).parents[2]
FORBIDDEN = {
    "eval", "exec", "pickle.load", "pickle.loads", "yaml.load_all", "os.system",
    "os.popen", "marshal.loads", "shelve.open", "torch.hub.load", "urllib.request.urlopen",
}  # fmt: skip


def pins() -> dict[str, str]:
    lines = (ROOT / "requirements.lock").read_text().splitlines()
    return dict(line.split("==") for line in lines if line and not line.startswith("#"))


def test_what_is_installed_is_what_the_lock_says(campaign):
    for name, pinned in pins().items():
        assert version(name).split("+")[0] == pinned, name
        campaign.count("as pinned")


def test_no_program_of_ours_unpickles_evaluates_or_fetches(campaign):
    """The package, the benchmarks and what the rules and the docs run, not only the package."""
    for folder in ("protogcn", "benchmarks", "docs", "workflow"):
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Call):
                    assert ast.unparse(node.func) not in FORBIDDEN, f"{path}:{node.lineno}"
                    if ast.unparse(node.func) == "yaml.load":  # ours are kinds of the safe one
                        assert not re.search(
                            "yaml|Unsafe|Full", ast.unparse(node.keywords[0].value)
                        )
                    words = {word.arg: ast.unparse(word.value) for word in node.keywords}
                    assert words.get("shell", "False") == "False", f"{path}:{node.lineno}"
                    assert words.get("allow_pickle", "False") == "False", f"{path}:{node.lineno}"
            campaign.count("sound file")


def test_rules_run_no_code_of_their_own_and_fetch_nothing(campaign):
    for path in (ROOT / "workflow").rglob("*.smk"):
        found = re.findall(
            r"\b(?:eval|exec|pickle|os\.system|curl|wget)\b|https?://", path.read_text()
        )
        assert not found, path
        campaign.count("sound file")


def test_no_key_is_in_the_repository(campaign):
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True)
    key = re.compile(rb"-----BEGIN [A-Z ]*PRIVATE KEY|\bgh[pousr]_\w{36}|\bAKIA[0-9A-Z]{16}\b")
    for name in tracked.stdout.decode().split("\0"):
        if name and (ROOT / name).is_file():
            assert not key.search((ROOT / name).read_bytes()), name
            campaign.count("sound file")
