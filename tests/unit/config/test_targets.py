import pytest

from protogcn.config.plan import expand
from protogcn.config.tables import resolve_tables
from protogcn.config.targets import chosen_runs, page_of, targets_of
from protogcn.errors import ConfigError
from tests.made.config import changed, repository_config

CONFIG = repository_config()
PLAN = expand(CONFIG)
MINE = {
    "rows": "methods",
    "methods": {"A": "protogcn"},
    "streams": {"J": "j"},
    "tasks": ["demo_xsub"],
}


def known_to(config):
    plan = expand(config)
    return targets_of(plan, resolve_tables(config, plan))


def page_with(entry, config=CONFIG, **tables):
    """Return the page of a report section, with these comparison tables alone."""
    config = {**config, "tables": {name: {**MINE, **table} for name, table in tables.items()}}
    return page_of(expand(config), known_to(config), entry)


def names(runs):
    return [run.name for run in runs]


def test_every_table_and_figure_is_known_with_the_runs_that_it_needs():
    known = known_to(CONFIG)
    assert known["demo_xsub_2ens"].runs == known["demo_xsub_2ens_confusion"].runs
    assert known["demo_xsub_2ens"].runs == tuple(("demo_xsub", "protogcn", s) for s in "jb")
    assert len(known["demo_xsub_protogcn_learning_curves"].runs) == 6
    assert known["demo_xsub_stgcn_learning_curves"].runs == ()
    assert ("ntu60_xsub", "stgcn@protogcn", "jm") in known["same_recipe"].runs
    assert known["ntu60_xsub_b_protogcn_vs_stgcnpp"].runs == (
        ("ntu60_xsub", "protogcn", "b"), ("ntu60_xsub", "stgcnpp", "b"),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("6ens_confusion", "would be the confusion of 6ens on .* and the table of 6ens_confusion"),
        ("protogcn_learning_curves", "and the learning curves of protogcn on "),
        ("b_protogcn_vs_protogcn", "and the difference of b, protogcn, protogcn on "),
    ],
)
def test_an_ensemble_with_the_name_of_a_figure_is_refused(name, sentence):
    with pytest.raises(ConfigError, match=sentence):
        known_to(changed(f"ensembles.{name}", {"streams": {"j": 1}}))


def test_two_tables_of_one_name_are_refused():
    config = repository_config()
    config["datasets"]["demo_xsub"] = {**config["datasets"]["utd_mhad"], "splits": ["a"]}
    config["ensembles"]["a_2ens"] = config["ensembles"]["2ens"]
    with pytest.raises(ConfigError, match=r"results/demo_xsub_a_2ens: would be .*; rename one"):
        known_to(config)
    with pytest.raises(ConfigError, match=r"demo_xsub_2ens: .* and table demo_xsub_2e"):
        known_to(changed("tables.demo_xsub_2ens", MINE))


def test_page_of_a_task_has_its_ensembles_and_each_of_their_runs_once():
    page = page_with({"tasks": ["demo_xsub"]})
    assert {"demo_xsub_2ens", "demo_xsub_4ens", "demo_xsub_6ens"} <= set(page.tables)
    assert len(set(names(page.runs))) == len(page.runs)
    assert {run.task for run in page.runs} == {"demo_xsub"}


def test_usual_tables_and_figures_are_of_the_tasks_alone():
    page = page_with(
        {"tasks": ["demo_xsub"]},
        mine={"methods": {"A": "protogcn", "B": "stgcnpp"}, "streams": {"J": "j", "B": "b"}},
        wider={"tasks": ["demo_xsub", "ntu60_xsub"]},
        empty={"tasks": ["finegym_val"], "streams": {"v1": "4ens_v1"}},
    )
    assert page.tables == (
        "demo_xsub_2ens", "demo_xsub_4ens", "demo_xsub_6ens", "demo_xsub_6ens_worth", "mine",
    )  # fmt: skip
    assert page.figures == (
        "demo_xsub_6ens_confusion",
        "demo_xsub_6ens_streams",
        "demo_xsub_6ens_worth",
        "demo_xsub_protogcn_learning_curves",
        "demo_xsub_b_protogcn_vs_stgcnpp",
    )
    assert "demo_xsub/stgcnpp/b" in names(page.runs)


def test_imported_runs_have_no_learning_curves():
    config = repository_config()
    config["overrides"]["there"] = {"where": {"dataset": "demo"}, "set": {"checkpoint": "a.pth"}}
    page = page_with({"tasks": ["demo_xsub"]}, config)
    names_of_figures = [f"demo_xsub_6ens_{kind}" for kind in ("confusion", "streams", "worth")]
    assert list(page.figures) == names_of_figures


def test_of_more_than_ten_streams_a_page_does_not_ask_what_each_brings():
    config = changed("ensembles.many", {"streams": {f"j-{n}": 1 for n in range(2, 13)}})
    page = page_with({"tasks": ["demo_xsub"]}, config)
    assert "demo_xsub_many_streams" in page.figures
    assert not any("worth" in name for name in (*page.figures, *page.tables))


def test_what_is_named_comes_after_the_ensembles():
    entry = {
        "tasks": ["demo_xsub"],
        "runs": ["protogcn/j-7"],
        "tables": ["mine", "mine.partial"],
        "figures": ["demo_xsub_confusion", "runs/demo/xsub/stgcn@protogcn/j/topology/S001"],
    }
    page = page_with(entry, mine={"streams": {"B": "b-9"}}, other={})
    assert page.tables[-2:] == ("mine", "mine.partial")
    assert page.figures == tuple(entry["figures"])
    assert names(page.runs)[-2:] == ["demo_xsub/protogcn/b-9", "demo_xsub/protogcn/j-7"]


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
def test_page_that_cannot_be_is_one_sentence(entry, message):
    with pytest.raises(ConfigError, match=message):
        page_with(entry)


def test_without_a_target_it_is_the_runs_that_have_a_directory(tmp_path):
    assert chosen_runs(CONFIG, PLAN, tmp_path, []) == []
    run = PLAN.run("demo_xsub", "protogcn", "km")
    of_no_ensemble = PLAN.run("demo_xsub", "protogcn", "km-3")
    for folder in (run.folder, of_no_ensemble.folder, "results/runs/old/xsub/protogcn/j"):
        (tmp_path / folder).mkdir(parents=True)
    assert chosen_runs(CONFIG, PLAN, tmp_path, []) == [run, of_no_ensemble]


def test_targets_are_tables_and_run_directories(tmp_path):
    targets = ["results/demo_xsub_2ens.csv", "results/runs/demo/xsub/protogcn/km/scores.npz"]
    streams = [run.stream for run in chosen_runs(CONFIG, PLAN, tmp_path, targets)]
    assert streams == ["j", "b", "km"]
    targets = ["results/demo_xsub_2ens.csv", "results/demo_xsub_6ens.md"]
    assert len(chosen_runs(CONFIG, PLAN, tmp_path, targets)) == 6
    found = chosen_runs(CONFIG, PLAN, tmp_path, ["results/demo_table4.tex"])
    names = [
        f"{model}/{stream}"
        for model in ("stgcnpp@protogcn", "protogcn")
        for stream in ("j", "j-2", "b")
    ]
    assert [run.name for run in found] == [f"demo_xsub/{name}" for name in names]
    assert len(chosen_runs(CONFIG, PLAN, tmp_path, ["results/runs/demo"])) == 6
    assert chosen_runs(CONFIG, PLAN, tmp_path, ["results/runs"]) == PLAN.of_ensembles()


def test_page_needs_the_runs_of_its_tables_and_figures(tmp_path):
    page = {"tasks": ["demo_xsub"], "tables": [], "figures": ["demo_xsub_k_protogcn_vs_stgcn"]}
    found = chosen_runs({**CONFIG, "report": page}, PLAN, tmp_path, ["results/report.html"])
    assert [f"{run.model}/{run.stream}" for run in found] == [
        *(f"protogcn/{stream}" for stream in ("j", "b", "jm", "bm", "k", "km")),
        "stgcn/k",
    ]
    config = {key: value for key, value in CONFIG.items() if key != "report"}
    with pytest.raises(ConfigError, match="report: the config has no such section"):
        chosen_runs(config, PLAN, tmp_path, ["results/report.html"])


@pytest.mark.parametrize(
    ("figure", "runs"),
    [
        ("demo_xsub_2ens_confusion.png", ["protogcn/j", "protogcn/b"]),
        ("demo_xsub_2ens_streams.pdf", ["protogcn/j", "protogcn/b"]),
        ("demo_xsub_b-2_protogcn_vs_ctrgcn.png", ["protogcn/b-2", "ctrgcn/b-2"]),
    ],
)
def test_figure_needs_the_runs_that_it_shows(tmp_path, figure, runs):
    found = chosen_runs(CONFIG, PLAN, tmp_path, [f"results/{figure}"])
    assert [run.name for run in found] == [f"demo_xsub/{run}" for run in runs]


def test_learning_curves_are_of_all_trainings_of_a_model(tmp_path):
    found = chosen_runs(CONFIG, PLAN, tmp_path, ["results/demo_xsub_protogcn_learning_curves.png"])
    assert len(found) == 6


@pytest.mark.parametrize("target", ["results/demo_xsub_5ens.csv", ".", "", "/etc/passwd"])
def test_target_that_is_none_is_one_sentence(tmp_path, target):
    with pytest.raises(
        ConfigError, match=r"is no table and no run of the config; (expected such|did you mean)"
    ):
        chosen_runs(CONFIG, PLAN, tmp_path, [target])
