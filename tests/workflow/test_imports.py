"""Runs whose checkpoint or scores are a third-party file."""

import os
import pickle
import re

import numpy as np
import pandas as pd
import pytest

from protogcn.files.scores import Scores
from tests.workflow.conftest import REPOSITORY

FUSE_ONLY = REPOSITORY / "config/fuse-only.yaml"
TABLE = "results/ntu60_xsub_2ens.csv"
RUNS = "results/runs/ntu60/xsub/protogcn"


@pytest.fixture
def ntu60(workplace):
    """A folder with the annotations of four clips of NTU-60 and two streams' scores of them."""
    (workplace.folder / "data").mkdir()
    annotations = {
        "split": {"xsub_train": ["t"], "xsub_val": ["a", "b", "c"], "xview_train": ["t"], "xview_val": ["a"]},
        "annotations": [{"frame_dir": clip, "label": label} for clip, label in (("c", 2), ("t", 1), ("a", 0), ("b", 59))],
    }  # fmt: skip
    (workplace.folder / "data/ntu60_3danno.pkl").write_bytes(pickle.dumps(annotations))
    right, wrong = np.eye(60)[[2, 0, 59]], np.eye(60)[[2, 0, 58]]
    for stream, scores in (("j", right), ("b", 0.6 * wrong + 0.4 / 60)):
        folder = workplace.folder / f"scores/ntu60_xsub/{stream}"
        folder.mkdir(parents=True)
        (folder / "best_pred.pkl").write_bytes(pickle.dumps(list(scores.astype(np.float32))))
    return workplace


def test_scores_that_are_there_need_neither_training_nor_prepared_clips(ntu60):
    planned = ntu60.planned(TABLE, configs=(FUSE_ONLY,))
    assert planned == {
        "resolve_dataset": 1, "list_clips": 1, "resolve_run": 2, "import_scores": 2,
        "fuse_ensemble": 1,
    }  # fmt: skip


def test_each_run_of_a_table_comes_from_where_the_config_says(ntu60):
    (ntu60.folder / "j.pth").touch()
    (ntu60.folder / "labels.csv").touch()
    more = ntu60.config(
        "overrides:\n"
        "  weights: {where: {task: ntu60_xsub, stream: j},"
        " set: {scores: null, checkpoint: '{stream}.pth'}}\n"
        "  list: {where: {stream: b}, set: {clips: labels.csv}}\n"
        "  trained: {where: {modality: k}, set: {scores: null}}\n"
        "ensembles: {mine: {streams: {j: 1, b: 1, k: 1, k-2: 1}, tasks: [ntu60_xsub]}}"
    )
    planned = ntu60.planned("results/ntu60_xsub_mine.csv", configs=(FUSE_ONLY, more))
    assert planned == {
        "resolve_dataset": 1, "read_joints": 1, "compute_modalities": 1, "resolve_run": 4,
        "import_checkpoint": 1, "import_scores": 1, "train_stream": 2, "score_stream": 3,
        "fuse_ensemble": 1,
    }  # fmt: skip


def test_a_run_with_an_imported_checkpoint_is_not_trained_for_its_history(ntu60):
    (ntu60.folder / "j.pth").touch()
    more = ntu60.config("overrides: {mine: {where: {stream: j}, set: {checkpoint: j.pth}}}")
    answer = ntu60.snakemake("--dry-run", f"{RUNS}/j/history.csv", configs=(more,))
    assert answer.returncode != 0
    assert "no training, as its checkpoint is imported" in answer.stdout


def test_missing_file_is_one_sentence_before_any_job(ntu60):
    more = ntu60.config("overrides: {mine: {where: {stream: b}, set: {checkpoint: 'no {task}'}}}")
    answer = ntu60.snakemake("--dry-run", TABLE, configs=(more,))
    assert answer.returncode != 0
    sentence = (
        "ConfigError: run ntu60_xsub/protogcn/b: its checkpoint, no ntu60_xsub, does not exist"
    )
    assert sentence in answer.stdout
    assert "Traceback" not in answer.stdout


def test_the_example_of_another_model_leads_to_its_table(workplace):
    text = (REPOSITORY / "docs/imports.md").read_text()
    (example,) = re.findall(r"```yaml\n(overrides:\n  ctrgcn_scores:.*?)```", text, re.DOTALL)
    (target,) = re.findall(r"^snakemake .* (\S+) --configfile ctrgcn.yaml$", text, re.MULTILINE)
    for name in ("j/epoch1_test_score.pkl", "b/epoch1_test_score.pkl", "labels.csv"):
        path = workplace.folder / "ctrgcn" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    planned = workplace.planned(target, configs=(workplace.config(example),))
    assert planned == {"resolve_run": 2, "import_scores": 2, "fuse_ensemble": 1}


@pytest.mark.slow
def test_the_quick_start_makes_its_table(ntu60):
    text = (REPOSITORY / "docs/imports.md").read_text()
    (command,) = re.findall(
        r"^snakemake (.*) --configfile config/fuse-only.yaml$", text, re.MULTILINE
    )
    arguments = command.replace("_6ens", "_2ens").replace("all", "1").split()
    answer = ntu60.snakemake(*arguments, configs=(FUSE_ONLY,))
    assert answer.returncode == 0, answer.stdout
    table = pd.read_csv(ntu60.folder / TABLE, dtype=str, keep_default_na=False)
    assert table["stream"].tolist() == ["j", "b", "fused"]
    assert table["top1"].tolist() == ["100.00", "66.67", "100.00"]
    assert set(table["clips"]) == {"3"}
    assert set(table["select"]) == {"best"}
    scores = Scores.load(ntu60.folder / RUNS / "b/scores.npz")
    assert scores.clips.tolist() == ["c", "a", "b"]
    assert scores.provenance["imported"]["file"] == "best_pred.pkl"
    # Dates are all that Snakemake compares.
    of_j = ntu60.folder / f"{RUNS}/j/scores.npz"
    for path, other, product in (
        (ntu60.folder / "scores/ntu60_xsub/j/best_pred.pkl", b"x", f"{RUNS}/j/scores.npz"),
        (of_j, (of_j.parent.parent / "b/scores.npz").read_bytes(), TABLE[:-4] + ".manifest.json"),
    ):
        content, status = path.read_bytes(), path.stat()
        path.write_bytes(other)
        os.utime(path, (1e9, 1e9))
        answer = ntu60.snakemake("--dry-run", *arguments, configs=(FUSE_ONLY,))
        assert answer.returncode != 0
        assert f"remove {product} to make it from this one" in answer.stdout
        path.write_bytes(content)
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert ntu60.planned(*arguments, configs=(FUSE_ONLY,)) == {}
