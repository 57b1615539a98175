"""The comparison tables as Snakemake plans and makes them."""

import re

import pandas as pd
import pytest

from protogcn.config.strict_yaml import read_yaml
from protogcn.report.tables.notes import NOTES, SYMBOLS
from tests.made.table_scores import predictions, write_scores
from tests.workflow.conftest import NANO, REPOSITORY

TABLES = """
tables:
  nano_table:
    rows: streams
    methods: {ProtoGCN: protogcn}
    streams: {J: [j, j-2], B: b, 2ens: 2ens}
    tasks: [nano_xsub]
"""


@pytest.fixture
def configs(workplace):
    return (NANO, workplace.config(TABLES))


def test_a_table_trains_its_runs_once(workplace, configs):
    targets = [f"results/nano_table.{form}" for form in ("csv", "md", "tex")]
    planned = workplace.planned(*targets, "results/nano_xsub_2ens.csv", configs=configs)
    assert planned["train_stream"] == planned["score_stream"] == 3
    assert planned["compare_runs"] == planned["resolve_table"] == 1


def test_a_partial_table_trains_nothing(workplace, configs):
    planned = workplace.planned("results/nano_table.partial.csv", configs=configs)
    assert planned == {"resolve_table": 1, "compare_what_is_there": 1}


def test_table_5_of_one_task_needs_its_data_only(workplace):
    (workplace.folder / "data").mkdir()
    (workplace.folder / "data/ntu60_3danno.pkl").touch()
    more = workplace.config("tables: {table5: {tasks: [ntu60_xsub]}}")
    planned = workplace.planned("results/table5.csv", configs=(more,))
    assert (planned["train_stream"], planned["read_joints"]) == (9, 1)


def test_a_table_of_two_recipes_is_refused_when_it_is_asked_for(workplace, configs):
    more = workplace.folder / "two.yaml"
    more.write_text(
        TABLES.replace("rows: streams", "rows: methods\n    same_recipe: true").replace(
            "{ProtoGCN: protogcn}", "{A: protogcn, B: other}"
        )
        + "models: {other: {network: protogcn, width: 24, blocks: 2, downsample: [2], subsets: 8,"
        " prototypes: 5, contrast_weight: 0.1}}\n"
        "overrides: {long: {where: {model: other}, set: {epochs: 9}}}\n"
    )
    answer = workplace.snakemake("--dry-run", "results/nano_table.csv", configs=(NANO, more))
    assert answer.returncode != 0
    assert "nano_xsub/protogcn/j and nano_xsub/other/j differ in epochs" in answer.stdout
    assert "Traceback" not in answer.stdout


def test_a_wrong_table_is_one_sentence(workplace):
    more = workplace.config("tables: {table5: {tasks: [ntu60_xsubb]}}")
    answer = workplace.snakemake("--dry-run", "results/table5.csv", configs=(NANO, more))
    assert answer.returncode != 0
    assert "ConfigError: tables.table5.tasks: 'ntu60_xsubb' does not exist" in answer.stdout
    assert "Traceback" not in answer.stdout


@pytest.mark.slow
def test_an_ensembles_table_carries_its_mark_and_source(workplace):
    for stream in ("j", "b"):
        write_scores(workplace.folder, stream, predictions(0, 1), [0, 0])
    more = workplace.config(
        "ensembles: {2v: {streams: {j: 1, b: 1}, tasks: [nano_xsub], tuned_on_test: true,"
        ' source: "the authors\' script, version 1"}}'
    )
    targets = ("results/nano_xsub_2v.tex", "results/nano_xsub_2ens.md")
    answer = workplace.snakemake("--cores", "1", *targets, configs=(NANO, more))
    assert answer.returncode == 0, answer.stdout
    table = (workplace.folder / "results/nano_xsub_2v.csv").read_text()
    assert table.splitlines()[-1].startswith("fused,,2,50.00,,25.00,last,test,9.45,90.55,")
    text = (workplace.folder / "results/nano_xsub_2v.tex").read_text()
    assert "Weights: the authors' script, version 1." in text
    assert r"50.00 {[}9.45, 90.55]\rlap{\textsuperscript{" in text
    other = (workplace.folder / "results/nano_xsub_2ens.md").read_text()
    assert "Weights: the released fusion script" in other
    assert "version 1" not in other


@pytest.mark.slow
def test_snakemakes_own_report_has_the_table_and_its_caption(workplace, configs):
    for stream in ("j", "j-2", "b"):
        write_scores(workplace.folder, stream, predictions(0, 1), [0, 0])
    target = "results/nano_table.csv"
    for command in (("--cores", "1"), ("--report", "own.html")):
        answer = workplace.snakemake(*command, target, configs=configs)
        assert answer.returncode == 0, answer.stdout
    report = (workplace.folder / "own.html").read_text()
    assert target in report
    assert "ours minus the paper" in report


@pytest.mark.slow
def test_a_partial_table_follows_the_score_files(workplace, configs):
    target = "results/nano_table.partial.csv"
    answer = workplace.snakemake("--cores", "1", target, configs=configs)
    assert answer.returncode == 0, answer.stdout
    assert shown(workplace) == {"J": "", "B": "", "2ens": ""}
    write_scores(workplace.folder, "j-2", predictions(0, 1, 2, 0), [0, 1, 2, 3])
    answer = workplace.snakemake("--cores", "1", target, configs=configs)
    assert answer.returncode == 0, answer.stdout
    assert shown(workplace) == {"J": "75.00", "B": "", "2ens": ""}


def shown(workplace):
    path = workplace.folder / "results/nano_table.partial.csv"
    rows = pd.read_csv(path, dtype=str, keep_default_na=False)
    return dict(zip(rows["stream"], rows["ours"], strict=True))


def test_every_target_of_the_docs_can_be_planned(workplace):
    config = read_yaml(REPOSITORY / "config/config.yaml")
    for dataset in config["datasets"].values():
        if raw := dataset.get("raw"):
            path = workplace.folder / raw
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        if kpfiles := dataset.get("kpfiles"):
            (workplace.folder / kpfiles).mkdir(parents=True)
    text = (REPOSITORY / "docs/tables.md").read_text() + (REPOSITORY / "README.md").read_text()
    targets = set(re.findall(r"results/\w+(?:\.partial)?\.(?:csv|md|tex)", text))
    assert {
        "results/table4.csv",
        "results/table5.partial.csv",
        "results/same_recipe.csv",
    } <= targets
    # With the fusion of the other methods, of which the page names one.
    planned = workplace.planned(*targets, configs=(REPOSITORY / "config/table4.yaml",))
    assert planned["train_stream"] >= 36


def test_every_code_in_a_csv_is_documented():
    text = (REPOSITORY / "docs/tables.md").read_text()
    assert [code for code in (*NOTES, *SYMBOLS) if f"`{code}`" not in text] == []
