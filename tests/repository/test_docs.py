"""What the README and the config's README say is there."""

import ast
import re
import sys

import pytest
import yaml
from snakemake.utils import update_config

import protogcn.__main__
from protogcn.config.plan import expand
from protogcn.config.schema import check_schema
from protogcn.config.strict_yaml import read_yaml
from tests.made.config import REPOSITORY, SCHEMA, repository_config

README = (REPOSITORY / "README.md").read_text()
CONFIG_README = (REPOSITORY / "config/README.md").read_text()
OWN_DATASET = (REPOSITORY / "docs/own-dataset.md").read_text()
PREDICT = (REPOSITORY / "docs/predict.md").read_text()


@pytest.mark.parametrize(
    "target", sorted(set(re.findall(r"^make ([a-z-]+)", README, flags=re.MULTILINE)))
)
def test_every_make_command_of_the_readme_is_a_target(target):
    assert re.search(rf"^{target}:", (REPOSITORY / "Makefile").read_text(), flags=re.MULTILINE)


@pytest.mark.parametrize(
    "page", [REPOSITORY / "README.md", *REPOSITORY.glob("*/*.md")], ids=lambda page: page.name
)
def test_every_linked_file_is_there(page):
    links = re.findall(r"\]\(([^)]+)\)", page.read_text())
    files = [link.split("#")[0] for link in links if not link.startswith(("http", "#"))]
    assert [file for file in files if not (page.parent / file).exists()] == []


def test_every_folder_of_the_map_is_there():
    folders = re.findall(r"^\| (?:`\w+/` ?)+\|", README, flags=re.MULTILINE)
    names = re.findall(r"`(\w+)/`", " ".join(folders))
    assert {"config", "workflow", "protogcn", "tests", "benchmarks", "docs"} <= set(names)
    assert [name for name in names if name != "results" and not (REPOSITORY / name).is_dir()] == []


def test_every_task_and_ensemble_of_the_readme_is_in_the_config():
    plan = expand(repository_config())
    tasks = re.search(r"tasks `([^`]+)`", README.replace("\n", " ")).group(1).split()
    ensembles = re.search(r"ensembles `([^`]+)`", README.replace("\n", " ")).group(1).split()
    assert set(tasks) == {task for task, _ in plan.ensembles}
    assert set(ensembles) == {ensemble for _, ensemble in plan.ensembles}


def test_documented_defaults_are_those_of_the_config():
    config = repository_config()
    train = config["train"] | config["engine"]
    rows = re.findall(r"^\| `(\w+)` \|.*\| ([^|]+) \|$", CONFIG_README, flags=re.MULTILINE)
    told = {key: value.strip() for key, value in rows if key in train}
    assert set(told) == set(train)
    for key, value in told.items():
        if value not in ("per task", "per dataset"):  # in the overrides
            assert yaml.safe_load(value) == train[key], key


def test_example_of_an_own_dataset_is_a_config():
    config, example = repository_config(), re.search(r"```yaml\n(.*?)```", CONFIG_README, re.DOTALL)
    update_config(config, yaml.safe_load(example.group(1)))
    check_schema(config, read_yaml(SCHEMA))
    plan = expand(config)
    assert [run.stream for run in plan.members("mine_xsub", "j_twice")] == ["j", "j-2"]
    assert plan.run("mine_xsub", "protogcn", "b").network["width"] == 24
    assert plan.run("mine_xsub", "protogcn", "b").network["prototypes"] == 100


def test_examples_of_the_page_on_own_datasets_are_configs():
    config = repository_config()
    examples = re.findall(r"```yaml\n(.*?)```", OWN_DATASET, re.DOTALL)
    assert len(examples) == 2
    for example in examples:
        update_config(config, yaml.safe_load(example))
    check_schema(config, read_yaml(SCHEMA))
    plan = expand(config)
    assert plan.datasets["mine"].is_annotated_folder
    poses = plan.run("gestures_val", "protogcn", "jm")
    assert poses.dataset.skeleton.in_image
    assert (poses.stored_modality, poses.settings["preparation"]) == ("j", "raw")


@pytest.mark.parametrize("text", [OWN_DATASET, PREDICT])
def test_every_command_of_the_pages_has_the_options_it_is_given(text, capsys, monkeypatch):
    commands = re.findall(r"^(?:.*\| )?protogcn (\w+) (.*)", text, flags=re.MULTILINE)
    assert commands
    for name, arguments in commands:
        monkeypatch.setattr(sys, "argv", ["protogcn", name, "--help"])
        with pytest.raises(SystemExit):
            protogcn.__main__.main()
        told = capsys.readouterr().out
        assert [word for word in re.findall(r"--\w+", arguments) if word not in told] == []


@pytest.mark.parametrize("text", [OWN_DATASET, PREDICT])
def test_every_link_of_the_pages_leads_somewhere(text):
    headings = {
        re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-")
        for title in re.findall(r"^#+ (.*)", text, flags=re.MULTILINE)
    }
    links = [link for link in re.findall(r"\]\(([^)]+)\)", text) if not link.startswith("http")]
    files = {link.partition("#")[0] for link in links} - {""}
    assert [file for file in files if not (REPOSITORY / "docs" / file).exists()] == []
    assert {link[1:] for link in links if link.startswith("#")} <= headings


ROOMS = sorted(
    path.parent
    for path in (REPOSITORY / "protogcn").rglob("__init__.py")
    if path.parent != REPOSITORY / "protogcn"
)


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: room.name)
def test_every_room_lists_its_files_and_what_it_makes_of_what(room):
    text = ast.get_docstring(ast.parse((room / "__init__.py").read_text()))
    listed = set(re.findall(r"``([a-z_]+)``", text))
    files = {path.stem for path in room.glob("*.py")} - {"__init__"}
    rooms = {path.parent.name for path in room.glob("*/__init__.py")}
    assert listed >= files | rooms
    assert listed - files - rooms == set()
    assert "->" in text.splitlines()[0]
