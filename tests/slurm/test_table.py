"""A table made by jobs of Slurm, and what each of them asked for."""

import pandas as pd
import pytest

from tests.slurm.conftest import RUNS, TABLE


@pytest.fixture(scope="module")
def jobs(finished):
    """Each job by its comment, as ``scontrol show job`` tells it."""
    return {job["Comment"]: job for job in finished.done if "Comment" in job}


def test_table_is_there_and_nothing_is_left_to_do(finished):
    table = pd.read_csv(finished.folder / TABLE)
    assert table["stream"].tolist() == ["j", "b", "fused"]
    assert finished.planned(TABLE) == {}


@pytest.mark.parametrize("rule", ["train_stream", "score_stream"])
@pytest.mark.parametrize("stream", ["j", "b"])
def test_gpu_job_asks_for_one_gpu_of_one_node_for_minutes(finished, jobs, rule, stream):
    job = jobs[f"rule_{rule}_wildcards_nano_xsub_protogcn_{stream}"]
    assert job["JobState"] == "COMPLETED"
    assert job["Partition"] == "gpu"
    assert job["TresPerJob"] == "gres:gpu:1"
    assert job["NumNodes"] == "1"
    assert job["NumCPUs"] == "1"
    assert job["TimeLimit"] == "00:16:00"
    assert job["MinMemoryNode"] == "10000M"
    assert job["Requeue"] == "1"


@pytest.mark.parametrize(
    ("rule", "wildcards", "cpus"),
    [
        ("write_demo", "nano", "2"),
        ("read_joints", "nano_centred", "16"),
        ("compute_modalities", "nano_centred", "6"),
    ],
)
def test_data_job_goes_to_a_cpu_partition(finished, jobs, rule, wildcards, cpus):
    job = jobs[f"rule_{rule}_wildcards_{wildcards}"]
    assert job["Partition"] == "cpu"
    assert "TresPerJob" not in job
    assert job["NumCPUs"] == cpus


def test_rules_of_seconds_stay_on_the_login_node(finished, jobs):
    rules = {comment.split("_wildcards_")[0] for comment in jobs}
    assert not rules & {"rule_resolve_run", "rule_resolve_dataset", "rule_fuse_ensemble"}


def test_every_job_of_slurm_has_its_log(finished):
    logs = list((finished.folder / "results/logs/slurm").rglob("*.log"))
    assert len(logs) == 3 + 2 * 2
    assert (finished.folder / RUNS / "b/scores.npz").exists()
