import pytest

from protogcn.config_files import plan_of
from protogcn.errors import ConfigError
from tests.unit.config_of_tests import REPOSITORY


def test_files_go_on_top_of_the_config(tmp_path):
    more = tmp_path / "more.yaml"
    more.write_text("overrides: {demo: {set: {epochs: 77}}}")
    assert plan_of(REPOSITORY, [more])[1].run("demo_xsub", "protogcn", "j").settings["epochs"] == 77


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[1]", "found no map"),
        ("train: {epoch: 3}", "train: unknown key 'epoch'"),
        ("train: {epochs: 3, epochs: 4}", "stands twice"),
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
