"""The whole pipeline on the smallest data: raw files in, tables out."""

import json
import os
import shutil
import subprocess
import sys

import pandas as pd
import pytest

from protogcn.files.scores import Scores
from tests.workflow.conftest import NANO, REPOSITORY, Workplace

TABLE = "results/nano_xsub_6ens.csv"
RUNS = "results/runs/nano/xsub/protogcn"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A folder in which the six-stream table has been made."""
    place = Workplace(tmp_path_factory.mktemp("pipe") / "work plätze & (x)")
    place.folder.mkdir()
    answer = place.snakemake("--cores", "2", TABLE, timeout=480)
    assert answer.returncode == 0, answer.stdout
    return place


@pytest.fixture
def copy(finished, tmp_path):
    """The same folder to change, with the dates of its files."""
    shutil.copytree(finished.folder, tmp_path / "copy", copy_function=shutil.copy2)
    return Workplace(tmp_path / "copy")


def test_table_has_a_row_for_each_stream_and_one_for_the_fusion(finished):
    table = pd.read_csv(finished.folder / TABLE, dtype=str, keep_default_na=False)
    columns = [
        "stream", "weight", "clips", "top1", "top5", "mean_class", "select", "chosen_on",
    ]  # fmt: skip
    assert table.columns.tolist()[: len(columns)] == columns
    assert table["stream"].tolist() == ["j", "b", "k", "jm", "bm", "km", "fused"]
    assert table["weight"].tolist() == ["2", "2", "2", "1", "1", "1", ""]
    assert set(table["clips"]) == {"16"}
    assert set(table["top5"]) == {""}
    assert set(table["select"]) == {"last"}


def test_scores_tell_where_they_come_from(finished):
    scores = Scores.load(finished.folder / RUNS / "b/scores.npz")
    assert scores.provenance["run"]["network"]["prototypes"] == 5
    assert scores.provenance["run"]["settings"]["epochs"] == 2
    assert {"trained by", "scored by", "data digest"} <= scores.provenance.keys()


def test_the_ensemble_recognises_a_raw_file_as_the_pipeline_scored_its_clip(finished):
    streams = {"j": 2, "b": 2, "k": 2, "jm": 1, "bm": 1, "km": 1}
    scores = {name: Scores.load(finished.folder / RUNS / name / "scores.npz") for name in streams}
    expected = sum(streams[name] * scores[name].probabilities[0] for name in streams) / 9
    raw = finished.folder / f"results/data/nano/raw/{scores['j'].clips[0]}.skeleton"
    answer = subprocess.run(
        [sys.executable, "-m", "protogcn", "predict", raw, "--ensemble", TABLE, "--json"],
        cwd=finished.folder,
        env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        check=True,
    )
    found = {entry["label"]: entry["probability"] for entry in json.loads(answer.stdout)["classes"]}
    assert [found[label] for label in range(4)] == pytest.approx(expected.tolist(), abs=1e-6)


def test_the_data_report_is_made_on_demand(copy):
    picture = "results/data/nano/centred/report.png"
    answer = copy.snakemake("--cores", "1", picture)
    assert answer.returncode == 0, answer.stdout
    assert (copy.folder / picture).read_bytes().startswith(b"\x89PNG")
    table = pd.read_csv(copy.folder / "results/data/nano/centred/report.csv")
    assert table.loc[table["group"] == "subject", "name"].tolist() == ["1", "2", "3"]


def test_page_and_snakemakes_own_report_have_the_tables(copy):
    assert copy.snakemake("--cores", "1", "results/report.html").returncode == 0
    page = (copy.folder / "results/report.html").read_text()
    for part in ("table-nano_xsub_2ens", "nano_xsub/protogcn/km", "data:image/svg+xml"):
        assert part in page
    answer = copy.snakemake("--report", "report.html", "results/report.html")
    assert answer.returncode == 0, answer.stdout
    report = (copy.folder / "report.html").read_text()
    for part in ("nano_xsub_6ens.csv", "results/report.html", "joints, bones, two-step bones"):
        assert part in report
    verified = subprocess.run(
        [sys.executable, "-m", "protogcn", "verify", "results/report.html"],
        cwd=copy.folder,
        env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (verified.returncode, "difference" in verified.stdout) == (0, False), verified.stdout
    assert "results/nano_xsub_6ens.csv: " in verified.stdout


def test_finished_table_is_not_made_again(finished):
    assert finished.planned(TABLE) == {}


def test_changed_run_is_the_only_one_that_trains_again(copy):
    more = copy.config("overrides: {more: {where: {dataset: nano, stream: km}, set: {epochs: 3}}}")
    planned = copy.planned(TABLE, configs=(NANO, more))
    assert planned == {"resolve_run": 1, "train_stream": 1, "score_stream": 1, "fuse_ensemble": 1}


def test_comparison_table_has_the_numbers_of_the_ensembles_table(copy):
    more = copy.config(
        "tables: {mine: {rows: streams, methods: {P: protogcn}, tasks: [nano_xsub],"
        " streams: {j: j, km: km, fused: 6ens}, metrics: {nano_xsub: [top1, mean_class]}}}"
    )
    answer = copy.snakemake("--cores", "1", "results/mine.csv", configs=(NANO, more))
    assert answer.returncode == 0, answer.stdout
    assert "train_stream" not in answer.stdout
    cells = pd.read_csv(copy.folder / "results/mine.csv", dtype=str, keep_default_na=False)
    table = pd.read_csv(copy.folder / TABLE, dtype=str).set_index("stream")
    for cell in cells.to_dict("records"):
        assert cell["ours"] == table[cell["metric"]][cell["stream"]], cell
        assert cell["clips"] == "16"
        assert cell["notes"] in ("", "within_clips")  # sixteen clips tell little


def test_further_ensemble_trains_nothing_it_has(copy):
    more = copy.config(
        "ensembles: {mine: {streams: {j: 1.5, km: 1}, space: logit, tasks: [nano_xsub]}}"
    )
    answer = copy.snakemake("--cores", "1", "results/nano_xsub_mine.csv", configs=(NANO, more))
    assert answer.returncode == 0, answer.stdout
    assert "rule train_stream" not in answer.stdout
    table = pd.read_csv(copy.folder / "results/nano_xsub_mine.csv")
    assert table["stream"].tolist() == ["j", "km", "fused"]


def test_lost_outputs_come_back_without_training(copy):
    """A failed Snakemake job loses its outputs; resume.pt is none of them."""
    before = (copy.folder / RUNS / "j/scores.npz").read_bytes()
    for name in ("checkpoint.pt", "history.csv", "scores.npz"):
        (copy.folder / RUNS / "j" / name).unlink()
    (copy.folder / TABLE).unlink()
    answer = copy.snakemake("--cores", "1", TABLE)
    assert answer.returncode == 0, answer.stdout
    assert (
        "resumes from epoch 2"
        in (copy.folder / "results/logs/train_stream/nano.xsub.protogcn.j.log").read_text()
    )
    assert (copy.folder / RUNS / "j/scores.npz").read_bytes() == before


@pytest.mark.parametrize(
    ("name", "rule", "target"),
    [
        ("results/data/nano/centred/b.npy", "train_stream", f"{RUNS}/b/checkpoint.pt"),
        (f"{RUNS}/b/checkpoint.pt", "score_stream", f"{RUNS}/b/scores.npz"),
        (f"{RUNS}/b/scores.npz", "fuse_ensemble", TABLE),
    ],
)
def test_damaged_file_stops_the_next_stage_in_one_sentence(copy, name, rule, target):
    path = copy.folder / name
    damaged = bytearray(path.read_bytes())
    damaged[len(damaged) // 2] ^= 16
    path.write_bytes(damaged)
    (copy.folder / target).unlink()
    answer = copy.snakemake("--cores", "1", target, "--rerun-triggers", "input")
    assert answer.returncode != 0
    assert f"Error in rule {rule}" in answer.stdout
    assert f"ContractError: {name}" in answer.stdout
    assert "Traceback" not in answer.stdout
    assert not (copy.folder / target).exists()


def test_any_command_can_be_pasted_into_a_shell(finished, tmp_path):
    data, run = finished.folder / "results/data/nano/centred", finished.folder / RUNS / "j"
    subprocess.run(
        [
            sys.executable, "-m", "protogcn", "score", "--config", run / "config.yaml",
            "--values", data / "j.npy", "--clips", data / "clips.csv",
            "--checkpoint", run / "checkpoint.pt", "--scores", tmp_path / "scores.npz",
        ],
        check=True,
        capture_output=True,
    )  # fmt: skip
    assert (tmp_path / "scores.npz").read_bytes() == (run / "scores.npz").read_bytes()
