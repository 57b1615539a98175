import re

import pytest
import yaml
from snakemake.utils import update_config

from protogcn.config.imports import missing_import
from protogcn.config.plan import expand
from protogcn.config.schema import check_schema
from protogcn.config.strict_yaml import read_yaml
from protogcn.errors import ConfigError
from tests.made.config import REPOSITORY, SCHEMA, repository_config

DOCS = (REPOSITORY / "docs/imports.md").read_text()


def plan_with(**overrides):
    config = repository_config()
    config["overrides"] |= {
        name: {"where": where, "set": said} for name, (where, said) in overrides.items()
    }
    check_schema(config, read_yaml(SCHEMA))
    return expand(config)


def test_words_in_braces_are_those_of_the_run():
    file = "{dataset}/{task}/{model}/{modality}/{stream}.pkl"
    plan = plan_with(mine=({"task": "ntu60_xsub"}, {"scores": file}))
    run = plan.run("ntu60_xsub", "protogcn", "j-2")
    assert run.settings["scores"] == "ntu60/ntu60_xsub/protogcn/j/j-2.pkl"
    assert "scores" not in plan.run("ntu60_xview", "protogcn", "j").settings


def test_epoch_of_an_import_is_unknown_unless_a_later_override_names_it():
    plan = plan_with(
        mine=({"task": "ntu60_xsub"}, {"scores": "s.pkl"}),
        told=({"task": "ntu60_xsub", "modality": "b"}, {"select": "best"}),
    )
    found = [plan.run("ntu60_xsub", "protogcn", stream).settings["select"] for stream in "jb"]
    assert found == ["unknown", "best"]
    assert plan.run("ntu60_xview", "protogcn", "j").settings["select"] == "last"


def test_later_override_takes_a_file_back():
    plan = plan_with(
        mine=({"task": "ntu60_xsub"}, {"scores": "s.pkl"}),
        back=({"task": "ntu60_xsub", "stream": "b"}, {"scores": None, "checkpoint": "c.pth"}),
        trained=({"task": "ntu60_xsub", "stream": "k"}, {"scores": None}),
    )
    settings = {s: plan.run("ntu60_xsub", "protogcn", s).settings for s in ("j", "b", "b-2", "k")}
    assert [s for s in settings if "scores" in settings[s]] == ["j", "b-2"]
    assert [s for s in settings if "checkpoint" in settings[s]] == ["b"]
    assert settings["k"]["select"] == "last"


def test_space_of_scores_is_a_setting_of_an_import_only():
    where = {"task": "ntu60_xsub"}
    plan = plan_with(
        mine=(where, {"scores": "s.pkl", "score_space": "logit"}),
        trained=({**where, "modality": "b"}, {"scores": None, "score_space": None}),
        unsaid=({**where, "modality": "k"}, {"score_space": None}),
    )
    found = [plan.run("ntu60_xsub", "protogcn", stream).settings for stream in "jbk"]
    assert [settings.get("score_space") for settings in found] == ["logit", None, None]
    assert "score_space" not in found[1]
    with pytest.raises(ConfigError, match="score_space"):
        plan_with(mine=(where, {"scores": "s.pkl", "score_space": "logits"}))


def test_rules_that_import_are_those_of_the_datasets_and_models_that_may():
    plan = plan_with(
        scored=({"task": "ntu60_xsub", "model": "stgcn"}, {"scores": "s.pkl"}),
        trained=({"dataset": "demo"}, {"scores": None}),
    )
    under_any_recipe = {name for name in plan.models if name.partition("@")[0] == "stgcn"}
    assert plan.runs.importing("scores") == ({"ntu60"}, under_any_recipe)
    assert plan.runs.importing("checkpoint") == (set(), set())


def test_nothing_is_imported_by_default():
    plan = expand(repository_config())
    assert [*plan.runs.importing("scores"), *plan.runs.importing("checkpoint")] == [set()] * 4


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ({"scores": "a", "checkpoint": "b"}, "ntu60_xsub/protogcn/j: has both checkpoint and scores"),
        ({"clips": "a.csv"}, "has clips without scores"),
        ({"checkpoint": "a", "score_space": "logit"}, "has score_space without scores"),
        ({"scores": "{x}.pkl"}, r"scores is '\{x\}\.pkl': \{x\} is unknown, expected \{dataset\}"),
        ({"scores": "{task.__class__}"}, r"\{task\.__class__\} is unknown"),
        ({"scores": 5}, r"overrides\.mine\.set\.scores: found 5, expected text or null"),
    ],
)  # fmt: skip
def test_files_that_do_not_go_together_are_one_sentence(said, sentence):
    with pytest.raises(ConfigError, match=sentence):
        plan_with(mine=({"task": "ntu60_xsub"}, said))


def test_an_import_is_no_setting_of_every_run():
    config = repository_config()
    config["train"]["scores"] = "all.pkl"
    with pytest.raises(ConfigError, match="train: unknown key 'scores'"):
        check_schema(config, read_yaml(SCHEMA))


def test_missing_file_is_one_sentence(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run = plan_with(mine=({"stream": "j"}, {"scores": "s.pkl"})).run("demo_xsub", "protogcn", "j")
    assert re.match(
        r"run demo_xsub/protogcn/j: its scores, s\.pkl, does not exist in .*\. Put it there, or",
        missing_import(run, "scores"),
    )
    (tmp_path / "s.pkl").touch()
    assert missing_import(run, "scores") is None


@pytest.mark.parametrize("text", re.findall(r"```yaml\n(.*?)```", DOCS, re.DOTALL))
def test_examples_of_the_docs_import_runs(text):
    config = repository_config()
    update_config(config, yaml.safe_load(text))
    check_schema(config, read_yaml(SCHEMA))
    runs = expand(config).runs
    assert any(runs.importing(key) != (set(), set()) for key in ("scores", "checkpoint"))


def test_files_that_the_docs_link_to_are_there():
    links = re.findall(r"\]\(([^)]+)\)", DOCS)
    assert links
    assert [link for link in links if not (REPOSITORY / "docs" / link).exists()] == []
