"""What a rule writes to the standard input of its command."""

import json

import pytest

from protogcn.config.arguments import as_argument
from protogcn.config.plan import expand
from protogcn.errors import ConfigError
from tests.made.config import changed, repository_config


def test_settings_in_a_command_are_those_that_are_resolved():
    run = expand(repository_config()).run("demo_xsub", "protogcn", "b")
    assert json.loads(as_argument(run))["network"]["prototypes"] == 100
    assert json.loads(as_argument(run)) == json.loads(json.dumps(run.to_mapping()))


def test_many_settings_are_refused_in_a_folder_that_a_shell_would_read(tmp_path, monkeypatch):
    config = changed("datasets.utd_mhad.classes", 10_000)
    run = expand(config).run("utd_mhad_xsub", "protogcn", "b")
    (odd := tmp_path / "$(touch X)").mkdir()
    monkeypatch.chdir(odd)
    with pytest.raises(ConfigError, match=r"cannot have \$ in its name; run it in another one"):
        as_argument(run)
    monkeypatch.chdir(tmp_path)
    assert len(json.loads(as_argument(run))["dataset"]["classes"]) == 10_000
