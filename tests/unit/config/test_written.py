import json
from pathlib import Path

import pytest
import yaml

from protogcn.config.plan import expand
from protogcn.config.resolved import load_dataset, load_run
from protogcn.errors import ContractError
from tests.made.config import repository_config
from tests.made.nano import nano_run


def _written(folder: Path, entry: dict, **changes) -> Path:
    """Write an entry with some values changed: ``settings__epochs`` is epochs in settings."""
    entry = json.loads(json.dumps(entry))
    for name, value in changes.items():
        *sections, key = name.split("__")
        place = entry
        for section in sections:
            place = place[section]
        place[key] = value
    path = folder / "written.yaml"
    path.write_text(yaml.safe_dump(entry))
    return path


def test_what_every_run_and_dataset_of_the_config_resolves_to_is_read(tmp_path):
    plan = expand(repository_config())
    kinds = {(run.dataset.name, run.model, len(run.settings)): run for run in plan.of_ensembles()}
    for run in kinds.values():
        assert load_run(_written(tmp_path, run.to_mapping())).to_mapping() == run.to_mapping()
    for dataset in plan.datasets.values():
        assert load_dataset(_written(tmp_path, dataset.to_mapping())).name == dataset.name


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("settings__limb_drop", 4.0, r"settings.limb_drop: found 4.0, expected at most 1"),
        ("settings__epochs", "x", r"settings.epochs: found \"x\", expected a whole number"),
        ("settings__epoch", 3, r"settings: unknown key 'epoch'"),
        ("settings__rotation", float("nan"), r"settings.rotation: found nan, expected a finite"),
        ("network__width", 96_000, r"network.width: found 96000, expected at most 4096"),
        ("network__width", 25, r"network.width: found 25, expected a multiple of 24"),
        ("network__subsets", 5, r"network.subsets: found 5, expected a divisor"),
        ("network__prototypes", 10**30, r"network.prototypes: .* expected at most"),
        ("engine__gpus", 0, r"engine.gpus: found 0, expected at least 1"),
        ("dataset__classes", [], r"dataset.classes: found \[\], expected at least 1"),
        ("dataset__skeleton__parents", [0, 9, 1, 1, 0], r"skeletons.toy5.*9"),
        ("split", "../x", r"split: the name .* cannot be part of a file name"),
        ("modality", "q", r"modality: found \"q\", expected one of j, b, k"),
        ("repeat", True, r"repeat: found true, expected a whole number"),
    ],
)
def test_a_value_that_no_config_allows_is_refused_with_its_key(tmp_path, name, value, words):
    path = _written(tmp_path, nano_run().to_mapping(), **{name: value})
    with pytest.raises(ContractError, match=rf"written\.yaml: .*{words}"):
        load_run(path)


@pytest.mark.parametrize("key", ["epochs", "crops", "select_on", "precision"])
def test_a_setting_that_is_gone_is_named(tmp_path, key):
    entry = nano_run().to_mapping()
    entry["settings"] = {name: value for name, value in entry["settings"].items() if name != key}
    with pytest.raises(ContractError, match=rf"settings: lacks {key}\."):
        load_run(_written(tmp_path, entry))


def test_a_dataset_with_three_persons_is_refused(tmp_path):
    path = _written(tmp_path, nano_run().dataset.to_mapping(), persons=3)
    with pytest.raises(ContractError, match="persons: found 3, expected at most 2"):
        load_dataset(path)
