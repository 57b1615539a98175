import json

import pytest

from protogcn.config.arguments import as_argument, text_of
from protogcn.config.plan import expand
from protogcn.errors import ContractError
from tests.made.config import changed, repository_config


def test_settings_in_a_command_are_those_that_are_resolved():
    run = expand(repository_config()).run("demo_xsub", "protogcn", "b")
    assert json.loads(as_argument(run))["network"]["prototypes"] == 100
    assert json.loads(text_of(as_argument(run))) == json.loads(json.dumps(run.to_mapping()))


def test_very_many_settings_are_in_a_file_that_other_settings_do_not_share(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    arguments = []
    for number in (10_000, 10_001):
        run = expand(changed("datasets.utd_mhad.classes", number)).run(
            "utd_mhad_xsub", "protogcn", "b"
        )
        arguments += [as_argument(run), as_argument(run)]
        assert len(arguments[-1]) < 100
        assert len(json.loads(text_of(arguments[-1]))["dataset"]["classes"]) == number
    assert len({*arguments}) == 2
    files = [path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.json")]
    assert sorted(f"@{file}" for file in files) == sorted({*arguments})


def test_quotation_marks_count_as_what_a_shell_makes_of_them(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = [str(number) + 150 * "'" for number in range(100)]
    run = expand(changed("datasets.utd_mhad.classes", names)).run("utd_mhad_xsub", "protogcn", "b")
    assert as_argument(run).startswith("@.snakemake/settings/")


def test_a_file_of_settings_that_is_gone_is_named(tmp_path):
    with pytest.raises(ContractError, match=r"gone\.json: does not exist, expected the settings"):
        text_of(f"@{tmp_path}/gone.json")
