import pytest

from protogcn.config.inputs import texts_of
from protogcn.config.options import OPTIONS
from protogcn.config.plan import expand
from protogcn.errors import ConfigError
from tests.made.config import repository_config


def plan_with(*where_and_set):
    config = repository_config()
    for number, (where, changes) in enumerate(where_and_set):
        config["overrides"][f"mine_{number}"] = {"where": where, "set": changes}
    return expand(config)


@pytest.fixture(scope="module")
def plan():
    return expand(repository_config())


@pytest.mark.parametrize("model", ["protogcn", "stgcnpp", "infogcn@protogcn", "protogcn@pyskl"])
def test_runs_without_an_option_are_what_they_were(plan, model):
    """Their settings, of which results are made anew if they change, do not name it."""
    run = plan.run("ntu120_xsub", model, "j")
    assert not {*OPTIONS} & {*run.settings}
    assert run.to_mapping()["settings"] == run.settings
    assert [run.option(name) for name in OPTIONS] == [*OPTIONS.values()]


def test_a_config_without_the_options_is_the_same_plan(plan):
    config = repository_config()
    for name in OPTIONS:
        del config["train"][name]
    older = expand(config)
    for names in [("ntu60_xsub", "protogcn", "b"), ("ntu120_xset", "frhead", "jm")]:
        assert older.run(*names) == plan.run(*names)


RECIPES = [
    # model, task, stream, epochs, batch, rate, schedule, steps, weight decay, preparation
    ("ctrgcn_authors", "ntu60_xsub", "j", 65, 64, 0.1, "steps", [35, 55], 4e-4, "first_frame"),
    ("skeletongcl", "ntu60_xsub", "b", 65, 64, 0.1, "steps", [35, 55], 4e-4, "first_frame"),
    ("infogcn", "ntu60_xview", "jm", 110, 128, 0.1, "steps", [90, 100], 5e-4, "own_axes"),
    ("hdgcn", "ntu60_xview", "b", 90, 64, 0.1, "cosine", [], 4e-4, "first_frame"),
    ("blockgcn", "ntu120_xsub", "j", 140, 64, 0.05, "steps", [110, 120], 4e-4, "first_frame"),
    ("frhead", "ntu60_xsub", "bm", 80, 64, 0.1, "steps", [35, 55], 4e-4, "first_frame"),
    ("frhead", "ntu60_xview", "bm", 70, 64, 0.1, "steps", [35, 55], 4e-4, "first_frame"),
    ("frhead", "ntu120_xset", "j", 70, 64, 0.1, "steps", [35, 55], 4e-4, "first_frame"),
]


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda each: "-".join(each[:3]))
def test_methods_have_the_recipes_of_their_authors(plan, recipe):
    model, task, stream, epochs, batch, rate, schedule, steps, decay, preparation = recipe
    run = plan.run(task, model, stream)
    settings = run.settings
    assert (settings["epochs"], settings["batch"], settings["learning_rate"]) == (
        epochs,
        batch,
        rate,
    )
    assert (run.option("schedule"), run.option("steps")) == (schedule, steps)
    assert (settings["weight_decay"], settings["preparation"]) == (decay, preparation)
    assert (run.option("sampling"), settings["frames"], settings["crops"]) == ("resized", 64, 1)
    assert (settings["rotation"], settings["swap"], settings["limb_drop"]) == (0.3, 0, 0)
    assert (run.option("warmup"), run.option("drop_last")) == (5, True)
    assert run.option("copy_person") == task.startswith("ntu120")
    assert run.option("bone_lengths") == (0.2 if model == "frhead" else 0)
    assert run.option("label_smoothing") == (0.1 if model == "infogcn" else 0)
    assert run.option("last_rate") == (1e-4 if model == "hdgcn" else 0)
    assert run.differences_crops == stream.endswith("m")


def test_settings_of_a_network_follow_stream_and_task_under_every_recipe(plan):
    found = [plan.run("ntu60_xsub", "infogcn@protogcn", s).network["k"] for s in ("j", "bm", "k")]
    assert found == [8, 1, 2]
    temperatures = [
        [plan.run(task, "skeletongcl", stream).network["temperature"] for stream in ("j", "b", "jm", "bm")]
        for task in ("ntu60_xsub", "ntu60_xview", "ntu120_xsub", "ntu120_xset")
    ]  # fmt: skip
    assert temperatures == [
        [0.8, 0.5, 0.5, 0.5],
        [0.8, 0.5, 1.0, 0.8],
        [0.8, 0.5, 0.8, 1.0],
        [0.5, 0.5, 0.5, 0.5],
    ]
    penalties = [
        plan.run(t, "frhead", "j").network["penalties"] for t in ("ntu60_xsub", "ntu120_xset")
    ]
    assert penalties == ["all", "right"]


@pytest.mark.parametrize("task", ["utd_mhad_xsub", "demo_xsub", "ntu60_xsub", "kinetics_val"])
def test_every_network_has_runs_of_every_dataset_by_its_recipe_and_by_the_common_one(plan, task):
    for model in plan.models:
        name, recipe = plan.runs.models[model]
        if name != "gap" and ("@" not in model or recipe == "protogcn"):
            assert plan.run(task, model, "b").dataset.name in task


def test_gap_asks_for_its_texts():
    config = repository_config()
    config["datasets"]["ntu60"]["text_embeddings"] = "texts.npz"
    plan = expand(config)
    run = plan.run("ntu60_xsub", "gap", "j")
    assert (run.settings["batch"], run.network["texts"]) == (200, "texts.npz")
    with pytest.raises(ConfigError, match=r"text_embeddings: texts\.npz does not exist; make"):
        texts_of(run)
    with pytest.raises(ConfigError, match=r"declare datasets\.utd_mhad\.text_embeddings"):
        texts_of(plan.run("utd_mhad_xsub", "gap", "j"))


def test_an_imported_network_of_gap_needs_no_texts():
    run = plan_with(({"model": "gap"}, {"checkpoint": "gap.pt"})).run("ntu60_xsub", "gap", "j")
    assert texts_of(run) == []
    assert "texts" not in run.network


def test_where_the_files_are_those_of_joints(plan):
    stored = {
        model: [
            plan.run("ntu60_xsub", model, stream).stored_modality for stream in ("j", "b", "jm")
        ]
        for model in ("ctrgcn_authors", "infogcn", "blockgcn@protogcn", "frhead", "frhead@protogcn")
    }
    assert stored == {
        "ctrgcn_authors": ["j", "b", "j"],
        "infogcn": ["j", "j", "j"],
        "blockgcn@protogcn": ["j", "j", "j"],
        "frhead": ["j", "j", "j"],
        "frhead@protogcn": ["j", "b", "jm"],
    }


CTRGCN, DEMO = {"recipe": "ctrgcn"}, {"dataset": "demo"}
WRONG = [
    (CTRGCN, {"crops": 10}, "crops is 10, but with sampling resized a clip has one test crop, its middle; set crops to 1"),
    (CTRGCN, {"steps": []}, "schedule is steps, but steps names no epochs"),
    (CTRGCN, {"schedule": "cosine"}, r"steps is \[35, 55\], but schedule is cosine; set schedule to steps, or steps to \[\]"),
    (CTRGCN, {"steps": [55, 35]}, r"steps is \[55, 35\], expected growing numbers of epochs, from the warmup 5 on"),
    (CTRGCN, {"steps": [35, 35]}, r"steps is \[35, 35\], expected growing"),
    (CTRGCN, {"steps": [3, 35]}, r"steps is \[3, 35\], expected growing numbers of epochs, from the warmup 5 on"),
    (CTRGCN, {"epochs": 40}, r"steps is \[35, 55\], but there are 40 epochs, so that the rate would not fall as asked; give the run steps of its own"),
    (CTRGCN, {"last_rate": 0.01}, "last_rate is 0.01, but schedule is steps; it is the end of a cosine"),
    (DEMO, {"warmup": 10}, "warmup is 10, expected fewer than the 10 epochs"),
    (DEMO, {"last_rate": 0.1}, "last_rate is 0.1, expected less than the learning_rate 0.1"),
]  # fmt: skip


@pytest.mark.parametrize(("where", "changes", "sentence"), WRONG)
def test_what_does_not_go_together_is_one_sentence(where, changes, sentence):
    # An ensemble has the demo's runs, so that the config is refused as a whole.
    with pytest.raises(ConfigError, match=rf"^run \w+/\w+/\w+: {sentence}"):
        plan_with((where, changes)).run("ntu60_xsub", "ctrgcn_authors", "j")


def test_a_copy_needs_a_second_slot():
    changed = plan_with(({"dataset": "utd_mhad", "model": "stgcn"}, {"copy_person": True}))
    with pytest.raises(
        ConfigError, match=r"datasets\.utd_mhad\.persons is 1, so there is no second"
    ):
        changed.run("utd_mhad_xsub", "stgcn", "j")


def test_infogcn_on_bones_has_the_k_of_bones():
    sentence = "model.k is 8, but in stream bm InfoGCN reads joints relative to their ancestor 1 up"
    changed = plan_with(({"model": "infogcn", "modality": "bm"}, {"model": {"k": 8}}))
    with pytest.raises(ConfigError, match=f"run ntu60_xsub/infogcn/bm: {sentence}"):
        changed.run("ntu60_xsub", "infogcn", "bm")


@pytest.mark.parametrize(
    ("preparation", "lacks"), [("own_axes", "spine and no pair"), ("first_frame", "centre")]
)
def test_preparations_name_what_a_layout_lacks(preparation, lacks):
    config = repository_config()
    layout = config["skeletons"]["utd20"]
    del layout["spine"], layout["centre"]
    if preparation == "own_axes":
        layout["centre"] = 1
    config["overrides"]["mine"] = {
        "where": {"dataset": "utd_mhad"},
        "set": {"preparation": preparation},
    }
    with pytest.raises(
        ConfigError, match=rf"skeletons\.utd20: has no {lacks}.* preparation {preparation}"
    ):
        expand(config)
