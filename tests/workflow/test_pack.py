"""Two trainings in one job: the same networks, and one that fails costs the other nothing."""

import shutil
import subprocess
import sys

import pytest

from protogcn.models.checkpoint import load_checkpoint
from tests.made.nano import assert_same
from tests.workflow.conftest import NANO, Workplace

TABLE = "results/nano_xsub_2ens.csv"
RUNS = "results/runs/nano/xsub/protogcn"
LOGS = "results/logs/train_stream/nano.xsub.protogcn"

pytestmark = pytest.mark.slow


def test_learning_curves_are_drawn_of_packs_too(workplace):
    figure = "results/nano_xsub_protogcn_learning_curves.png"
    planned = workplace.planned(TABLE, figure, "--config", "pack=6")
    assert planned["train_pack_nano_xsub_protogcn_j_b_jm_bm_k_km"] == 1
    assert planned["draw_learning_curves"] == 1
    assert "train_stream" not in planned


def weights(folder):
    return load_checkpoint(folder / "checkpoint.pt", {"model": dict})["model"]


@pytest.fixture(scope="module")
def packed(tmp_path_factory):
    """A folder in which one job has trained both networks."""
    place = Workplace(tmp_path_factory.mktemp("pack") / "work plätze & (x)")
    place.folder.mkdir()
    checkpoints = [f"{RUNS}/{stream}/checkpoint.pt" for stream in "jb"]
    answer = place.snakemake(*checkpoints, "--cores", "2", "--config", "pack=2", timeout=600)
    assert answer.returncode == 0, answer.stdout
    assert "rule train_pack_nano_xsub_protogcn_j_b" in answer.stdout
    return place


def test_networks_are_those_of_two_jobs(packed, tmp_path):
    data, run = packed.folder / "results/data/nano/centred", packed.folder / RUNS / "b"
    alone = tmp_path / "b"
    alone.mkdir()
    subprocess.run(
        [
            sys.executable, "-m", "protogcn", "train", "--config", run / "config.yaml",
            "--values", data / "b.npy", "--clips", data / "clips.csv",
            "--checkpoint", alone / "checkpoint.pt", "--history", alone / "history.csv",
        ],
        check=True,
        capture_output=True,
    )  # fmt: skip
    assert_same(weights(run), weights(alone))
    assert "epoch 2/2" in (packed.folder / f"{LOGS}.b.log").read_text()


@pytest.mark.parametrize("size", [1, 3])
def test_other_packs_train_nothing_again(packed, size):
    planned = packed.planned(TABLE, "--config", f"pack={size}")
    assert planned == {"score_stream": 2, "fuse_ensemble": 1}


def test_imported_runs_are_in_no_pack(workplace):
    for name in ("j.pth", "b.pkl"):
        (workplace.folder / name).touch()
    more = workplace.config(
        "overrides:\n"
        "  weights: {where: {dataset: nano, stream: j}, set: {checkpoint: j.pth}}\n"
        "  scores: {where: {dataset: nano, stream: b}, set: {scores: b.pkl}}\n"
        "ensembles: {mine: {streams: {j: 1, k: 1, b: 1, km: 1}, tasks: [nano_xsub]}}"
    )
    planned = workplace.planned(
        "results/nano_xsub_mine.csv", "--config", "pack=2", configs=(NANO, more)
    )
    assert planned["import_checkpoint"] == planned["import_scores"] == 1
    assert planned["train_pack_nano_xsub_protogcn_k_km"] == 1
    assert "train_stream" not in planned


def test_motions_of_sampled_frames_are_packed_without_files_of_their_own(workplace):
    more = workplace.config(
        "overrides: {poses: {where: {dataset: nano}, set: {difference: sampled}}}\n"
        "ensembles: {mine: {streams: {jm: 1, bm: 1}, tasks: [nano_xsub]}}"
    )
    planned = workplace.planned(
        "results/nano_xsub_mine.csv", "--config", "pack=2", configs=(NANO, more)
    )
    assert planned["compute_still_modalities"] == 1
    assert planned["train_pack_nano_xsub_protogcn_jm_bm"] == 1


@pytest.mark.long
def test_failed_run_names_itself_and_the_other_needs_no_training(packed, tmp_path):
    shutil.copytree(packed.folder, tmp_path / "copy", copy_function=shutil.copy2)
    copy = Workplace(tmp_path / "copy")
    shutil.rmtree(copy.folder / RUNS)
    settings = "{select: best, select_on: val}"  # there is no such side
    more = copy.config(
        f"overrides: {{broken: {{where: {{dataset: nano, stream: b}}, set: {settings}}}}}"
    )
    checkpoints = [f"{RUNS}/{stream}/checkpoint.pt" for stream in "jb"]
    command = (*checkpoints, "--cores", "2", "--keep-going", "--config", "pack=2")
    first = copy.snakemake(*command, configs=(NANO, more), timeout=600)
    assert first.returncode != 0
    assert (
        "1 of 2 trainings of this job are not finished: nano_xsub/protogcn/b (exit" in first.stdout
    )
    assert "b: exit code 3: ContractError: " in first.stdout
    assert "Traceback" not in first.stdout
    assert not (copy.folder / RUNS / "j/checkpoint.pt").exists()  # Snakemake removes it

    second = copy.snakemake(*command, configs=(NANO, more), timeout=600)
    assert "rule train_pack" not in second.stdout  # the failed one is left alone
    assert "goes on after epoch 2" in (copy.folder / f"{LOGS}.j.log").read_text()
    assert_same(weights(copy.folder / RUNS / "j"), weights(packed.folder / RUNS / "j"))
