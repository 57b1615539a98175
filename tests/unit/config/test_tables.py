import pytest
from snakemake.utils import update_config

from protogcn.config.cells import table_from_mapping
from protogcn.config.plan import expand
from protogcn.config.schema import check_schema
from protogcn.config.strict_yaml import read_yaml
from protogcn.config.tables import common_recipe, request_of, resolve_tables
from protogcn.errors import ConfigError
from tests.made.config import SCHEMA, repository_config

MINE = {
    "rows": "streams",
    "methods": {"ProtoGCN": "protogcn"},
    "streams": {"J": "j"},
    "tasks": ["demo_xsub"],
}


def resolved(**changes):
    """Return the plan of the repository's config with one more table, and that table."""
    config = repository_config()
    more = {key: changes.pop(key) for key in ("models", "overrides") if key in changes}
    update_config(config, {"tables": {"mine": MINE | changes}, **more})
    check_schema(config, read_yaml(SCHEMA))
    plan = expand(config)
    return plan, resolve_tables(config, plan)["mine"]


@pytest.fixture(scope="module")
def tables():
    config = repository_config()
    return resolve_tables(config, expand(config))


def runs_of(table, task):
    return sorted(stream for found, _, stream in table.runs if found == task)


def test_table_5_asks_for_nine_streams_of_each_task(tables):
    nine = ["b", "b-2", "bm", "j", "j-2", "jm", "k", "k-2", "km"]
    for task in ("ntu60_xsub", "ntu60_xview", "ntu120_xsub", "ntu120_xset"):
        assert runs_of(tables["table5"], task) == nine


def test_table_5_has_both_accuracies_of_finegym_and_two_of_kinetics(tables):
    columns = dict.fromkeys((cell.task, cell.metric) for cell in tables["table5"].cells)
    assert list(columns)[4:] == [
        ("kinetics_val", "top1"), ("kinetics_val", "top5"),
        ("finegym_val", "top1"), ("finegym_val", "mean_class"),
    ]  # fmt: skip


def test_table_4_asks_for_four_streams_of_the_methods_that_are_measured(tables):
    measured = {model for _, model, _ in tables["table4"].runs}
    assert measured >= {"protogcn", "ctrgcn", "infogcn", "hdgcn", "blockgcn", "frhead"}
    assert len(measured) == 9  # GAP needs a file of texts
    streams = {stream for _, _, stream in tables["table4"].runs}
    assert streams == {"b", "bm", "j", "jm"}


def test_schemes_that_were_tuned_carry_the_mark_on_their_task_only(tables):
    marked = {c.stream for c in tables["table5"].cells if "tuned_on_test" in c.notes}
    assert marked == {"4ens_v1", "6ens_v1"}
    others = [
        c for c in tables["table5"].cells if c.stream == "6ens_v1" and c.task == "ntu60_xview"
    ]
    assert [(c.repeats, c.notes) for c in others] == [((), ())]


def test_a_task_of_the_paper_need_not_be_configured():
    config = repository_config()
    config["models"] = {"protogcn": config["models"]["protogcn"]}
    config["overrides"], config["ensembles"] = {}, {"2ens": {"streams": {"j": 1, "b": 1}}}
    config["datasets"] = {"demo": config["datasets"]["demo"]}
    config["tables"] = {"mine": MINE | {"tasks": ["finegym_val"], "paper": "table5"}}
    table = resolve_tables(config, expand(config))["mine"]
    assert [(cell.runs, cell.notes) for cell in table.cells] == [([], ("not_configured",))]


def test_lists_are_repeats_and_an_ensemble_repeats_all_its_members():
    _, table = resolved(streams={"J": ["j", "j-2"], "4": ["4ens", "4ens-2"]})
    joint, four = table.cells
    assert joint.repeats == ((("j", 1),), (("j-2", 1),))
    assert [stream for stream, _ in four.repeats[1]] == ["j-2", "b-2", "jm-2", "bm-2"]
    assert [weight for _, weight in four.repeats[1]] == [2, 2, 1, 1]


def test_a_repeat_of_an_ensemble_shares_no_run_with_it():
    """v1 uses two repeats of each stream already."""
    _, table = resolved(streams={"4": ["4ens_v1", "4ens_v1-2"]}, tasks=["ntu60_xsub"])
    first, second = ([stream for stream, _ in scheme] for scheme in table.cells[0].repeats)
    assert first == ["j", "b", "j-2", "b-2"]
    assert second == ["j-3", "b-3", "j-4", "b-4"]


def test_an_ensemble_is_made_of_the_runs_of_each_method():
    _, table = resolved(
        rows="methods",
        methods={"A": "protogcn", "B": "small"},
        streams={"2": "2ens"},
        models={"small": repository_config()["models"]["protogcn"]},
    )
    assert [(c.method, c.runs) for c in table.cells] == [
        ("A", [("demo_xsub", "protogcn", "j"), ("demo_xsub", "protogcn", "b")]),
        ("B", [("demo_xsub", "small", "j"), ("demo_xsub", "small", "b")]),
    ]


def test_a_resolved_table_survives_its_file(tables):
    for table in tables.values():
        assert table_from_mapping(table.to_mapping()) == table


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"tasks": ["demo_xsubb"]}, r"tables\.mine\.tasks: 'demo_xsubb' does not exist.*'demo_xsub'"),
        ({"tasks": ["kinetics_vall"]}, r"tables\.mine\.tasks: 'kinetics_vall' does not exist"),
        ({"metrics": {"demo": ["top1"]}}, r"tables\.mine\.metrics: 'demo' does not exist"),
        ({"methods": {"A": "protogcm"}}, r"tables\.mine\.methods: 'protogcm'.*did you mean 'protogcn'"),
        ({"methods": {"A": "stgcnpp_same"}}, r"mine\.methods: stgcnpp_same is now stgcnpp@protogcn"),
        ({"streams": {"V": "v"}}, r"tables\.mine\.streams\.V: 'v' is neither a stream nor an ensemble"),
        ({"streams": {"6": "7ens-2"}}, r"'7ens-2' is neither"),
        ({"methods": {"A": "protogcn", "B": "protogcn"}}, "rows are streams, but methods are A, B"),
        ({"rows": "stream"}, "tables.mine.rows: found \"stream\", expected one of streams, methods"),
        ({"metric": ["top1"]}, "tables.mine: unknown key 'metric'; did you mean 'metrics'"),
    ],
)  # fmt: skip
def test_what_does_not_exist_is_one_sentence(changes, sentence):
    with pytest.raises(ConfigError, match=sentence):
        resolved(**changes)


def test_refuses_a_row_of_two_spaces():
    config = repository_config()
    config["ensembles"]["logits"] = {"streams": {"j": 1}, "space": "logit"}
    config["tables"]["mine"] = MINE | {"streams": {"J": ["j", "logits"]}}
    with pytest.raises(ConfigError, match="j, logits are summed in different spaces"):
        resolve_tables(config, expand(config))


TWO = {
    "rows": "methods",
    "same_recipe": True,
    "methods": {"A": "protogcn", "B": "small"},
    "models": {"small": repository_config()["models"]["protogcn"]},
}


def test_one_recipe_is_told_and_a_second_one_refused():
    plan, table = resolved(**TWO)
    recipe = common_recipe(table, plan)
    assert (recipe["epochs"], recipe["batch"]) == (10, 8)
    assert "device" not in recipe
    more = {"longer": {"where": {"model": "small"}, "set": {"epochs": 99, "swap": 0.5}}}
    plan, table = resolved(**TWO, overrides=more)
    sentence = "demo_xsub/protogcn/j and demo_xsub/small/j differ in epochs, swap"
    with pytest.raises(ConfigError, match=sentence):
        common_recipe(table, plan)


def test_networks_and_speed_are_no_part_of_the_recipe():
    more = {
        "fast": {
            "where": {"model": "small"},
            "set": {"engine": {"compile": False}, "model": {"width": 48}},
        }
    }
    plan, table = resolved(**TWO, overrides=more)
    assert common_recipe(table, plan)["epochs"] == 10


def test_digests_tell_settings_apart():
    plan, table = resolved()
    more = {"longer": {"where": {"dataset": "demo"}, "set": {"epochs": 99}}}
    other, _ = resolved(overrides=more)
    name = "demo_xsub/protogcn/j"
    digests = [request_of(table, each)["digests"] for each in (plan, other)]
    assert digests[0][name] != digests[1][name]
