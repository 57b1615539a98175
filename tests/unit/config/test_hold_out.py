import pytest

from protogcn.config.folds import has_fold_table, runs_of_folds, scores_of_folds
from protogcn.config.plan import expand
from protogcn.config.resolved import dataset_from_mapping
from protogcn.config.targets import targets_of
from protogcn.config.validation import has_val
from protogcn.errors import ConfigError
from tests.made.config import repository_config


def plan_with(hold_out, **overrides):
    config = repository_config()
    config["datasets"]["demo"]["hold_out"] = hold_out
    config["overrides"] |= {
        name: {"where": where, "set": changes} for name, (where, changes) in overrides.items()
    }
    return expand(config)


def test_a_twin_is_a_task_with_the_settings_of_its_split():
    plan = plan_with({"by": "subject"}, mine=({"task": "demo_xsub"}, {"epochs": 7}))
    run, twin = (plan.run(task, "protogcn", "b") for task in ("demo_xsub", "demo_xsub_held_out"))
    assert twin.settings == run.settings | {"select_on": "val"}
    assert twin.settings["epochs"] == 7
    assert twin.network == run.network
    assert ("demo_xsub_held_out", "2ens") in plan.ensembles


def test_a_where_may_name_the_twin_alone():
    changes = {"epochs": 3, "select_on": "test"}
    plan = plan_with({"by": "subject"}, mine=({"task": "demo_xsub_held_out"}, changes))
    twin = plan.run("demo_xsub_held_out", "protogcn", "j").settings
    assert (twin["epochs"], twin["select_on"]) == (3, "test")
    assert plan.run("demo_xsub", "protogcn", "j").settings["epochs"] == 10


def test_a_file_that_is_imported_is_not_taken_for_a_twin_unasked():
    file = {"checkpoint": "{stream}.pth"}
    plan = plan_with({"by": "subject"}, mine=({"task": "demo_xsub"}, file))
    assert plan.run("demo_xsub", "protogcn", "j").settings["checkpoint"] == "j.pth"
    assert "checkpoint" not in plan.run("demo_xsub_held_out", "protogcn", "j").settings
    asked = plan_with({"by": "subject"}, mine=({"task": "demo_xsub_held_out"}, file))
    assert asked.run("demo_xsub_held_out", "protogcn", "j").settings["checkpoint"] == "j.pth"


def test_a_validation_curve_of_a_twin_is_of_the_clips_held_out():
    plan = plan_with(
        {"by": "subject"}, mine=({"task": "demo_xsub_held_out"}, {"validate_every": 2})
    )
    twin = plan.run("demo_xsub_held_out", "protogcn", "j")
    assert twin.settings["validate_on"] == "val"
    assert has_val(twin)
    assert not has_val(plan.run("demo_xsub", "protogcn", "j"))


def test_a_dataset_that_holds_nothing_out_is_the_one_that_it_was():
    without = repository_config()
    dataset = expand(without).datasets["demo"]
    assert "hold_out" not in dataset.to_mapping()
    assert dataset.task_splits == dataset.splits
    held_out = plan_with({"by": "camera", "folds": 2}).datasets["demo"]
    assert dataset_from_mapping(held_out.to_mapping()).twins == held_out.twins


def test_folds_are_tasks_and_one_table():
    plan = plan_with({"by": "subject", "folds": 2})
    assert runs_of_folds(plan, "demo_xsub", "2ens") == [
        ("demo_xsub_fold1", "protogcn", "j"),
        ("demo_xsub_fold1", "protogcn", "b"),
        ("demo_xsub_fold2", "protogcn", "j"),
        ("demo_xsub_fold2", "protogcn", "b"),
    ]
    assert (
        scores_of_folds(plan, "demo_xsub", "2ens")[2]
        == "results/runs/demo/xsub_fold2/protogcn/j/val_scores.npz"
    )
    found = targets_of(plan, {})
    assert found["demo_xsub_2ens_folds"].runs == tuple(runs_of_folds(plan, "demo_xsub", "2ens"))
    assert "ntu60_xsub_2ens_folds" not in found


def test_learned_weights_have_no_table_over_the_folds_they_are_learned_on():
    config = repository_config()
    config["datasets"]["demo"]["hold_out"] = {"by": "subject", "folds": 2}
    config["ensembles"]["mine"] = {
        "streams": ["j", "b"],
        "weights": "learned",
        "tasks": ["demo_xsub_fold1"],
    }
    plan = expand(config)
    assert not has_fold_table(plan, "demo_xsub_fold1", "mine")
    with pytest.raises(ConfigError, match="demo_xsub_fold1_2ens has no table over folds"):
        runs_of_folds(plan, "demo_xsub_fold1", "2ens")
