import pytest

from protogcn.config.plan import expand
from protogcn.config.targets import chosen
from protogcn.errors import ConfigError
from tests.made.config import repository_config

CONFIG = repository_config()
PLAN = expand(CONFIG)


def test_without_a_target_it_is_the_runs_that_have_a_directory(tmp_path):
    assert chosen(CONFIG, PLAN, tmp_path, []) == []
    run = PLAN.run("demo_xsub", "protogcn", "km")
    of_no_ensemble = PLAN.run("demo_xsub", "protogcn", "km-3")
    for folder in (run.folder, of_no_ensemble.folder, "results/runs/old/xsub/protogcn/j"):
        (tmp_path / folder).mkdir(parents=True)
    assert chosen(CONFIG, PLAN, tmp_path, []) == [run, of_no_ensemble]


def test_targets_are_tables_and_run_directories(tmp_path):
    targets = ["results/demo_xsub_2ens.csv", "results/runs/demo/xsub/protogcn/km/scores.npz"]
    streams = [run.stream for run in chosen(CONFIG, PLAN, tmp_path, targets)]
    assert streams == ["j", "b", "km"]
    targets = ["results/demo_xsub_2ens.csv", "results/demo_xsub_6ens.md"]
    assert len(chosen(CONFIG, PLAN, tmp_path, targets)) == 6
    found = chosen(CONFIG, PLAN, tmp_path, ["results/demo_table4.tex"])
    names = [
        f"{model}/{stream}"
        for model in ("stgcnpp@protogcn", "protogcn")
        for stream in ("j", "j-2", "b")
    ]
    assert [run.name for run in found] == [f"demo_xsub/{name}" for name in names]
    assert len(chosen(CONFIG, PLAN, tmp_path, ["results/runs/demo"])) == 6
    assert chosen(CONFIG, PLAN, tmp_path, ["results/runs"]) == PLAN.of_ensembles()


def test_page_needs_the_runs_of_its_tables_and_figures(tmp_path):
    page = {"tasks": ["demo_xsub"], "tables": [], "figures": ["demo_xsub_k_protogcn_vs_stgcn"]}
    found = chosen({**CONFIG, "report": page}, PLAN, tmp_path, ["results/report.html"])
    assert [f"{run.model}/{run.stream}" for run in found] == [
        *(f"protogcn/{stream}" for stream in ("j", "b", "jm", "bm", "k", "km")),
        "stgcn/k",
    ]
    config = {key: value for key, value in CONFIG.items() if key != "report"}
    with pytest.raises(ConfigError, match="report: the config has no such section"):
        chosen(config, PLAN, tmp_path, ["results/report.html"])


@pytest.mark.parametrize(
    ("figure", "runs"),
    [
        ("demo_xsub_2ens_confusion.png", ["protogcn/j", "protogcn/b"]),
        ("demo_xsub_2ens_streams.pdf", ["protogcn/j", "protogcn/b"]),
        ("demo_xsub_b-2_protogcn_vs_ctrgcn.png", ["protogcn/b-2", "ctrgcn/b-2"]),
    ],
)
def test_figure_needs_the_runs_that_it_shows(tmp_path, figure, runs):
    found = chosen(CONFIG, PLAN, tmp_path, [f"results/{figure}"])
    assert [run.name for run in found] == [f"demo_xsub/{run}" for run in runs]


def test_learning_curves_are_of_all_trainings_of_a_model(tmp_path):
    found = chosen(CONFIG, PLAN, tmp_path, ["results/demo_xsub_protogcn_learning_curves.png"])
    assert len(found) == 6


@pytest.mark.parametrize("target", ["results/demo_xsub_5ens.csv", ".", "", "/etc/passwd"])
def test_target_that_is_none_is_one_sentence(tmp_path, target):
    with pytest.raises(ConfigError, match="is no table and no run of the config, expected such"):
        chosen(CONFIG, PLAN, tmp_path, [target])
