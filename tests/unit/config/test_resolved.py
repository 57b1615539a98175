import json

import pytest
import yaml

from protogcn.config.plan import expand
from protogcn.config.resolved import dataset_from_mapping, load_run, run_from_mapping
from protogcn.config.schema import check_schema, with_moved_keys
from protogcn.config.strict_yaml import read_yaml
from protogcn.errors import ConfigError, ContractError
from tests.made.config import SCHEMA, changed, repository_config
from tests.made.nano import nano_run


@pytest.fixture(scope="module")
def schema():
    return read_yaml(SCHEMA)


def test_repository_config_fits_its_schema(schema):
    check_schema(repository_config(), schema)


@pytest.mark.parametrize(
    ("path", "value", "sentence"),
    [
        ("train.epoch", 3, "train: unknown key 'epoch'; did you mean 'epochs'"),
        ("trian", {}, "config: unknown key 'trian'; did you mean 'train'"),
        ("train.epochs", 0, "train.epochs: found 0, expected at least 1"),
        ("train.epochs", -1, "train.epochs: found -1, expected at least 1"),
        ("train.epochs", "ten", 'train.epochs: found "ten", expected a whole number'),
        ("train.epochs", 1.5, "train.epochs: found 1.5, expected a whole number"),
        ("train.epochs", 3.0, "train.epochs: found 3.0, expected a whole number"),
        ("engine.gpus", 2.0, "engine.gpus: found 2.0, expected a whole number"),
        ("train.lr", 0.1, "train: unknown key 'lr': here it is learning_rate."),
        ("num_classes", 60, "config: unknown key 'num_classes': here it is classes, of a dataset."),
        ("epochs", 60, "config: unknown key 'epochs'; it belongs into the set of an override."),
        ("train.scores", "a", "train: unknown key 'scores'; it belongs into the set of an override."),
        ("persons", 1, "config: unknown key 'persons'; it belongs into an entry of datasets."),
        ("overrides", {"x": {"where": {"dataset": "demo"}, "epochs": 3, "set": {"frames": 9}}}, "overrides.x: unknown key 'epochs'; it belongs into the set"),
        ("engine.device", "gpu", "expected one of auto, cpu, cuda; did you mean 'cuda'?"),
        ("pack", 2, "config: unknown key 'pack': set engine.trainings_per_gpu to K"),
        ("train.fused_passes", True, "train: unknown key 'fused_passes': take it out; there is one"),
        ("overrides", {"x": {"where": {"dataset": "demo"}, "set": {"engine": {"trainings_per_gpu": 2}}}}, "unknown key 'trainings_per_gpu'"),
        ("datasets.utd_mhad.classes", 27.0, "found 27.0, expected a list or a whole number"),
        ("train.epochs", True, "train.epochs: found true, expected a whole number"),
        ("train.epochs", None, "train.epochs: found null, expected a whole number"),
        ("train.learning_rate", "1e-4", "YAML reads 1e-4 as text; .* as in 1.0e-4"),
        ("train.learning_rate", 0, "train.learning_rate: found 0, expected more than 0"),
        ("train.learning_rate", float("inf"), "train.learning_rate: found inf"),
        ("train.weight_decay", float("nan"), "train.weight_decay: found nan, expected a finite"),
        ("train.momentum", 1, "train.momentum: found 1, expected less than 1"),
        ("train.swap", 1.5, "train.swap: found 1.5, expected at most 1"),
        ("train.select", "lats", "train.select: found \"lats\", expected one of last, best"),
        ("models.protogcn.width", 0, "models.protogcn.width: found 0, expected at least 1"),
        ("datasets.Demo", {}, 'datasets: the name "Demo" cannot be part of a file name'),
        ("datasets.../x", {}, "datasets: the name \"../x\" cannot be part of a file name"),
        ("ensembles.6ens.streams", {}, "ensembles.6ens.streams: found {}, expected at least 1"),
        ("ensembles.6ens.streams", {1: 1}, "ensembles.6ens.streams: found 1, expected text"),
        ("ensembles", None, "ensembles: found null, expected a map"),
        ("ensembles.6ens", None, "ensembles.6ens: found null, expected a map"),
        ("ensembles.a\n", {"streams": {"j": 1}}, "cannot be part of a file name"),
        ("ensembles.6ens.streams.j", -1, "ensembles.6ens.streams.j: found -1, expected more than 0"),
        ("ensembles.6ens.space", "sum", "ensembles.6ens.space: found \"sum\", expected one of"),
        ("overrides", [], "overrides: found \\[\\], expected a map"),
        ("overrides", {"x": {"where": {"dataset": "demo"}}}, "overrides.x: lacks set"),
        ("overrides", {"x": {"where": {"modalities": "j"}, "set": {"swap": 0.1}}}, "did you mean 'modality'"),
        ("overrides", {"x": {"where": {"task": "demo_xsub"}, "set": {"lr": 0.1}}}, "unknown key 'lr'"),
    ],
)  # fmt: skip
def test_wrong_value_is_one_sentence_with_its_key(schema, path, value, sentence):
    with pytest.raises(ConfigError, match=sentence):
        check_schema(changed(path, value), schema)


def test_missing_section_is_named(schema):
    config = repository_config()
    del config["train"]["frames"]
    with pytest.raises(ConfigError, match="train: lacks frames"):
        check_schema(config, schema)


def test_keys_that_moved_to_the_engine_are_read_and_named(schema):
    config = changed("train.gpus", 2)
    config["overrides"]["mine"] = {"where": {"dataset": "demo"}, "set": {"device": "cpu"}}
    found, moved = with_moved_keys(config, schema)
    check_schema(found, schema)
    assert found["engine"] == {**config["engine"], "gpus": 2}
    assert found["overrides"]["mine"]["set"] == {"engine": {"device": "cpu"}}
    assert moved == [
        "train.gpus is now engine.gpus",
        "overrides.mine.set.device is now overrides.mine.set.engine.device",
    ]


def test_key_of_the_engine_in_both_places_is_refused(schema):
    both = {"device": "cpu", "engine": {"device": "auto"}}
    config = changed("overrides.mine", {"where": {"dataset": "demo"}, "set": both})
    with pytest.raises(ConfigError, match=r"mine\.set: has device and engine\.device, expected"):
        with_moved_keys(config, schema)


def test_config_of_wrong_kinds_is_left_to_the_schema(schema):
    config = repository_config() | {"train": 3, "overrides": {"a": 1, "b": {"set": None}}}
    found, moved = with_moved_keys(config, schema)
    assert (found, moved) == (config, [])


def test_all_mistakes_are_reported_at_once(schema):
    config = changed("train.epochs", 0)
    config["train"]["batch"] = 0
    with pytest.raises(ConfigError, match=r"(?s)epochs.*batch"):
        check_schema(config, schema)


def test_run_and_dataset_survive_json_and_yaml():
    plan = expand(repository_config())
    for run in plan.of_ensembles():
        entry = yaml.safe_load(yaml.safe_dump(json.loads(json.dumps(run.to_mapping()))))
        assert run_from_mapping(entry).to_mapping() == run.to_mapping()
    for dataset in plan.datasets.values():
        entry = json.loads(json.dumps(dataset.to_mapping()))
        assert dataset_from_mapping(entry).to_mapping() == dataset.to_mapping()


def test_run_file_of_a_version_without_the_section_engine_is_one_sentence(tmp_path):
    entry = json.loads(json.dumps(nano_run().to_mapping()))
    entry["settings"] |= entry.pop("engine")
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(entry))
    with pytest.raises(ContractError, match=r"older version, .* section engine; run snakemake"):
        load_run(tmp_path / "config.yaml")


@pytest.mark.parametrize("text", ["dataset: 3", "3", "[]", "null"])
def test_damaged_run_file_is_a_contract_error(tmp_path, text):
    (tmp_path / "config.yaml").write_text(text)
    with pytest.raises(ContractError, match=r"config\.yaml: .*remove it\s+and run snakemake"):
        load_run(tmp_path / "config.yaml")
