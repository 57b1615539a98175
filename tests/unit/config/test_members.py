import copy

import pytest
from snakemake.utils import update_config

from protogcn.config.cells import table_from_mapping
from protogcn.config.members import split_member
from protogcn.config.plan import expand
from protogcn.config.schema import check_schema
from protogcn.config.strict_yaml import read_yaml
from protogcn.config.tables import common_recipe, resolve_tables
from protogcn.config.targets import chosen_runs, page_of, targets_of
from protogcn.errors import ConfigError
from tests.made.config import SCHEMA, repository_config

MIXED = {
    "model": "stgcnpp",
    "streams": {"j": 2, "protogcn/j": 1, "stgcn@protogcn/b-2": 0.5},
    "tasks": ["demo_xsub"],
}
TABLE = {
    "rows": "streams",
    "methods": {"All": "stgcnpp"},
    "streams": {"mix": ["mixed", "mixed-2"]},
    "tasks": ["demo_xsub"],
}


CONFIG = repository_config()


def config_with(**more):
    config = copy.deepcopy(CONFIG)
    update_config(config, {"ensembles": {"mixed": MIXED}, **more})
    return config


def mixed_with(streams):
    config = copy.deepcopy(CONFIG)
    config["ensembles"]["mixed"] = MIXED | {"streams": streams}
    return expand(config)


@pytest.fixture(scope="module")
def plan():
    return expand(config_with())


def test_members_and_being_on_the_page_fit_the_schema():
    config = config_with(ensembles={"mixed": {**MIXED, "on_page": False}})
    check_schema(config, read_yaml(SCHEMA))


@pytest.mark.parametrize(
    ("name", "member"),
    [
        ("j", ("own", "j")),
        ("hdgcn_root2/b-2", ("hdgcn_root2", "b-2")),
        ("stgcn@protogcn/jm", ("stgcn@protogcn", "jm")),
    ],
)
def test_a_member_names_its_model_or_is_of_the_ensembles_own(name, member):
    assert split_member(name, "own") == member


def test_the_runs_of_a_mixture_are_of_the_models_that_it_names(plan):
    assert [run.name for run in plan.members("demo_xsub", "mixed")] == [
        "demo_xsub/stgcnpp/j", "demo_xsub/protogcn/j", "demo_xsub/stgcn@protogcn/b-2",
    ]  # fmt: skip


def test_the_arguments_of_a_mixture_have_its_members_as_they_are_named(plan):
    arguments = plan.ensemble("demo_xsub", "mixed").arguments("demo_xsub")
    assert arguments.startswith("--streams j protogcn/j stgcn@protogcn/b-2 --weights 2 1 0.5 ")
    assert arguments.endswith("--model stgcnpp")


def test_figures_of_a_mixture_need_its_runs():
    config = config_with()
    plan = expand(config)
    known = targets_of(plan, resolve_tables(config, plan))
    runs = [("demo_xsub", *member) for member in plan.ensemble("demo_xsub", "mixed").members]
    for kind in ("", "_confusion", "_streams"):
        assert known[f"demo_xsub_mixed{kind}"].runs == tuple(runs)
    assert known["demo_xsub_stgcn@protogcn_learning_curves"].runs == (runs[2],)
    assert runs[1] in known["demo_xsub_protogcn_learning_curves"].runs


def test_status_of_a_mixture_shows_the_runs_of_every_model(tmp_path):
    config = config_with()
    found = chosen_runs(config, expand(config), tmp_path, ["results/demo_xsub_mixed.csv"])
    assert [run.model for run in found] == ["stgcnpp", "protogcn", "stgcn@protogcn"]


def test_a_page_shows_the_trainings_of_every_model_of_its_largest_ensemble():
    config = config_with()
    config["ensembles"] = {"mixed": config["ensembles"]["mixed"]}
    config["tables"] = {}
    plan = expand(config)
    page = page_of(plan, targets_of(plan, {}), {"tasks": ["demo_xsub"]})
    assert page.tables == ("demo_xsub_mixed", "demo_xsub_mixed_worth")
    assert page.figures[3:] == tuple(
        f"demo_xsub_{model}_learning_curves"
        for model in ("stgcnpp", "protogcn", "stgcn@protogcn")
    )  # fmt: skip


def test_an_ensemble_that_is_not_on_the_page_adds_no_run_to_it():
    config = config_with(ensembles={"mixed": {**MIXED, "on_page": False}})
    plan = expand(config)
    known = targets_of(plan, resolve_tables(config, plan))
    pages = [
        page_of(expand(each), known, {"tasks": ["demo_xsub"]}) for each in (config, CONFIG)
    ]  # fmt: skip
    assert pages[0] == pages[1]
    entry = {"tasks": ["demo_xsub"], "tables": ["demo_xsub_mixed"]}
    assert plan.run("demo_xsub", "stgcn@protogcn", "b-2") in page_of(plan, known, entry).runs


def test_learning_curves_need_no_training_for_an_ensemble_that_is_not_on_the_page():
    extra = {"streams": {"protogcn/j-3": 1}, "tasks": ["demo_xsub"], "on_page": False}
    plan = expand(config_with(ensembles={"mixed": MIXED, "extra": extra}))
    assert ("demo_xsub", "protogcn", "j-3") not in plan.fused_runs()["demo_xsub", "protogcn"]


def test_a_table_measures_a_mixture_and_its_repeats():
    config = config_with(tables={"mine": TABLE})
    table = resolve_tables(config, expand(config))["mine"]
    assert table.runs == [
        ("demo_xsub", "stgcnpp", "j"),
        ("demo_xsub", "protogcn", "j"),
        ("demo_xsub", "stgcn@protogcn", "b-2"),
        ("demo_xsub", "stgcnpp", "j-3"),
        ("demo_xsub", "protogcn", "j-3"),
        ("demo_xsub", "stgcn@protogcn", "b-4"),
    ]
    assert table_from_mapping(table.to_mapping()) == table


def test_plain_members_are_of_each_method_of_a_table_and_named_ones_stay():
    methods = {"A": "stgcn", "B": "ctrgcn"}
    table = TABLE | {"rows": "methods", "methods": methods, "streams": {"mix": "mixed"}}
    config = config_with(tables={"mine": table})
    cells = resolve_tables(config, expand(config))["mine"].cells
    assert [[model for _, model, _ in cell.runs] for cell in cells] == [
        ["stgcn", "protogcn", "stgcn@protogcn"], ["ctrgcn", "protogcn", "stgcn@protogcn"],
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("streams", "sentence"),
    [
        ({"stgcnp/j": 1}, r"ensembles\.mixed\.streams, stgcnp/j: 'stgcnp' does not exist.*did you mean 'stgcn"),
        ({"protogcn/jj": 1}, r"streams, protogcn/jj: 'jj' is not a stream"),
        ({"protogcn/": 1}, r"streams, protogcn/: '' is not a stream"),
        ({"/j": 1}, r"streams, /j: '' does not exist"),
        ({"stgcn/protogcn/j": 1}, r"found 'stgcn/protogcn/j', expected MODEL/STREAM, such as protogcn/j"),
        ({"j/protogcn": 1}, r"found 'j/protogcn', expected protogcn/j"),
        ({"protogcn": 1}, r"streams: protogcn is a model, expected its streams, as in protogcn/j"),
        ({"j": 1, "stgcnpp/j": 1}, r"streams: j and stgcnpp/j are one run, stgcnpp/j"),
        ({"protogcn/j ": 1}, r"'j ' is not a stream"),
        ({"v": 1}, r"streams: 'v' is not a stream"),
        ({"protogcn/j-1": 1}, r"'j-1' is not a stream"),
        ({"stgcn@pyskl/j": 1}, r"'stgcn@pyskl' does not exist, expected stgcn, under its own recipe, or one of stgcn@protogcn"),
        ({"protogcn@pyksl/j": 1}, r"'protogcn@pyksl' does not exist.*did you mean 'protogcn@pyskl'"),
    ],
)  # fmt: skip
def test_a_member_that_cannot_be_is_one_sentence(streams, sentence):
    with pytest.raises(ConfigError, match=sentence):
        mixed_with(streams)


def test_a_table_in_which_two_members_are_one_run_is_refused():
    config = config_with(tables={"mine": TABLE | {"methods": {"A": "protogcn"}}})
    with pytest.raises(ConfigError, match=r"tables\.mine\.streams\.mix: j and protogcn/j are one"):
        resolve_tables(config, expand(config))


def test_a_column_that_would_be_the_same_for_every_method_is_refused():
    table = TABLE | {"rows": "methods", "methods": {"A": "stgcn", "B": "protogcn"}}
    config = config_with(
        ensembles={"named": {"streams": {"stgcn/j": 1, "ctrgcn/j": 1}}},
        tables={"mine": table | {"streams": {"mix": "named"}}},
    )
    with pytest.raises(ConfigError, match="named is of models that it names, so that all methods"):
        resolve_tables(config, expand(config))


def test_a_row_may_be_a_member_that_names_its_model():
    streams = {"root 2": "hdgcn_root2/j", "all": ["j", "hdgcn_root1/j"]}
    config = config_with(tables={"mine": TABLE | {"methods": {"A": "hdgcn"}, "streams": streams}})
    first, second = resolve_tables(config, expand(config))["mine"].cells
    assert first.runs == [("demo_xsub", "hdgcn_root2", "j")]
    assert second.runs == [("demo_xsub", "hdgcn", "j"), ("demo_xsub", "hdgcn_root1", "j")]


@pytest.mark.parametrize(
    ("member", "sentence"),
    [("hdgcn_rot2/j", "did you mean 'hdgcn_root2'"), ("hdgcn/v", "'v' is not a stream")],
)
def test_a_row_of_a_member_that_cannot_be_is_one_sentence(member, sentence):
    config = config_with(tables={"mine": TABLE | {"streams": {"x": member}}})
    with pytest.raises(ConfigError, match=sentence):
        resolve_tables(config, expand(config))


def test_a_table_of_one_recipe_refuses_a_member_under_another():
    methods = {"A": "stgcnpp@protogcn"}
    streams = {"mix": "named", "J": "b"}
    config = config_with(
        ensembles={"named": {"streams": {"j": 1, "stgcn/j": 1}}},
        tables={"mine": TABLE | {"methods": methods, "same_recipe": True, "streams": streams}},
    )
    plan = expand(config)
    table = resolve_tables(config, plan)["mine"]
    with pytest.raises(
        ConfigError, match=r"runs demo_xsub/stgcnpp@protogcn/j and demo_xsub/stgcn/j"
    ):
        common_recipe(table, plan)


def test_an_unknown_model_is_answered_without_a_hundred_names():
    with pytest.raises(ConfigError) as found:
        mixed_with({"stgcnn/j": 1})
    assert "gap, or one under another recipe, MODEL@RECIPE; did you mean" in str(found.value)
    assert str(found.value).count("@") == 1
