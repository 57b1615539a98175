import pytest
import torch

from protogcn.config.skeleton import built_in_skeletons
from protogcn.errors import ContractError
from protogcn.models import build_model
from protogcn.models.released.pyskl import from_pyskl
from tests.made.golden_network import golden_weights
from tests.made.network_settings import network_settings

SIZE = {"width": 64, "blocks": 10, "downsample": [5, 8]}


@pytest.fixture(scope="module")
def model():
    settings = network_settings("stgcnpp", **SIZE)
    return build_model(settings, built_in_skeletons()["ntu25"], num_classes=120)


@pytest.fixture(scope="module")
def released():
    return golden_weights("checkpoint_keys_stgcnpp.csv", {})


def test_branches_of_unequal_width_are_stacked_in_order(model, released):
    ours = from_pyskl(released, model)["blocks.9.temporal.reduce.weight"]
    names = [f"backbone.gcn.9.tcn.branches.{number}.0.weight" for number in range(5)]
    parts = [released[name] for name in [*names, "backbone.gcn.9.tcn.branches.5.weight"]]
    assert [len(part) for part in parts] == [46, 42, 42, 42, 42, 42]
    assert torch.equal(ours, torch.cat(parts).flatten(1))


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("backbone.gcn.3.gcn.A", None, r"1 missing: backbone\.gcn\.3\.gcn\.A$"),
        ("backbone.more", torch.ones(1), r"1 unknown: backbone\.more$"),
        (
            "cls_head.fc_cls.bias",
            torch.ones(60),
            r"1 of another shape: cls_head\.fc_cls\.bias \(60,\) instead of \(120,\)$",
        ),
    ],
)
def test_state_of_another_network_is_one_sentence(model, released, name, value, sentence):
    state = {key: entry for key, entry in released.items() if key != name}
    if value is not None:
        state[name] = value
    with pytest.raises(ContractError, match=f"not those of this network:\n  {sentence}"):
        from_pyskl(state, model)


def test_graph_that_ctrgcn_never_reads_may_be_there_or_not():
    settings = network_settings("ctrgcn", **SIZE)
    model = build_model(settings, built_in_skeletons()["ntu25"], num_classes=60)
    state = golden_weights("checkpoint_keys_ctrgcn.csv", {})
    with_it = from_pyskl(state, model)
    del state["backbone.A"]
    without = from_pyskl(state, model)
    assert all(torch.equal(value, without[key]) for key, value in with_it.items())
