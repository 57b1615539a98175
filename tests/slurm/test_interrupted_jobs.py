"""Jobs that are killed, put back, run out of time or lose their node; the weights stay the same."""

from pathlib import Path

from tests.slurm.conftest import RUNS, TABLE

TRAINING = "rule_train_stream_wildcards_nano_xsub_protogcn_j"
CHECKPOINT = RUNS / "j/checkpoint.pt"


def environment_of(process):
    entries = Path(f"/proc/{process}/environ").read_bytes().split(b"\0")
    return dict(entry.decode().split("=", 1) for entry in entries if b"=" in entry)


def test_cancelled_training_goes_on_when_run_again(laboratory, tmp_path):
    configs = laboratory.long_training(epochs=16)
    snakemake = laboratory.start(TABLE, "--retries", 0, configs=configs)
    laboratory.wait_for_epochs(3)
    job = laboratory.cluster.job_of(TRAINING)
    assert laboratory.owner()["job"] == job
    seen = environment_of(laboratory.owner()["process"])
    assert seen["CUDA_VISIBLE_DEVICES"] in ("0", "1")
    laboratory.cluster.ask("scancel", job)
    code, output = laboratory.finish(snakemake)
    assert code == 1
    assert f"SLURM-job '{job}' failed, SLURM status is: 'CANCELLED'" in output
    assert not (laboratory.folder / CHECKPOINT).exists()
    assert (laboratory.folder / RUNS / "b/scores.npz").exists()  # the other stream went on

    missing = laboratory.planned(TABLE, configs=configs)
    assert missing == {"train_stream": 1, "score_stream": 1, "fuse_ensemble": 1}
    code, output = laboratory.snakemake(TABLE, configs=configs)
    assert code == 0, output
    assert "resumes from epoch" in laboratory.log()
    laboratory.assert_same_weights_as_undisturbed(tmp_path)


def test_requeued_training_goes_on_by_itself(laboratory, tmp_path):
    configs = laboratory.long_training(epochs=16)
    snakemake = laboratory.start(CHECKPOINT, configs=configs)
    laboratory.wait_for_epochs(3)
    job = laboratory.cluster.job_of(TRAINING)
    laboratory.cluster.ask("scontrol", "requeue", job)
    code, output = laboratory.finish(snakemake)
    assert code == 0, output
    assert "Trying to restart" not in output
    told = next(x for x in laboratory.cluster.seen() if x["JobId"] == job)
    assert (told["JobState"], told["Restarts"]) == ("COMPLETED", "1")
    assert "resumes from epoch" in laboratory.log()
    laboratory.assert_same_weights_as_undisturbed(tmp_path)
