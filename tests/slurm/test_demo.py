"""The table of `make demo` made by jobs of Slurm: the same numbers as on one machine."""

import shutil

import pandas as pd
import pytest

from tests.slurm.conftest import Laboratory
from tests.workflow.conftest import Workplace

TABLE = "results/demo_xsub_6ens.csv"
SECONDS = 1200  # of each of the two ways, on two cores that have other things to do

pytestmark = pytest.mark.minutes


def test_demo_through_slurm_has_the_numbers_of_the_demo(cluster, tmp_path):
    laboratory = Laboratory(tmp_path / "lab", cluster, own=())
    laboratory.folder.mkdir()
    try:
        code, output = laboratory.snakemake(TABLE, seconds=SECONDS)
    finally:
        laboratory.clean_up()
    assert code == 0, output
    logs = laboratory.folder / "results/logs/slurm"
    for rule in ("train_stream", "score_stream"):
        assert len(list(logs.glob(f"rule_{rule}/demo_xsub_*/*.log"))) == 6

    local = Workplace(tmp_path / "local")
    shutil.copytree(laboratory.folder / "results/data", local.folder / "results/data")
    answer = local.snakemake(TABLE, "--cores", "2", configs=(), timeout=SECONDS)
    assert answer.returncode == 0, answer.stdout
    assert (laboratory.folder / TABLE).read_bytes() == (local.folder / TABLE).read_bytes()
    table = pd.read_csv(local.folder / TABLE)
    assert table["stream"].tolist() == ["j", "b", "k", "jm", "bm", "km", "fused"]
