"""Several trainings in one job of Slurm."""

import pytest

from protogcn.files.progress import load_progress
from protogcn.jobs.shared_jobs import trains
from tests.made.nano import nano_run
from tests.slurm.conftest import RUNS

PACK = "rule_train_pack_nano_xsub_protogcn_j_b"
CHECKPOINTS = [RUNS / stream / "checkpoint.pt" for stream in "jb"]
TWO = ("--config", "pack=2")


def jobs_of(laboratory, number):
    told = [load_progress(laboratory.folder / RUNS / stream) for stream in "jb"]
    return [(run.job, run.state) for run in told] == [(number, "finished")] * 2


@pytest.mark.minutes
def test_pack_is_one_job_on_one_gpu_and_each_run_knows_it(laboratory):
    code, output = laboratory.snakemake(*CHECKPOINTS, *TWO)
    assert code == 0, output
    job = [job for job in laboratory.cluster.seen() if job.get("Comment") == PACK][-1]
    assert (job["JobState"], job["Partition"]) == ("COMPLETED", "gpu")
    assert (job["TresPerJob"], job["NumNodes"]) == ("gres:gpu:1", "1")
    assert (job["NumCPUs"], job["MinMemoryNode"]) == ("2", "20000M")
    assert jobs_of(laboratory, job["JobId"])
    assert trains(PACK, nano_run())


@pytest.mark.minutes
def test_requeued_pack_goes_on_with_all_its_runs(laboratory, tmp_path):
    configs = laboratory.long_training()
    snakemake = laboratory.start(*CHECKPOINTS, *TWO, configs=configs)
    laboratory.wait_for_epochs(3)
    job = laboratory.cluster.job_of(PACK)
    laboratory.cluster.ask("scontrol", "requeue", job)
    code, output = laboratory.finish(snakemake)
    assert code == 0, output
    told = next(x for x in laboratory.cluster.seen() if x["JobId"] == job)
    assert (told["JobState"], told["Restarts"]) == ("COMPLETED", "1")
    assert "goes on after epoch" in laboratory.log()
    assert jobs_of(laboratory, job)
    laboratory.assert_same_weights_as_undisturbed(tmp_path)
    for size in (1, 2):
        assert laboratory.planned(*CHECKPOINTS, "--config", f"pack={size}", configs=configs) == {}
