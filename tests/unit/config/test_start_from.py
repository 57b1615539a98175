"""What a run may say about the network that it starts from, and what is refused."""

import copy
import re

import pytest
import yaml
from snakemake.utils import update_config

from protogcn.config.plan import expand
from protogcn.config.schema import check_schema
from protogcn.config.start_from import frozen_blocks
from protogcn.config.strict_yaml import read_yaml
from protogcn.errors import ConfigError
from tests.made.config import REPOSITORY, SCHEMA, repository_config

DEMO = {"dataset": "demo"}
_CONFIG, _SCHEMA = repository_config(), read_yaml(SCHEMA)  # read once


def plan_with(*said, **train):
    """Return the plan of the repository's config with overrides on top."""
    config = copy.deepcopy(_CONFIG)
    config["train"] |= train
    for number, (where, changes) in enumerate(said):
        config["overrides"][f"mine{number}"] = {"where": where, "set": changes}
    check_schema(config, _SCHEMA)
    return expand(config)


def test_example_of_the_docs_is_a_start():
    text = (REPOSITORY / "docs/start-from.md").read_text()
    (example,) = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    config = copy.deepcopy(_CONFIG)
    config["datasets"]["mine"] = config["datasets"]["demo"]
    update_config(config, yaml.safe_load(example))
    check_schema(config, _SCHEMA)
    settings = settings_of(expand(config), "b", "mine_xsub")
    assert settings["start_from"] == "released/ntu120_xsub/b.pth"


def settings_of(plan, stream="j", task="demo_xsub"):
    return plan.run(task, "protogcn", stream).settings


def test_words_in_braces_are_those_of_the_run_wherever_it_is_said():
    plan = plan_with((DEMO, {"start_from": "{task}/{stream}.pth"}), start_from="{dataset}.pth")
    assert settings_of(plan, "b-2")["start_from"] == "demo_xsub/b-2.pth"
    assert settings_of(plan, task="utd_mhad_xsub")["start_from"] == "utd_mhad.pth"


def test_run_is_named_by_its_folder_or_its_checkpoint():
    folder = "results/runs/demo/xsub/protogcn/k"
    for said in (
        folder,
        f"./{folder}/",
        f"{folder}/checkpoint.pt",
        f"results//runs/../{folder[8:]}",
    ):
        plan = plan_with((DEMO, {"start_from": said}))
        assert settings_of(plan)["start_from"] == f"{folder}/checkpoint.pt"
    plan = plan_with((DEMO, {"start_from": f"/elsewhere/{folder}"}))
    assert settings_of(plan)["start_from"] == f"/elsewhere/{folder}/checkpoint.pt"


def test_run_that_starts_from_nothing_has_the_settings_it_always_had():
    plain = settings_of(expand(repository_config()))
    said = {"start_from": None, "freeze": None, "loaded_learning_rate": None}
    assert settings_of(plan_with((DEMO, said))) == plain
    assert settings_of(plan_with((DEMO, said | {"freeze": []}))) == plain
    assert not {*said} & {*plain}


def test_later_override_takes_a_start_back():
    back = {"start_from": None, "freeze": None}
    plan = plan_with(
        (DEMO, {"start_from": "a.pt", "freeze": "block 1"}), ({**DEMO, "stream": "b"}, back)
    )
    assert settings_of(plan)["freeze"] == ["block 1"]
    assert "start_from" not in settings_of(plan, "b")


def test_imported_run_ignores_a_start_that_all_runs_have():
    plan = plan_with((DEMO, {"checkpoint": "c.pth"}), start_from="a.pt", freeze=["block 1"])
    assert "start_from" not in settings_of(plan)
    assert "freeze" not in settings_of(plan)
    with pytest.raises(ConfigError, match="has both checkpoint and start_from, expected one of"):
        plan_with((DEMO, {"checkpoint": "c.pth", "start_from": "a.pt"}))


def test_blocks_are_named_alone_in_a_range_or_all():
    def named(*entries):
        return sorted(frozen_blocks("run", entries, 4))

    assert named("blocks 1-4") == named("all but classifier") == [1, 2, 3, 4]
    assert named("block 4", "blocks 1 - 2", "blocks 2") == [1, 2, 4]
    assert named() == []


@pytest.mark.parametrize(
    "entry", ["blocks 1-5", "block 0", "blocks 3-2", "block", "backbone", "1-3", "blocks 1-", "Block 1", "blocks 1,2", "block -1", "classifier", ""]
)  # fmt: skip
def test_what_cannot_be_frozen_is_one_sentence(entry):
    with pytest.raises(ConfigError) as error:
        frozen_blocks("run r", [entry], 4)
    assert str(error.value) == (
        f"run r: freeze names '{entry}', expected block N, blocks A-B (its network has blocks 1 to"
        " 4) or all but classifier."
    )


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ({"freeze": ["block 1"]}, "protogcn/j: has freeze without start_from, the network whose"),
        ({"loaded_learning_rate": 0.1}, "has loaded_learning_rate without start_from"),
        ({"start_from": "{fold}.pt"}, r"start_from is '\{fold\}\.pt': \{fold\} is unknown, expected"),
        ({"load_from": "a.pth"}, "unknown key 'load_from': here it is start_from"),
        ({"start_from": 5}, r"start_from: found 5, expected text or null"),
        ({"start_from": "a.pt", "freeze": ["blocks 1-8"]}, r"freeze names 'blocks 1-8', .* 1 to 4\)"),
        ({"start_from": "a.pt", "freeze": [1]}, r"freeze\.0: found 1, expected text"),
        ({"start_from": "a.pt", "loaded_learning_rate": 0}, "found 0, expected more than 0"),
        ({"start_from": "a.pt", "loaded_learning_rate": "1e-3"}, "YAML reads 1e-3 as text"),
    ],
)  # fmt: skip
def test_what_does_not_go_together_is_one_sentence(said, sentence):
    with pytest.raises(ConfigError, match=sentence):
        plan_with((DEMO, said))
