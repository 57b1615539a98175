import dataclasses

import pytest
import yaml
from snakemake.utils import update_config

from protogcn.config.datasets import missing_raw
from protogcn.config.facts import ntu_facts
from protogcn.config.plan import expand
from protogcn.config.resolved import MODALITIES
from protogcn.data.simulator.actions import CLASS_NAMES
from protogcn.errors import ConfigError
from tests.made.config import changed, repository_config

NTU_TASKS = ("ntu60_xsub", "ntu60_xview", "ntu120_xsub", "ntu120_xset")

# The 24 released NTU settings: (swap, limb drop) of j b k jm bm km.
RELEASED_AUGMENTATION = {
    "ntu60_xsub": {"j": (0, 0), "b": (0.5, 0), "k": (0.5, 0), "jm": (0, 0), "bm": (0.5, 0), "km": (0.5, 0)},
    "ntu60_xview": {"j": (0, 0), "b": (0, 0), "k": (0, 0.2), "jm": (0, 0), "bm": (0, 0), "km": (0, 0.2)},
    "ntu120_xsub": {"j": (0.5, 0), "b": (0.5, 0), "k": (0, 0.2), "jm": (0.5, 0), "bm": (0.5, 0), "km": (0, 0.2)},
    "ntu120_xset": {"j": (0, 0), "b": (0.5, 0), "k": (0.5, 0), "jm": (0, 0), "bm": (0.5, 0), "km": (0.5, 0)},
}  # fmt: skip
RELEASED_PROTOTYPES = {"j": (400, 0.2), "b": (100, 0.3), "k": (100, 0.1)}


@pytest.fixture(scope="module")
def plan():
    return expand(repository_config())


@pytest.mark.parametrize("task", NTU_TASKS)
def test_ntu_runs_have_the_released_settings(plan, task):
    for stream, augmentation in RELEASED_AUGMENTATION[task].items():
        run = plan.run(task, "protogcn", stream)
        settings, network = run.settings, run.network
        assert (settings["swap"], settings["limb_drop"]) == augmentation
        assert (network["prototypes"], network["contrast_weight"]) == RELEASED_PROTOTYPES[stream[0]]
        assert (settings["batch"], settings["learning_rate"]) == (64, 0.1)
        assert (settings["epochs"], settings["frames"], settings["crops"]) == (150, 100, 10)
        assert (settings["rotation"], settings["weight_decay"]) == (0.2, 5e-4)
        assert (network["width"], network["blocks"], network["downsample"]) == (96, 10, [5, 8])


@pytest.mark.parametrize("task", ["kinetics_val", "finegym_val"])
def test_pose_runs_have_the_released_settings(plan, task):
    """The 12 configurations of Kinetics and FineGYM differ in their data only."""
    for stream in MODALITIES:
        run = plan.run(task, "protogcn", stream)
        settings, network = run.settings, run.network
        assert (settings["rotation"], settings["swap"], settings["limb_drop"]) == (0, 0, 0)
        assert (settings["mirror"], settings["preparation"]) == (0.5, "raw")
        assert (settings["short_clips"], settings["crop_borders"]) == ("spread", "released")
        assert (settings["batch"], settings["learning_rate"]) == (64, 0.1)
        assert (settings["epochs"], settings["frames"], settings["crops"]) == (150, 100, 10)
        assert (network["prototypes"], network["contrast_weight"]) == RELEASED_PROTOTYPES[stream[0]]
        assert (run.differences_crops, run.stored_modality) == (stream.endswith("m"), stream[0])


def test_motion_of_3d_is_that_of_the_clip(plan):
    assert plan.run("ntu60_xsub", "protogcn", "jm").stored_modality == "jm"


def test_classes_without_names_are_numbered(plan):
    assert plan.datasets["finegym"].classes[:2] == ("class_000", "class_001")
    assert len(plan.datasets["finegym"].classes) == 99
    assert len(plan.datasets["kinetics"].classes) == 400


def test_ensembles_have_the_released_weights(plan):
    schemes = {name: plan.ensembles["ntu120_xsub", name] for name in ("2ens", "4ens", "6ens")}
    assert schemes["2ens"].streams == {"j": 1, "b": 1}
    assert schemes["4ens"].streams == {"j": 2, "b": 2, "jm": 1, "bm": 1}
    assert schemes["6ens"].streams == {"j": 2, "b": 2, "k": 2, "jm": 1, "bm": 1, "km": 1}
    assert {scheme.space for scheme in schemes.values()} == {"probability"}


def test_an_ensemble_asks_only_for_its_streams(plan):
    assert [run.stream for run in plan.members("ntu60_xview", "2ens")] == ["j", "b"]


def test_demo_classes_are_the_simulators(plan):
    assert plan.datasets["demo"].classes == CLASS_NAMES


def test_ntu60_has_the_first_60_class_names(plan):
    assert len(plan.datasets["ntu60"].classes) == 60
    assert plan.datasets["ntu60"].classes[42] == "falling"
    assert len(plan.datasets["ntu120"].classes) == 120


def test_split_rules_of_the_facts_are_those_of_the_papers():
    facts = ntu_facts()
    subjects = facts["ntu120"]["splits"]["xsub"]["train_subjects"]
    assert len(subjects) == 53
    assert facts["ntu60"]["splits"]["xsub"]["train_subjects"] == [s for s in subjects if s <= 40]
    assert facts["ntu60"]["splits"]["xview"]["train_cameras"] == [2, 3]
    assert facts["ntu120"]["splits"]["xset"]["train_setups"] == list(range(2, 33, 2))


def test_later_override_wins():
    config = repository_config()
    for rate in (0.3, 0.4):
        config["overrides"][f"rate{rate}"] = {
            "where": {"stream": "j"},
            "set": {"learning_rate": rate},
        }
    assert expand(config).run("demo_xsub", "protogcn", "j").settings["learning_rate"] == 0.4


def test_an_override_of_the_engine_changes_no_setting(plan):
    entry = {"where": {"dataset": "demo"}, "set": {"engine": {"device": "cpu"}}}
    run = expand(changed("overrides.cpu", entry)).run("demo_xsub", "protogcn", "j")
    before = plan.run("demo_xsub", "protogcn", "j")
    assert run.engine == {**before.engine, "device": "cpu"}
    assert run.settings == before.settings


def test_a_model_under_another_recipe_is_a_run_of_its_own(plan):
    own, other = (plan.run("ntu60_xsub", name, "b") for name in ("stgcnpp", "stgcnpp@protogcn"))
    assert own.network == other.network == {"network": "stgcnpp", "width": 64, "blocks": 10, "downsample": [5, 8]}  # fmt: skip
    assert (own.settings["epochs"], own.settings["preparation"]) == (80, "aligned")
    assert other.settings == plan.run("ntu60_xsub", "protogcn", "b").settings
    assert other.folder == "results/runs/ntu60/xsub/stgcnpp@protogcn/b" != own.folder
    swapped = plan.run("ntu60_xsub", "protogcn@pyskl", "b")
    assert swapped.settings == own.settings
    assert swapped.network == plan.run("ntu60_xsub", "protogcn", "b").network
    assert "stgcnpp@pyskl" not in plan.models


def test_an_imported_file_is_of_the_models_own_recipe_unless_the_override_names_another():
    config = repository_config()
    entry = {"where": {"model": "stgcn"}, "set": {"checkpoint": "own/{stream}.pth"}}
    config["overrides"]["own"] = entry
    plan = expand(config)
    assert plan.run("ntu60_xsub", "stgcn", "j").settings["checkpoint"] == "own/j.pth"
    assert "checkpoint" not in plan.run("ntu60_xsub", "stgcn@protogcn", "j").settings
    entry["where"]["recipe"] = "protogcn"
    plan = expand(config)
    assert "checkpoint" not in plan.run("ntu60_xsub", "stgcn", "j").settings
    assert "checkpoint" in plan.run("ntu60_xsub", "stgcn@protogcn", "j").settings


def test_repeats_are_runs_with_the_next_seed():
    plan = expand(
        changed("ensembles.twice", {"streams": {"j": 1, "j-2": 1}, "tasks": ["demo_xsub"]})
    )
    second = plan.run("demo_xsub", "protogcn", "j-2")
    assert (second.modality, second.repeat, second.stream) == ("j", 2, "j-2")
    assert second.settings["seed"] == plan.run("demo_xsub", "protogcn", "j").settings["seed"] + 1
    assert ("ntu60_xsub", "twice") not in plan.ensembles


def override(where, **settings):
    return repository_config()["overrides"] | {"mine": {"where": where, "set": settings}}


@pytest.mark.parametrize(
    ("path", "value", "sentence"),
    [
        ("ensembles.6ens.streams", {"v": 1}, r"ensembles\.6ens\.streams: 'v' is not a stream, expected j, b"),
        ("ensembles.6ens.streams", {"j-1": 1}, "'j-1' is not a stream"),
        ("ensembles.6ens.model", "protogcm", "'protogcm' does not exist.*did you mean 'protogcn'"),
        ("ensembles.6ens.tasks", ["demo_xview"], r"ensembles\.6ens\.tasks: 'demo_xview' does not exist"),
        ("overrides", override({"dataset": "dmeo"}, swap=0.5), r"overrides\.mine\.where\.dataset: 'dmeo' does not exist.*'demo'"),
        ("overrides", override({"stream": "j-7", "modality": "b"}, swap=0.5), r"overrides\.mine\.where: .* matches no run"),
        ("overrides", override({"stream": ["j", "bb"]}, swap=0.5), r"overrides\.mine\.where\.stream: 'bb' is not a stream"),
        ("overrides", override({"model": "stgcnpp@protogcn"}, swap=0.5), r"mine\.where\.model: found 'stgcnpp@protogcn', expected \{model: stgcnpp, recipe: protogcn\}"),
        ("overrides", override({"recipe": "pyskll"}, swap=0.5), r"mine\.where\.recipe: 'pyskll' does not exist.*'pyskl'"),
        ("overrides", override({"model": "stgcn_same"}, swap=0.5), r"stgcn_same is now stgcn@protogcn, .*\{model: stgcn, recipe"),
        ("ensembles.6ens.model", "ctrgcn_same", r"6ens\.model: ctrgcn_same is now ctrgcn@protogcn"),
        ("models.stgcn.recipe", "pysk", r"models\.stgcn\.recipe: no override has recipe 'pysk' .*did you mean 'pyskl'"),
        ("datasets.demo.simulate.classes", 4, "simulate.classes is 4, but classes has 12 names"),
        ("overrides", override({"dataset": "ntu60", "task": "demo_xsub"}, swap=0.5), "matches no run"),
        ("overrides", override({"dataset": "demo"}, preparation="raw", model={"downsample": [11]}), "names block 11"),
        ("overrides", override({"dataset": "demo"}, model={"subsets": 7}), r"model\.subsets: found 7, expected a divisor"),
        ("datasets.demo.skeleton", "ntu24", "'ntu24' is not a layout.*did you mean 'ntu25'"),
        ("datasets.demo.raw", "x", "expected either raw or simulate"),
        ("datasets.utd_mhad.splits", ["label"], "splits: label is the name of another column"),
        ("datasets.ntu60.splits", ["xset"], "xset is not a split of ntu60, expected xsub, xview"),
        ("datasets.demo.skeleton", "utd20", "needs a protocol"),
        ("skeletons.ntu25", {"joints": ["a"], "parents": [0]}, "this layout is built in"),
        ("skeletons.utd20.limbs", {}, "limb_drop is 0.5, but skeletons.utd20 declares no limbs"),
        ("skeletons.utd20.pairs", [], "swap is 0.5, but skeletons.utd20 declares no pairs"),
        ("skeletons.utd20.centre", None, r"run utd_mhad_xsub/protogcn/j: skeletons.utd20: has no centre, preparation centred needs it\. It is from the section train; .*set: {preparation: raw}}"),
        ("overrides", override({"dataset": "ntu60"}, mirror=0.5), "mirror is 0.5, but skeletons.ntu25 is not in_image"),
        ("overrides", override({"dataset": "finegym"}, rotation=0.2), "rotation is 0.2, but skeletons.coco20 holds pixels"),
        ("overrides", override({"dataset": "finegym"}, preparation="centred"), "coco20: holds pixels and scores, which prep"),
        ("overrides", override({"dataset": "finegym"}, swap=0.5, swap_style="clean"), "swap is 0.5, but .*swap_style clean could change; use mirror"),
        ("datasets.ntu60.kpfiles", "data/kpfiles", r"datasets\.ntu60\.kpfiles: goes with an annotation pickle"),
        ("datasets.finegym.class_names", "no.txt", "finegym.class_names: no.txt: No such file or directory, expected a"),
        ("datasets.finegym.classes", None, "datasets.finegym: lacks classes, the class names in label order or how"),
        ("skeletons.utd20.midpoints", [[3, 4, 5]], r"utd20.midpoints: makes the joints \[3\], expected the last 1 of"),
        ("skeletons.utd20.midpoints", [[19, 4, 55]], "utd20.midpoints: joint 55 does not exist"),
        ("skeletons.utd20.parents", [0] * 3, "3 entries for 20 joints"),
    ],
)  # fmt: skip
def test_what_does_not_fit_together_is_one_sentence(path, value, sentence):
    config = changed(path, value)
    if "0.5, but" in sentence:
        key = sentence.split()[0]
        config["overrides"]["more"] = {"where": {"dataset": "utd_mhad"}, "set": {key: 0.5}}
    with pytest.raises(ConfigError, match=sentence):
        expand(config)


def test_file_on_top_adds_to_the_released_settings():
    """As Snakemake merges files: maps are merged."""
    config = repository_config()
    more = {"overrides": override({"dataset": "demo"}, epochs=5)}
    update_config(config, more)
    plan = expand(config)
    assert plan.run("demo_xsub", "protogcn", "j").settings["epochs"] == 5
    assert plan.run("demo_xsub", "protogcn", "j").network["width"] == 24
    assert plan.run("ntu120_xsub", "protogcn", "b").network["prototypes"] == 100


def test_what_the_plan_does_not_have_is_named(plan):
    with pytest.raises(
        ConfigError, match=r"ensembles\.7ens is not made for demo_xsub; expected one of"
    ):
        plan.ensemble("demo_xsub", "7ens")
    with pytest.raises(ConfigError, match=r"run demo_xsub/protogcn/x: 'x' is not a stream"):
        plan.run("demo_xsub", "protogcn", "x")
    with pytest.raises(ConfigError, match=r"'demo_xset' does not exist.*did you mean 'demo_xsub'"):
        plan.run("demo_xset", "protogcn", "j")
    with pytest.raises(ConfigError, match=r"run demo_xsub/gcn/j: 'gcn' does not exist"):
        plan.run("demo_xsub", "gcn", "j")


def test_a_run_need_not_be_of_an_ensemble(plan):
    run = plan.run("demo_xsub", "protogcn", "km-12")
    assert (run.name, run.settings["seed"]) == ("demo_xsub/protogcn/km-12", 11)
    assert run.network["contrast_weight"] == 0.1


def test_words_about_where_to_get_the_data_are_no_setting(plan):
    dataset = plan.datasets["ntu60"]
    other = dataclasses.replace(dataset, source="elsewhere")
    assert other.to_mapping() == dataset.to_mapping()


def test_missing_raw_file_says_where_to_get_it_and_where_to_put_it(plan, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    sentence = missing_raw(plan.datasets["ntu120"])
    assert "data/ntu120_3danno.pkl does not exist" in sentence
    assert "PYSKL" in sentence
    assert "set datasets.ntu120.raw to where it is" in sentence
    assert missing_raw(plan.datasets["demo"]) is None


def test_every_setting_is_documented():
    """config/README.md names every key of the schema."""
    from tests.made.config import REPOSITORY, SCHEMA

    schema = yaml.safe_load(SCHEMA.read_text())
    text = (REPOSITORY / "config/README.md").read_text()
    sections = [
        schema["$defs"][name]["properties"] for name in ("settings", "dataset", "model", "skeleton")
    ]
    keys = {key for section in [*sections, schema["properties"]] for key in section}
    assert [key for key in sorted(keys) if f"`{key}`" not in text] == []


def test_another_number_of_trainings_per_gpu_makes_no_run_anew():
    plans = [expand(changed("engine.trainings_per_gpu", number)) for number in (1, 4)]
    first, second = (plan.run("demo_xsub", "protogcn", "j").to_mapping() for plan in plans)
    assert first == second
    assert [plan.trainings_per_gpu for plan in plans] == [1, 4]


def test_a_baseline_on_a_layout_of_ones_own_is_told_what_to_write():
    config = changed(
        "datasets.mine", {"raw": "m.pkl", "skeleton": "utd20", "classes": 2, "splits": ["xsub"]}
    )
    del config["skeletons"]["utd20"]["spine"], config["skeletons"]["utd20"]["shoulders"]
    config["overrides"]["mine"] = {"where": {"dataset": "mine"}, "set": {"frames": 48}}
    plan = expand(config)
    with pytest.raises(
        ConfigError,
        match=r"run mine_xsub/stgcnpp/j: skeletons.utd20: has no spine and no shoulders.* from"
        r" overrides.released_baselines; .* {where: {dataset: mine}, set: {preparation: centred}}\."
        r" Or ask for stgcnpp@protogcn",
    ):
        plan.run("mine_xsub", "stgcnpp", "j")
    config["overrides"]["more"] = {"where": {"dataset": "mine"}, "set": {"preparation": "centred"}}
    assert expand(config).run("mine_xsub", "stgcnpp", "j").settings["preparation"] == "centred"
