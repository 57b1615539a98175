import re
from pathlib import Path

import yaml

from protogcn import __version__

ROOT = Path(__file__).parents[2]


def pins():
    lines = (ROOT / "requirements.lock").read_text().splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def test_conda_environment_has_the_pins_of_the_lock():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    assert environment["dependencies"][-1]["pip"] == pins()


def test_every_pin_is_exact_and_torch_is_the_one_pip_finds_a_cpu_build_of():
    assert all(re.fullmatch(r"[A-Za-z0-9_.-]+==[\w.]+", pin) for pin in pins())
    assert "torch==2.13.0" in pins()


def test_every_dependency_of_the_package_is_pinned():
    text = (ROOT / "pyproject.toml").read_text()
    needed = set(
        re.findall(r'"([a-z0-9-]+)[>"]', text[text.index("dependencies") : text.index("[tool")])
    ) - {"tensorboard"}  # nothing of ours imports it: who has it gets files for it
    pinned = {pin.split("==")[0].lower().replace("_", "-") for pin in pins()}
    assert needed >= {"torch", "numpy", "pytest"}
    assert needed <= pinned


def test_the_citation_has_the_version_of_the_package():
    assert yaml.safe_load((ROOT / "CITATION.cff").read_text())["version"] == __version__
