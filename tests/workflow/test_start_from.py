"""Trainings that start from a file or from another run, as Snakemake plans and runs them."""

import re

import pandas as pd
import pytest

from tests.workflow.conftest import REPOSITORY

EXAMPLE = REPOSITORY / "config/start-from.yaml"
DOCS = (REPOSITORY / "docs/start-from.md").read_text()
(TARGET,) = re.findall(
    r"^snakemake --cores all (\S+) --configfile config/start-from.yaml$", DOCS, re.MULTILINE
)


def test_the_network_to_start_from_is_trained_first_and_once(workplace):
    planned = workplace.planned(TARGET, configs=(EXAMPLE,))
    assert planned["train_stream"] == 4  # eight actions once, four in three ways
    assert planned["score_stream"] == 3


def test_another_joint_layout_is_one_sentence_before_any_job(workplace):
    (workplace.folder / "data").mkdir()
    (workplace.folder / "data/utd_mhad.pkl").touch()
    more = workplace.config(
        "overrides:\n"
        "  mine:\n"
        "    where: {dataset: utd_mhad}\n"
        "    set: {start_from: 'results/runs/demo/xsub/protogcn/{stream}'}\n"
    )
    target = "results/runs/utd_mhad/xsub/protogcn/j/checkpoint.pt"
    answer = workplace.snakemake("--dry-run", target, configs=(more,))
    assert answer.returncode != 0
    (told,) = [line for line in answer.stdout.splitlines() if line.startswith("ConfigError")]
    (sentence,) = re.findall(
        r"^ConfigError: run utd_mhad.*?null\.$", DOCS, re.MULTILINE | re.DOTALL
    )
    assert told == sentence.replace("\n", " ")
    assert "Traceback" not in answer.stdout


@pytest.mark.long
def test_the_example_of_the_docs_makes_its_table_and_trains_again_from_other_weights(workplace):
    more = workplace.config(
        "datasets:\n"
        "  demo8: {simulate: {subjects: 3, replications: 1, classes: 2}, classes: [a, b]}\n"
        "  demo4: {simulate: {subjects: 3, replications: 1, classes: 2}, classes: [c, d]}\n"
        "train: {crops: 1}\n"
        "overrides:\n"
        "  tiny: {where: {dataset: [demo8, demo4]}, set: {epochs: 1, frames: 8}}\n"
    )
    answer = workplace.snakemake("--cores", "2", TARGET, configs=(EXAMPLE, more))
    assert answer.returncode == 0, answer.stdout
    table = pd.read_csv(workplace.folder / TARGET, dtype=str, keep_default_na=False)
    notes = dict(zip(table["method"], table["notes"], strict=True))
    # How sure so few clips are is another note.
    marked = {method for method, words in notes.items() if "started" in words.split()}
    assert marked == {"started", "classifier alone"} == notes.keys() - {"random weights"}
    before = workplace.folder / "results/runs/demo8/xsub/protogcn/j/checkpoint.pt"
    before.touch()
    planned = workplace.planned(TARGET, configs=(EXAMPLE, more))
    assert planned["train_stream"] == 2
