import pytest

from protogcn.config.contents import contents_of
from protogcn.config.plan import expand
from protogcn.errors import ConfigError
from tests.made.config import repository_config

PLAN = expand(repository_config())


def names(runs):
    return [run.name for run in runs]


def test_page_of_a_task_has_its_ensembles_and_each_of_their_runs_once():
    contents = contents_of(PLAN, {"tasks": ["demo_xsub"]}, {})
    assert {"demo_xsub_2ens", "demo_xsub_4ens", "demo_xsub_6ens"} <= set(contents.tables)
    assert contents.behind["demo_xsub_2ens"] == ("demo_xsub/protogcn/j", "demo_xsub/protogcn/b")
    assert len(set(names(contents.runs))) == len(contents.runs)
    assert {run.task for run in contents.runs} == {"demo_xsub"}


def test_usual_tables_and_figures_are_of_the_tasks_alone():
    comparisons = {
        "mine": [("demo_xsub", m, s) for m in ("protogcn", "stgcnpp") for s in ("j", "b")],
        "wider": [("demo_xsub", "protogcn", "j"), ("ntu60_xsub", "protogcn", "j")],
        "empty": [],
    }
    contents = contents_of(PLAN, {"tasks": ["demo_xsub"]}, comparisons)
    assert contents.tables == ("demo_xsub_2ens", "demo_xsub_4ens", "demo_xsub_6ens", "mine")
    assert contents.figures == (
        "demo_xsub_6ens_confusion",
        "demo_xsub_6ens_streams",
        "demo_xsub_protogcn_learning_curves",
        "demo_xsub_b_protogcn_vs_stgcnpp",
    )
    assert "demo_xsub/stgcnpp/b" in names(contents.runs)


def test_imported_runs_have_no_learning_curves():
    config = repository_config()
    config["overrides"]["there"] = {"where": {"dataset": "demo"}, "set": {"checkpoint": "a.pth"}}
    figures = contents_of(expand(config), {"tasks": ["demo_xsub"]}, {}).figures
    assert figures == ("demo_xsub_6ens_confusion", "demo_xsub_6ens_streams")


def test_what_is_named_comes_behind_the_ensembles():
    entry = {
        "tasks": ["demo_xsub"],
        "runs": ["protogcn/j-7"],
        "tables": ["mine", "mine.partial"],
        "figures": ["demo_xsub_confusion", "runs/demo/xsub/protogcn/j/topology/S001"],
    }
    contents = contents_of(PLAN, entry, {"mine": [("demo_xsub", "protogcn", "b-9")], "other": []})
    assert contents.tables[-2:] == ("mine", "mine.partial")
    assert contents.figures == tuple(entry["figures"])
    assert contents.behind["mine"] == ("demo_xsub/protogcn/b-9",)
    assert names(contents.runs)[-2:] == ["demo_xsub/protogcn/b-9", "demo_xsub/protogcn/j-7"]


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (None, "report: the config has no such section"),
        ({"tasks": ["ntu120"]}, "report.tasks: 'ntu120' does not exist.*ntu120_xs"),
        ({"tasks": ["demo_xsub"], "runs": ["j"]}, "report.runs: 'j' is no run of demo_xsub, expected model/stream"),
        ({"tasks": ["demo_xsub"], "runs": ["protogcn/x"]}, "report.runs: 'protogcn/x' is no run"),
        ({"tasks": ["demo_xsub"], "figures": ["../x"]}, r"report.figures: found '\.\./x', expected the name of a file"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_one_sentence(entry, message):
    with pytest.raises(ConfigError, match=message):
        contents_of(PLAN, entry, {})
