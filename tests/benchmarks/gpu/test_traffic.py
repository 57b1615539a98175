"""The bytes and launches that torch's compiler would give a GPU, counted without one."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.gpu.pretended_card import why_not

ROOT = Path(__file__).parents[3]


@pytest.mark.long
@pytest.mark.skipif(why_not() is not None, reason=f"no card can be pretended: {why_not()}")
@pytest.mark.parametrize(
    ("arguments", "most_bytes", "most_launches"),
    [(["--blocks", "1"], 5.2e9, 210), (["--blocks", "1", "--kernel"], 5.0e9, 200)],
)
def test_the_compiled_step_stays_below_its_ceiling(arguments, most_bytes, most_launches):
    command = [sys.executable, "-m", "benchmarks.gpu.traffic", *arguments]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr[-2000:]
    found = re.search(r"step moves ([\d.]+) GB in ([\d,]+) launches", answer.stdout)
    moved, launches = float(found[1]) * 1e9, int(found[2].replace(",", ""))
    assert 0.5 * most_bytes < moved <= most_bytes, answer.stdout
    assert 0.5 * most_launches < launches <= most_launches, answer.stdout


def test_another_torch_is_a_reason_not_to_count(monkeypatch):
    monkeypatch.setattr("benchmarks.gpu.pretended_card.version", lambda name: "9.1.0")
    assert why_not() == "torch 9.1.0 is none of 2.11, 2.13, whose compiler this knows"


def test_a_torch_for_cuda_is_a_reason_not_to_count(monkeypatch, tmp_path):
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib/libtorch_cuda.so").touch()
    monkeypatch.setattr("benchmarks.gpu.pretended_card._torch", lambda: tmp_path)
    assert "is built for CUDA" in why_not()
