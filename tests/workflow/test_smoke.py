"""The smoke run of the paper's six tasks: what is planned, and that it stays in its own folder."""

import subprocess
import sys

import pytest

from tests.workflow.conftest import REPOSITORY

SMOKE = REPOSITORY / "config/smoke.yaml"
TASKS = ("ntu60_xsub", "ntu60_xview", "ntu120_xsub", "ntu120_xset", "kinetics_val", "finegym_val")


def test_six_tables_of_all_six_streams_are_planned(workplace):
    tables = [f"results/{task}_6ens.csv" for task in TASKS]
    jobs = workplace.planned(*tables, configs=(SMOKE,))
    assert (jobs["train_stream"], jobs["score_stream"], jobs["fuse_ensemble"]) == (36, 36, 6)
    assert (jobs["write_demo"], jobs["decompress_poses"], jobs["read_joints"]) == (4, 1, 4)
    assert (jobs["compute_modalities"], jobs["compute_still_modalities"]) == (2, 2)


@pytest.mark.long
@pytest.mark.slow
def test_kinetics_goes_all_the_way_in_the_smoke_folder(workplace):
    """Raw kpfiles -> shards -> joints -> modalities -> a motion stream -> its table."""
    one = workplace.config(
        "ensembles: {one: {streams: {j: 1, bm: 1}, tasks: [kinetics_val]}}\n"
        "overrides: {shorter: {where: {dataset: kinetics}, set: {epochs: 1}}}\n"
    )
    real = workplace.folder / "results/kinetics_val_one.csv"
    real.parent.mkdir()
    real.write_text("a result of days\n")
    answer = subprocess.run(
        [
            sys.executable, "-m", "snakemake", "--snakefile", REPOSITORY / "Snakefile",
            "--cores", "2", "results/kinetics_val_one.csv",
            "--configfile", REPOSITORY / "config/config.yaml", SMOKE, one,
        ],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
        cwd=workplace.folder,
    )  # fmt: skip
    assert answer.returncode == 0, answer.stdout
    assert real.read_text() == "a result of days\n"
    table = workplace.folder / "smoke/results/kinetics_val_one.csv"
    assert [line.split(",")[0] for line in table.read_text().splitlines()] == [
        "stream",
        "j",
        "bm",
        "fused",
    ]
    data = workplace.folder / "smoke/results/data/kinetics"
    assert not list(data.glob("*/jm.npy"))
