"""Which file a training needs before it starts: one that is there, or another run's."""

from pathlib import Path

import pytest

from protogcn.config.starts import file_to_start_from
from protogcn.config.targets import chosen_runs
from protogcn.errors import ConfigError
from tests.made.config import repository_config
from tests.unit.config.test_start_from import plan_with

RUNS = "results/runs/demo/xsub/protogcn"


def start_of(plan, stream="j", task="demo_xsub", model="protogcn"):
    return file_to_start_from(plan.run(task, model, stream), plan)


@pytest.fixture(autouse=True)
def workplace(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_nothing_is_needed_by_default():
    assert start_of(plan_with()) == []


def test_file_that_is_there_is_needed(workplace):
    (workplace / "a.pth").touch()
    assert start_of(plan_with(({"dataset": "demo"}, {"start_from": "a.pth"}))) == ["a.pth"]


@pytest.mark.parametrize("place", ["", "/"])
def test_another_run_of_the_config_is_trained_first(workplace, place):
    place = f"{workplace}/" if place else ""
    plan = plan_with(({"stream": "j-2", "dataset": "demo"}, {"start_from": f"{place}{RUNS}/j"}))
    assert start_of(plan, "j-2") == [f"{RUNS}/j/checkpoint.pt"]
    assert start_of(plan) == []


def test_chain_of_runs_is_followed():
    plan = plan_with(
        ({"stream": "j-2", "dataset": "demo"}, {"start_from": f"{RUNS}/j"}),
        ({"stream": "j-3", "dataset": "demo"}, {"start_from": f"{RUNS}/j-2"}),
    )
    assert start_of(plan, "j-3") == [f"{RUNS}/j-2/checkpoint.pt"]


def test_status_of_a_target_has_the_runs_that_its_runs_start_from():
    plan = plan_with(({"stream": "b", "dataset": "demo"}, {"start_from": f"{RUNS}/jm"}))
    runs = chosen_runs(repository_config(), plan, Path(), ["results/demo_xsub_2ens.csv"])
    assert [run.stream for run in runs] == ["j", "jm", "b"]


@pytest.mark.parametrize("file", ["a.pth", "results/runs/gone/xsub/protogcn/j", f"{RUNS}/j/old.pt"])
def test_missing_file_is_one_sentence(file):
    plan = plan_with(({"dataset": "demo"}, {"start_from": file}))
    with pytest.raises(
        ConfigError,
        match=r"run demo_xsub/protogcn/b: its start_from, .*, does not exist in .* no run",
    ):
        start_of(plan, "b")


def test_folder_that_is_no_run_is_one_sentence(workplace):
    (workplace / "old").mkdir()
    plan = plan_with(({"dataset": "demo"}, {"start_from": "old"}))
    with pytest.raises(ConfigError, match="old, is a folder, expected a checkpoint, and no run"):
        start_of(plan)


@pytest.mark.parametrize("length", [1, 2, 3])
def test_runs_that_start_from_each_other_are_refused(length):
    overrides = [
        ({"stream": f"j-{2 + n}", "dataset": "demo"}, {"start_from": f"{RUNS}/j-{2 + (n + 1) % length}"})
        for n in range(length)
    ]  # fmt: skip
    plan = plan_with(*overrides, ({"stream": "j-9"}, {"start_from": f"{RUNS}/j-2"}))
    for stream in ("j-2", "j-9"):
        with pytest.raises(ConfigError, match=r"j-2; a run cannot start from itself"):
            start_of(plan, stream)


def test_another_joint_layout_is_refused_before_anything_is_trained():
    plan = plan_with(({"dataset": "utd_mhad"}, {"start_from": f"{RUNS}/{{stream}}"}))
    sentence = (
        "run utd_mhad_xsub/protogcn/b: start_from results/runs/demo/xsub/protogcn/b/checkpoint.pt"
        " is a network of the joint layout ntu25 (25 joints), but this run's is utd20 (20 joints);"
        " weights of one layout mean nothing in another. Start from a network of this layout, or"
        " set start_from to null."
    )
    with pytest.raises(ConfigError) as error:
        start_of(plan, "b", "utd_mhad_xsub")
    assert str(error.value) == sentence


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"model": {"width": 48}}, "whose network has width 24 instead of 48; give both the same"),
        ({"model": {"blocks": 3}}, "blocks 4 instead of 3"),
        ({"model": {"prototypes": 7}}, "prototypes 100 instead of 7"),
    ],
)
def test_another_network_is_refused_before_anything_is_trained(changes, sentence):
    plan = plan_with(
        ({"dataset": "demo", "stream": "j-2", "model": "protogcn"}, {"start_from": f"{RUNS}/j", **changes})
    )  # fmt: skip
    with pytest.raises(ConfigError, match=sentence):
        start_of(plan, "j-2")


def test_run_of_imported_scores_has_no_network():
    plan = plan_with(
        ({"dataset": "demo", "stream": "j"}, {"scores": "s.pkl"}),
        ({"dataset": "demo", "stream": "j-2"}, {"start_from": f"{RUNS}/j"}),
    )
    with pytest.raises(ConfigError, match=r"imported from s\.pkl, so there is no network"):
        start_of(plan, "j-2")
