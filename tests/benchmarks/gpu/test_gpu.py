"""The GPU benchmark's logic, on the CPU: all sections run, with the few packages it may need."""

import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import torch

from benchmarks.gpu.expected import expected_figures
from benchmarks.gpu.kernels import kind_of
from benchmarks.gpu.projection import TASKS, makespan, run_minutes
from benchmarks.gpu.report import Range, Report

ROOT = Path(__file__).parents[3]
ONLY_A_FEW_PACKAGES = '''
import re, runpy, sys
from importlib import metadata

def needed(name, known):
    if name not in known:
        known.add(name)
        for line in metadata.requires(name) or ():
            if "extra ==" not in line:
                part = re.match(r"[\\w.-]+", line).group().lower().replace("_", "-")
                try:
                    needed(part, known)
                except metadata.PackageNotFoundError:
                    pass  # for another system
    return known

allowed = set()
for name in ("torch", "numpy", "pandas", "pyyaml"):
    needed(name, allowed)

def is_allowed(owners):
    names = {owner.lower().replace("_", "-") for owner in owners}
    return names & allowed or "protogcn" in names

owners = metadata.packages_distributions()
blocked = {module for module, names in owners.items() if not is_allowed(names)}
assert {"tqdm", "jsonschema", "snakemake"} <= blocked, blocked

class Without:
    """A finder that finds no blocked module."""

    def __init__(self, finder):
        self.finder = finder

    def __getattr__(self, name):
        return getattr(self.finder, name)

    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] not in blocked:
            return self.finder.find_spec(name, path, target)

sys.meta_path[:] = [Without(finder) for finder in sys.meta_path]
sys.argv = ["benchmarks.gpu", *sys.argv[1:]]
runpy.run_module("benchmarks.gpu", run_name="__main__")
'''


@pytest.mark.slow
def test_all_sections_run_without_a_gpu_and_with_few_packages(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", ONLY_A_FEW_PACKAGES, "--device", "cpu", "--out", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert "All checks passed." in done.stdout
    assert "compiled code, graphs and the topology kernel: needs a GPU" in done.stdout

    found = json.loads((tmp_path / "gpu.json").read_text())
    assert found["failures"] == []
    lines = pd.read_csv(tmp_path / "gpu.csv").set_index("name")
    assert lines.loc["float32: gradients", "met"] == "yes"
    assert lines.loc["step, eager float32", "value"] > 0
    assert "NTU-60 X-Sub, 150 epochs and scoring, projected" in lines.index


def test_gpu_is_asked_for_where_there_is_none():
    if torch.cuda.is_available():
        pytest.skip("there is one")
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.gpu"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "torch finds no GPU" in done.stderr


def test_failing_section_is_reported_and_the_next_one_runs(tmp_path, capsys):
    report = Report(tmp_path)
    report.section("one", lambda: 1 / 0)
    report.section("two", lambda: report.add("answer", 42, "ms", at_most=50))
    assert report.failures == ["one: ZeroDivisionError: division by zero"]
    assert json.loads((tmp_path / "gpu.json").read_text())["lines"][0]["met"] == "yes"
    report.print_table()
    assert "1 failed." in capsys.readouterr().out


@pytest.mark.parametrize(("error", "failures"), [(0.5, 0), (2.0, 1), (float("nan"), 1)])
def test_check_fails_above_its_limit_and_for_nan(error, failures):
    report = Report()
    report.check("error", error, 1.0)
    assert len(report.failures) == failures


def test_missed_target_is_no_failure():
    report = Report()
    report.add("step", 13, "ms", at_most=12)
    report.add("input", 30_000, "clips/s", at_least=20_000)
    assert [line.met for line in report.lines] == ["no", "yes"]
    assert report.failures == []


@pytest.mark.parametrize(
    ("value", "found"), [(19, "less"), (20, "as expected"), (36, "as expected"), (37, "more")]
)
def test_a_figure_stands_beside_the_expected_range_and_never_fails(capsys, value, found):
    report = Report(expected={"step": Range(20, 36)})
    report.add("step", value, "ms")
    report.add("other", value, "ms")
    assert [(line.expected, line.found) for line in report.lines] == [("20 to 36", found), ("", "")]
    assert report.failures == []
    assert f"expected 20 to 36: {found}" in capsys.readouterr().out


def test_a_card_that_copies_half_as_fast_is_expected_to_take_longer():
    fast, slow = expected_figures(4.3e12), expected_figures(2.15e12)
    for name in ("step, eager bf16", "step, compiled bf16, graphs"):
        assert 1.5 < slow[name].low / fast[name].low <= 2
    assert fast["step, compiled bf16, graphs, kernel"] < fast["step, compiled bf16, graphs"]
    assert slow["scoring, compiled bf16"].high == fast["scoring, compiled bf16"].high / 2
    low, high = fast["step, compiled bf16, graphs"]
    assert 19 < low < 26 < high < 37


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("triton_red_fused_add_mul_sum_12", "reduction"),
        ("triton_poi_fused_relu_3", "pointwise"),
        ("nvjet_hsh_128x192_64x4_1x2_h_bz_coopA_TNT", "matrix product"),
        ("sm90_xmma_fprop_implicit_gemm_bf16bf16", "convolution"),
        ("Memcpy DtoD (Device -> Device)", "copy"),
        ("mix_backward", "topology kernel"),
        ("void at::native::(anonymous namespace)::multi_tensor_apply_kernel<Sgd>", "optimizer"),
        ("philox", "other"),
    ],
)
def test_kernels_are_sorted_by_their_names(name, kind):
    assert kind_of(name) == kind


def test_minutes_of_a_run():
    """627 steps x 150 epochs x 12 ms are 1128.6 s; 16,487 clips of 2 ms are 33 s."""
    minutes = run_minutes(TASKS[0], step=0.012, scored=0.002, batch=64)
    assert minutes == pytest.approx((1128.6 + 32.974) / 60)


def test_longest_runs_start_first():
    assert makespan([1.0, 3.0, 2.0], 1) == 6.0
    assert makespan([1.0, 3.0, 2.0], 2) == 3.0
    assert makespan([1.0, 3.0, 2.0], 64) == 3.0
