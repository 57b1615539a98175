import json
import re
import shutil

import pytest
import yaml

from protogcn.config.load import plan_of
from tests.workflow.conftest import BASE, NANO, REPOSITORY

ONE_DATASET = {"resolve_dataset": 1, "read_joints": 1, "compute_modalities": 1, "fuse_ensemble": 1}


def streams(count):
    return {"resolve_run": count, "train_stream": count, "score_stream": count}


@pytest.fixture
def ntu120(workplace):
    """A folder where the raw files of NTU-120 are, as far as a plan can tell."""
    (workplace.folder / "data").mkdir()
    (workplace.folder / "data/ntu120_3danno.pkl").touch()
    return workplace


@pytest.mark.parametrize(("ensemble", "count"), [("2ens", 2), ("4ens", 4), ("6ens", 6)])
def test_a_table_plans_exactly_its_streams(ntu120, ensemble, count):
    planned = ntu120.planned(f"results/ntu120_xsub_{ensemble}.csv", configs=())
    assert planned == ONE_DATASET | streams(count)


@pytest.mark.parametrize("base", [(), (BASE,)], ids=["of the folder", "named"])
def test_a_file_on_top_has_the_last_word(workplace, base):
    """Snakemake puts the keys of the command line's files in front, and a later override wins."""
    (workplace.folder / "config").mkdir()
    shutil.copy(BASE, workplace.folder / "config/config.yaml")
    where = "{dataset: utd_mhad, model: protogcn}"
    values = "{frames: 17, model: {prototypes: 9}}"
    mine = workplace.config(f"overrides: {{a_mine: {{where: {where}, set: {values}}}}}")
    config = "results/runs/utd_mhad/xsub/protogcn/b/config.yaml"
    answer = workplace.snakemake("--cores", "1", config, base=base, configs=(mine,))
    assert answer.returncode == 0, answer.stdout
    found = yaml.safe_load((workplace.folder / config).read_text())
    plan = plan_of(workplace.folder, [mine])[1]
    assert found == json.loads(json.dumps(plan.run("utd_mhad_xsub", "protogcn", "b").to_mapping()))
    assert (found["settings"]["frames"], found["network"]["prototypes"]) == (17, 9)


def test_two_tables_share_their_streams(ntu120):
    tables = [f"results/ntu120_{split}_6ens.csv" for split in ("xsub", "xset")]
    planned = ntu120.planned("results/ntu120_xsub_2ens.csv", *tables, configs=())
    assert planned == ONE_DATASET | streams(12) | {"fuse_ensemble": 3}


def test_learned_weights_train_and_score_the_twins_networks_too(ntu120):
    more = ntu120.config(
        "datasets: {ntu120: {hold_out: {by: subject, share: 0.1, seed: 0}}}\n"
        "ensembles: {mine: {streams: [j, b], weights: learned, tasks: [ntu120_xsub]}}"
    )
    targets = (f"results/ntu120_xsub_{name}" for name in ("mine.csv", "mine_schemes.csv"))
    planned = ntu120.planned(*targets, configs=(more,))
    learning = {"score_held_out": 2, "learn_weights": 1, "compare_schemes": 1}
    assert planned == ONE_DATASET | streams(4) | {"score_stream": 2} | learning


def test_no_target_is_the_demo(workplace):
    planned = workplace.planned(configs=())
    expected = ONE_DATASET | streams(6) | {"write_demo": 1, "fuse_ensemble": 3, "demo": 1}
    assert planned == expected


def test_the_page_plans_the_tables_and_runs_that_its_section_names(ntu120):
    more = ntu120.config("report: {tasks: [ntu120_xsub], runs: [protogcn/j-2]}")
    planned = ntu120.planned("results/report.html", configs=(more,))
    figures = dict.fromkeys(
        ("draw_confusion", "draw_streams", "draw_worth", "draw_learning_curves"), 1
    )
    page = {"fuse_ensemble": 3, "write_report": 1}
    assert planned == ONE_DATASET | streams(7) | figures | page


def test_a_page_of_what_does_not_exist_is_one_message(workplace):
    more = workplace.config("report: {tasks: [ntu120]}")
    answer = workplace.snakemake("--dry-run", "results/report.html", configs=(more,))
    assert answer.returncode != 0
    assert "ConfigError: report.tasks: 'ntu120' does not exist" in answer.stdout
    assert "Traceback" not in answer.stdout


def test_missing_raw_file_is_one_message_before_any_job(workplace):
    answer = workplace.snakemake("--dry-run", "results/ntu120_xsub_6ens.csv", configs=())
    assert answer.returncode != 0
    assert "ConfigError: datasets.ntu120.raw: the file data/ntu120_3danno.pkl" in answer.stdout
    assert "Where to get it:" in answer.stdout
    assert "Traceback" not in answer.stdout
    assert "rule " not in answer.stdout


def test_a_second_preparation_is_read_for_the_runs_that_want_it(ntu120):
    more = ntu120.config(
        "overrides: {mine: {where: {task: ntu120_xsub, modality: b}, set: {preparation: aligned}}}"
    )
    planned = ntu120.planned("results/ntu120_xsub_2ens.csv", configs=(more,))
    assert planned["read_joints"] == planned["compute_modalities"] == 2


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("train: {epoch: 3}", "ConfigError: train: unknown key 'epoch'; did you mean 'epochs'?"),
        ("train: {learning_rate: 1e-4}", "YAML reads 1e-4 as text"),
        ("train: {epochs: 0}", "train.epochs: found 0, expected at least 1"),
        ("ensembles: {6ens: {streams: {v: 1}}}", "ensembles.6ens.streams: 'v' is not a stream"),
        ("train: {epochs: 3, epochs: 4}", "key 'epochs' appears twice"),
        (
            "datasets: {'$(touch X)': {skeleton: ntu25, splits: [a]}}",
            "cannot be part of a file name",
        ),
        ("datasets: {'../x': {skeleton: ntu25, splits: [a]}}", "cannot be part of a file name"),
    ],
)
def test_wrong_config_is_one_sentence_and_no_file(workplace, text, sentence):
    answer = workplace.snakemake("--cores", "1", configs=(workplace.config(text),))
    assert answer.returncode != 0
    assert sentence in answer.stdout
    assert "Traceback" not in answer.stdout
    assert not (workplace.folder / "results").exists()


@pytest.mark.parametrize(
    ("target", "sentence"),
    [
        ("results/nano_xsub_mine.csv", "ConfigError: ensembles.mine is not made for nano_xsub"),
        (
            "results/runs/nano/xview/protogcn/j/scores.npz",
            "ConfigError: run nano_xview/protogcn/j: 'nano_xview' does not exist, expected one of",
        ),
        (
            "results/nano_xsub_6en.csv",
            "ConfigError: nothing makes 'results/nano_xsub_6en.csv'; did you mean 'results/nano_xsub_6ens.csv'?",
        ),
    ],
)
def test_target_that_the_config_does_not_have_is_one_sentence(workplace, target, sentence):
    more = workplace.config("ensembles: {mine: {streams: {j: 1, j-2: 1}, tasks: [demo_xsub]}}")
    answer = workplace.snakemake("--dry-run", target, configs=(NANO, more))
    assert answer.returncode != 0
    assert sentence in answer.stdout
    assert "Traceback" not in answer.stdout


def test_every_rule_has_a_docstring_a_log_and_no_path_of_its_own(workplace):
    listing = workplace.snakemake("--list").stdout
    for line in listing.splitlines():
        if line and "extended by" not in line:
            assert "(" in line, line
    for path in (REPOSITORY / "workflow/rules").glob("*.smk"):
        text = path.read_text()
        rules = len(re.findall(r"^ *rule\b.*:$", text, flags=re.MULTILINE))
        assert text.count("    log:") == rules, path
        assert '"/' not in text, path


def test_a_run_on_several_gpus_is_one_task(workplace):
    more = workplace.config(
        "overrides: {two: {where: {dataset: nano, modality: b}, set: {engine: {gpus: 2}, cpu_threads: 3}}}"
    )
    answer = workplace.snakemake(
        "--dry-run", "--printshellcmds", "--cores", "8", "results/nano_xsub_2ens.csv",
        configs=(NANO, more),
    )  # fmt: skip
    assert answer.returncode == 0, answer.stdout
    jobs = {
        (job.split(":")[0], stream): job
        for job in answer.stdout.split("\nrule ")
        for stream in "bj"
        if f"{stream}.log" in job
    }
    several, one, scored = (
        jobs[job] for job in (("train_stream", "b"), ("train_stream", "j"), ("score_stream", "b"))
    )
    assert "python -m protogcn train --gpus 2 --share 1 --config" in several
    assert "threads: 6" in several
    assert "gpu=2, nodes=1" in several
    assert "gpu=1, nodes=1" in one
    assert "gpu=1" in scored
    assert "python -m protogcn train --gpus 1 --share 1 --config" in one
    assert "python -m protogcn score --gpus 1 --share 1 --config" in scored
