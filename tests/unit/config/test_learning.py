import re
from pathlib import Path

import pytest

from protogcn.config.cells import table_from_mapping
from protogcn.config.learning import (
    learned_weights_of_ensemble,
    learning_arguments,
    scores_to_choose_on,
    scores_to_learn_on,
)
from protogcn.config.plan import expand
from protogcn.config.schema import check_schema
from protogcn.config.strict_yaml import read_yaml
from protogcn.config.tables import resolve_tables
from protogcn.config.targets import chosen_runs, page_of, targets_of
from protogcn.errors import ConfigError
from tests.made.config import SCHEMA, changed, repository_config

LEARNED = {"streams": ["j", "b"], "weights": "learned", "tasks": ["utd_mhad_xsub"]}
ORACLE = {**LEARNED, "weights": "oracle"}
DEMO = "results/runs/demo/xsub/protogcn"
RUNS = "results/runs/utd_mhad/{split}/protogcn/{stream}/{file}"


def config_with(*, splits=("xsub",), **ensembles):
    config = repository_config()
    config["datasets"]["utd_mhad"]["splits"] = list(splits)
    config["ensembles"] |= ensembles
    check_schema(config, read_yaml(SCHEMA))
    return config


def files(split, name):
    return [RUNS.format(split=split, stream=stream, file=name) for stream in ("j", "b")]


@pytest.fixture(autouse=True)
def prepared(tmp_path, monkeypatch):
    """The clips of UTD-MHAD, of which the split has some on the side val."""
    monkeypatch.chdir(tmp_path)
    path = Path("results/data/utd_mhad/centred/clips.csv")
    path.parent.mkdir(parents=True)
    path.write_text("clip,label,xsub,xsub_held_out\na,0,train,train\nb,0,val,val\n")


def test_learned_weights_are_of_val_scores_and_an_oracle_of_test_scores():
    plan = expand(config_with(mine=LEARNED, bound=ORACLE))
    assert scores_to_learn_on(plan, "utd_mhad_xsub", "mine") == files("xsub", "val_scores.npz")
    assert scores_to_learn_on(plan, "utd_mhad_xsub", "bound") == files("xsub", "scores.npz")
    assert scores_to_learn_on(plan, "utd_mhad_xsub", "2ens") == []
    assert learned_weights_of_ensemble(plan, "utd_mhad_xsub", "2ens") == []
    path = "results/utd_mhad_xsub_mine_weights.json"
    assert learned_weights_of_ensemble(plan, "utd_mhad_xsub", "mine") == [path]
    scheme = plan.ensemble("utd_mhad_xsub", "mine")
    assert scheme.arguments("utd_mhad_xsub") == (
        f"--streams j b --learned {path} --space log_probability --task utd_mhad_xsub --model protogcn"
    )
    assert learning_arguments(plan, "utd_mhad_xsub", "bound").endswith(
        "--task utd_mhad_xsub --side test"
    )


def test_weights_of_a_split_with_a_twin_are_learned_on_the_twins_networks():
    plan = expand(config_with(splits=("xsub", "xsub_held_out"), mine=LEARNED, bound=ORACLE))
    assert scores_to_learn_on(plan, "utd_mhad_xsub", "mine") == files(
        "xsub_held_out", "val_scores.npz"
    )
    found = learning_arguments(plan, "utd_mhad_xsub", "mine")
    assert found.endswith("--task utd_mhad_xsub_held_out --side val")
    assert scores_to_learn_on(plan, "utd_mhad_xsub", "bound") == files("xsub", "scores.npz")


def test_a_split_without_val_clips_is_told_before_anything_is_trained(prepared):
    plan = expand(config_with(mine=LEARNED))
    Path("results/data/utd_mhad/centred/clips.csv").write_text("clip,label,xsub\na,0,train\n")
    said = re.escape("weights: learned needs clips that no training saw, but split xsub has no val")
    with pytest.raises(ConfigError, match=said):
        scores_to_learn_on(plan, "utd_mhad_xsub", "mine")


def test_weights_that_are_numbers_are_not_learned():
    plan = expand(config_with())
    with pytest.raises(ConfigError, match=r"ensembles\.2ens: its weights are numbers"):
        learning_arguments(plan, "utd_mhad_xsub", "2ens")


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ({"streams": ["j", "b"]}, r"streams: found a list, expected the weight of each stream, as in \{j: 1\}"),
        ({"streams": {"j": 2, "b": 1}, "weights": "learned"}, r"weights is learned, but streams has numbers; write streams: \[j, b\]"),
        ({**LEARNED, "tuned_on_test": True}, "weights learned are chosen on val clips. Leave it out"),
        ({"streams": ["j", "v"], "weights": "learned"}, "'v' is not a stream"),
    ],
)  # fmt: skip
def test_entries_that_do_not_fit_are_one_sentence(entry, said):
    with pytest.raises(ConfigError, match=said):
        expand(config_with(mine=entry))


@pytest.mark.parametrize(
    "entry", [{**LEARNED, "weights": "best"}, {**LEARNED, "streams": ["j", "j"]}, {**LEARNED, "streams": []}]
)  # fmt: skip
def test_entries_that_the_schema_refuses(entry):
    with pytest.raises(ConfigError, match=r"ensembles\.mine"):
        config_with(mine=entry)


def table_of(streams, **ensembles):
    config = config_with(splits=("xsub", "xsub_held_out"), **ensembles)
    entry = {"rows": "streams", "methods": {"ours": "protogcn"}, "tasks": ["utd_mhad_xsub"]}
    config["tables"] = {"mine": {**entry, "streams": streams}}
    plan = expand(config)
    return resolve_tables(config, plan)["mine"]


def test_cells_of_a_table_know_what_their_weights_are_learned_on_also_in_repeats():
    table = table_of({"given": "2ens", "learned": ["e", "e-2"], "bound": "o"}, e=LEARNED, o=ORACLE)
    given, learned, bound = table.cells
    assert (given.notes, learned.notes, bound.notes) == ((), ("learned",), ("oracle",))
    held_out = ("utd_mhad_xsub_held_out", "protogcn")
    assert table.learning_runs == [(*held_out, stream) for stream in ("j", "b", "j-2", "b-2")]
    mapping = table.to_mapping()
    assert table_from_mapping(mapping) == table
    assert "weights" not in mapping["cells"][0]


def test_given_and_learned_weights_are_not_averaged():
    with pytest.raises(ConfigError, match="some of 2ens, e have learned weights"):
        table_of({"both": ["2ens", "e"]}, e={**LEARNED, "space": "probability"})


def test_the_page_has_schemes_and_reliability_of_learned_weights():
    config = config_with(mine=LEARNED)
    plan = expand(config)
    known = targets_of(plan, {})
    page = page_of(plan, known, {"tasks": ["utd_mhad_xsub"]})
    assert {"utd_mhad_xsub_mine", "utd_mhad_xsub_mine_schemes"} <= {*page.tables}
    assert "utd_mhad_xsub_2ens_schemes" not in page.tables
    assert [name for name in page.figures if "reliability" in name] == [
        "utd_mhad_xsub_mine_reliability"
    ]
    assert known["utd_mhad_xsub_mine_weights"].kind == "weights"


def write_val_scores(tmp_path, *streams):
    for stream in streams:
        (tmp_path / DEMO / stream).mkdir(parents=True)
        (tmp_path / DEMO / stream / "val_scores.npz").touch()


def test_members_are_chosen_on_val_scores_that_exist_of_each(tmp_path):
    plan = expand(repository_config())
    write_val_scores(tmp_path, "j")
    assert scores_to_choose_on(plan, "demo_xsub", "2ens") == []
    write_val_scores(tmp_path, "b")
    expected = [f"{DEMO}/{stream}/val_scores.npz" for stream in "jb"]
    assert scores_to_choose_on(plan, "demo_xsub", "2ens") == expected


def test_members_are_chosen_on_scores_that_weights_are_learned_on():
    learned = {"streams": ["j", "b"], "weights": "learned", "tasks": ["demo_xsub"]}
    plan = expand(changed("ensembles.mine", learned))
    assert len(scores_to_choose_on(plan, "demo_xsub", "2ens")) == 2
    assert scores_to_choose_on(plan, "demo_xsub", "4ens") == []  # nothing is trained for it alone


def test_a_target_with_learned_weights_needs_the_twins_runs_too(tmp_path):
    splits = ("xsub", "xsub_held_out")
    config = config_with(splits=splits, mine={**LEARNED, "streams": ["j"]})
    targets = ["results/utd_mhad_xsub_mine.csv"]
    found = chosen_runs(config, expand(config), tmp_path, targets)
    assert [run.name for run in found] == [f"utd_mhad_{split}/protogcn/j" for split in splits]
