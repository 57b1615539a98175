import pytest

from protogcn.config.load import plan_of, put_in_order
from protogcn.errors import ConfigError
from tests.made.config import REPOSITORY


def test_files_go_on_top_of_the_config(tmp_path):
    more = tmp_path / "more.yaml"
    more.write_text("overrides: {demo: {set: {epochs: 77}}}")
    assert plan_of(REPOSITORY, [more])[1].run("demo_xsub", "protogcn", "j").settings["epochs"] == 77


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[1]", "found a list"),
        ("train: {epoch: 3}", "train: unknown key 'epoch'"),
        ("train: {epochs: 3, epochs: 4}", "appears twice"),
        (None, "does not exist"),
    ],
)
def test_wrong_config_is_one_sentence(tmp_path, text, sentence):
    more = tmp_path / "more.yaml"
    if text is not None:
        more.write_text(text)
    with pytest.raises(ConfigError, match=sentence):
        plan_of(REPOSITORY, [more])
    with pytest.raises(ConfigError, match="name another folder with --directory"):
        plan_of(tmp_path, [])


def test_what_a_file_on_top_adds_comes_last_however_the_two_were_merged(tmp_path):
    own = tmp_path / "config.yaml"
    own.write_text("overrides: {released: 1, small: {b: 2, a: 3}}\ntrain: {epochs: 5}")
    merged = {"overrides": {"mine": 0, "small": {"c": 1, "a": 7, "b": 2}, "released": 1}}
    put_in_order(merged, own)
    assert list(merged["overrides"]) == ["released", "small", "mine"]
    assert list(merged["overrides"]["small"].items()) == [("b", 2), ("a", 7), ("c", 1)]


def test_without_a_file_of_the_workplace_the_order_stays(tmp_path):
    merged = {"b": 1, "a": 2}
    put_in_order(merged, tmp_path / "config.yaml")
    assert list(merged) == ["b", "a"]


def test_files_elsewhere_go_on_top_of_the_config_beside_the_snakefile(tmp_path, capsys):
    mine = tmp_path / "mine.yaml"
    mine.write_text("overrides: {demo: {set: {epochs: 77}}}")
    _, plan = plan_of(tmp_path, [mine])
    assert plan.run("demo_xsub", "protogcn", "j").settings["epochs"] == 77
    assert f"config/config.yaml goes before {mine}: no datasets, models" in capsys.readouterr().err


def test_a_whole_config_elsewhere_stands_alone(tmp_path, capsys):
    whole = tmp_path / "whole.yaml"
    whole.write_text(
        (REPOSITORY / "config/config.yaml").read_text().replace("epochs: 10", "epochs: 9")
    )
    assert plan_of(tmp_path, [whole])[1].run("demo_xsub", "protogcn", "j").settings["epochs"] == 9
    assert capsys.readouterr().err == ""
