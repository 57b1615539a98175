from dataclasses import replace

import pytest
import torch

from protogcn.errors import ContractError
from protogcn.models.checkpoint import load_checkpoint, save_checkpoint
from protogcn.models.trained import build_network, differing, load_trained, load_weights
from tests.made.nano import (
    SETTINGS,
    assert_same,
    nano_clips,
    nano_run,
    store_of,
    write_checkpoint,
    write_dataset,
)


@pytest.fixture
def path(data, tmp_path):
    """A checkpoint of the nano run."""
    write_checkpoint(tmp_path / "c.pt", nano_run(), store_of(data), build_network(nano_run()))
    return tmp_path / "c.pt"


def test_network_has_the_weights_of_the_checkpoint_and_is_ready_to_be_scored(path, data):
    model, checkpoint = load_trained(path, nano_run(), store_of(data))
    assert_same(model.state_dict(), checkpoint["model"])
    assert not model.training
    assert checkpoint["epoch"] == SETTINGS["epochs"]


@pytest.mark.parametrize(
    ("settings", "sentence"), [({"seed": 1}, "other seed"), ({"frames": 15}, "other frames")]
)
@pytest.mark.parametrize("is_data_known", [True, False])
def test_another_training_is_refused(path, data, settings, sentence, is_data_known):
    store = store_of(data) if is_data_known else None
    message = rf"c\.pt: is of .* {sentence} than nano_xsub/protogcn/j; train again"
    with pytest.raises(ContractError, match=message):
        load_trained(path, nano_run(**settings), store)


def test_another_network_is_refused(path, data):
    run = nano_run()
    wider = replace(run, network={**run.network, "width": 48})
    with pytest.raises(ContractError, match=r"other model\.width than"):
        load_trained(path, wider, store_of(data))


def test_training_on_other_data_is_refused(path, tmp_path):
    write_dataset(tmp_path, nano_clips(seed=1))
    with pytest.raises(ContractError, match="other frames of the data, training clips than"):
        load_trained(path, nano_run(), store_of(tmp_path))


def test_settings_that_do_not_affect_the_weights_may_be_others(path, data):
    others = {
        "crops": 1,
        "crop_borders": "clean",
        "compile": False,
        "device": "auto",
    }
    assert load_trained(path, nano_run(**others), store_of(data))


def test_a_setting_that_is_newer_than_the_checkpoint_is_not_compared_without_the_data(path):
    assert load_trained(path, nano_run(added_since=True))


def test_weights_that_are_not_the_networks_are_one_sentence(path, data):
    content = load_checkpoint(path, {})
    save_checkpoint(path, content | {"model": {"a": torch.zeros(1)}})
    with pytest.raises(ContractError, match=r"expected the weights of nano_xsub/protogcn/j"):
        load_trained(path, nano_run(), store_of(data))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda value: value.half(), "weight is of torch.float16, expected torch.float32"),
        (lambda value: value * float("nan"), "weight is not finite"),
    ],
)
def test_weights_that_are_no_finite_numbers_of_the_networks_kind_are_refused(change, words):
    model = torch.nn.Linear(2, 2)
    with pytest.raises(ValueError, match=words):
        load_weights(model, model.state_dict() | {"weight": change(model.weight.detach())})


def test_a_fact_that_is_a_tensor_is_another_one():
    tensor = torch.ones(3)
    assert differing({"a": tensor, "b": [tensor]}, {"a": 1, "b": [1]}) == ["a", "b"]
