"""What jobs ask for, and the two profiles."""

import importlib.util
import math
import re

import pytest
import yaml

from protogcn.config.resolved import MODALITIES
from protogcn.files.progress import RunProgress, save_progress
from tests.made.squeue import put_squeue
from tests.workflow.conftest import NANO, REPOSITORY

PROFILES = REPOSITORY / "workflow/profiles"
LOGS = "results/logs/train_stream/nano.xsub.protogcn"
BATCH = ("SLURM_JOB_ID", "PBS_JOBID", "LSB_JOBID", "KUBERNETES_SERVICE_HOST")


def asked_for(output):
    """Return the resources that a dry run shows: rule -> name -> value."""
    blocks = re.findall(r"^rule (\w+):\n(?:    .*\n)*?    resources: (.*)$", output, re.MULTILINE)
    return {rule: dict(re.findall(r"(\w+)=([^,]+)", text)) for rule, text in blocks}


@pytest.fixture
def ntu120(workplace):
    (workplace.folder / "data").mkdir()
    (workplace.folder / "data/ntu120_3danno.pkl").touch()
    return workplace


def dry_run(place, *arguments, configs=()):
    target = "results/ntu120_xsub_6ens.csv"
    answer = place.snakemake(target, "--dry-run", *arguments, configs=configs)
    assert answer.returncode == 0, answer.stdout
    return asked_for(answer.stdout)


def test_dry_run_shows_the_estimate_of_every_job(ntu120):
    asked = dry_run(ntu120)
    for rule in ("train_stream", "score_stream"):
        assert {"gpu": "1", "nodes": "1"}.items() <= asked[rule].items()
    for rule in ("read_joints", "compute_modalities"):
        assert "gpu" not in asked[rule]
    for rule in ("train_stream", "score_stream", "read_joints", "compute_modalities"):
        assert 10 < int(asked[rule]["runtime"]) < 24 * 60
        assert 4000 < int(asked[rule]["mem_mb"]) < 64_000
    assert int(asked["train_stream"]["runtime"]) > 5 * int(asked["score_stream"]["runtime"])


def test_shorter_training_asks_for_less(ntu120):
    more = ntu120.config("train: {epochs: 15}")
    usual, short = dry_run(ntu120), dry_run(ntu120, configs=(more,))
    minutes = [int(asked["train_stream"]["runtime"]) for asked in (usual, short)]
    assert minutes[0] > 6 * minutes[1]


def test_run_on_the_cpu_asks_for_no_gpu(ntu120):
    more = ntu120.config("engine: {device: cpu}")
    assert dry_run(ntu120, configs=(more,))["train_stream"]["gpu"] == "0"


def test_second_attempt_asks_for_more(ntu120):
    first, second = dry_run(ntu120), dry_run(ntu120, "--attempt", "2")
    for name in ("mem_mb", "runtime"):
        expected = math.ceil(1.5 * int(first["train_stream"][name]))
        assert int(second["train_stream"][name]) == expected


def test_a_training_that_goes_on_in_a_further_job_asks_for_what_it_asked_before(ntu120):
    first = dry_run(ntu120)["train_stream"]
    run = ntu120.folder / "results/runs/ntu120/xsub/protogcn"
    for stream in MODALITIES:
        (run / stream).mkdir(parents=True)
        save_progress(run / stream, RunProgress(state="out of time", epoch=70, epochs=150))
    third = dry_run(ntu120, "--attempt", "3")["train_stream"]
    assert (third["mem_mb"], third["runtime"]) == (first["mem_mb"], first["runtime"])


def test_slurm_profile_sends_gpu_rules_and_data_rules_to_their_partitions(ntu120):
    if importlib.util.find_spec("snakemake_executor_plugin_slurm") is None:
        pytest.skip("needs the executor plugin: pip install snakemake-executor-plugin-slurm")
    asked = dry_run(ntu120, "--workflow-profile", str(PROFILES / "slurm"))
    partitions = {rule: resources.get("slurm_partition") for rule, resources in asked.items()}
    assert partitions["train_stream"] == partitions["score_stream"] == "gpu"
    assert partitions["read_joints"] == partitions["compute_modalities"] == "cpu"


def test_unknown_queue_stops_snakemake_before_it_sends_a_job(ntu120, monkeypatch):
    pytest.importorskip("snakemake_executor_plugin_slurm")
    put_squeue(ntu120.folder / "bin", monkeypatch, "echo 'Socket timed out' >&2; exit 1")
    arguments = ("results/ntu120_xsub_2ens.csv", "--workflow-profile", str(PROFILES / "slurm"))
    answer = ntu120.snakemake(*arguments, configs=())
    assert answer.returncode != 0
    assert "ConfigError: squeue reported 'Socket timed out', so that jobs" in answer.stdout
    assert "Traceback" not in answer.stdout
    assert not (ntu120.folder / "results/runs").exists()


def test_profile_marks_what_a_site_fills_in():
    text = (PROFILES / "slurm/config.yaml").read_text()
    assert len(re.findall(r"slurm_partition: .*# SITE", text)) == 3
    assert re.search(r"slurm_account: .*# SITE", text)
    assert yaml.safe_load(text)["executor"] == "slurm"


@pytest.mark.long
@pytest.mark.slow
def test_workstation_trains_one_run_on_each_gpu(workplace, monkeypatch):
    """The two GPUs are names only; the networks run on the CPU."""
    for name in BATCH:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "70,71")
    more = workplace.config("train: {epochs: 20}\nengine: {device: auto}")
    target = "results/nano_xsub_2ens.csv"
    profile = ("--workflow-profile", str(PROFILES / "local"), "--resources", "gpu=2")
    answer = workplace.snakemake(target, *profile, "--cores", "2", configs=(NANO, more))
    assert answer.returncode == 0, answer.stdout
    logs = [(workplace.folder / f"{LOGS}.{stream}.log").read_text() for stream in "jb"]
    assert {re.search(r"^GPU (\d+) of 70, 71\.$", log, re.MULTILINE)[1] for log in logs} == {
        "70",
        "71",
    }
