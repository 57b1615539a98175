"""Every number that PYSKL's ST-GCN, ST-GCN++ and CTR-GCN give for fixed weights, in float64."""

import csv
import json
import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from protogcn.models import build_model
from protogcn.models.released_pyskl import from_pyskl, pyskl_names
from protogcn.skeleton import built_in_skeletons
from tests.unit.models.golden_network import GOLDEN, golden_clips, golden_weights, hash_noise

CASES = [
    ("stgcnpp", None, 120),
    ("stgcn", "scaled", 60),
    ("stgcn", "rule", 60),
    ("ctrgcn", "scaled", 60),
    ("ctrgcn", "rule", 60),
]
SIZE = {"width": 64, "blocks": 10, "downsample": [5, 8]}


def network_of(name, num_classes):
    skeleton = built_in_skeletons()["ntu25"]
    return build_model({"network": name, **SIZE}, skeleton, num_classes=num_classes)


def scaled(state, model, network, scale):
    """Return the weights of the ``scaled`` entries: graphs as built, maps with a gain."""
    graphs = from_ours(model)
    for name, value in state.items():
        if name.endswith(".PA"):
            state[name] = torch.from_numpy(1 + 0.1 * noise_of(name, network)).float()
        elif name in graphs:
            state[name] = graphs[name]
        elif value.is_floating_point() and value.dim() > 1:
            gain = scale * math.sqrt(3 / value[0].numel())
            state[name] = torch.from_numpy(gain * noise_of(name, network)).float()
    return state


def from_ours(model):
    """Return the graphs as built, by PYSKL's names."""
    names = pyskl_names(model)
    return {
        names[key][0]: value for key, value in model.state_dict().items() if key.endswith(".graph")
    }


def noise_of(name, network):
    with (GOLDEN / f"checkpoint_keys_{network}.csv").open() as file:
        row = next(row for row in csv.DictReader(file) if row["key"] == name)
    shape = [
        int(axis) for axis in next(v for k, v in row.items() if k.startswith("shape")).split("x")
    ]
    return hash_noise(int(row["index"]), math.prod(shape)).reshape(shape)


@pytest.fixture(scope="module", params=CASES, ids=lambda case: " ".join(filter(None, case[:2])))
def case(request):
    """One evaluation, and one training step where there are numbers of it."""
    network, entry, num_classes = request.param
    expected = json.loads((GOLDEN / f"{network}.json").read_text())
    expected = expected[entry] if entry else expected
    model = network_of(network, num_classes)
    state = golden_weights(f"checkpoint_keys_{network}.csv", {})
    if entry == "scaled":
        state = scaled(state, model, network, expected["scale"])
    model.load_state_dict(from_pyskl(state, model))
    model.double().eval()
    clips, blocks = golden_clips(25), []
    for block in model.blocks:
        block.register_forward_hook(lambda block, inputs, out: blocks.append(out.detach()))
    with torch.no_grad():
        logits = model(clips)
    evaluated = list(blocks)
    loss = gradients = None
    if "train" in expected:
        loss = model.train().loss(clips, torch.tensor(expected["train"]["labels"]))
        loss.total.backward()
        gradients = gradients_by_name(model)
    return SimpleNamespace(
        expected=expected, logits=logits, blocks=evaluated, loss=loss, gradients=gradients
    )


def gradients_by_name(model):
    """Return the gradient of each parameter of PYSKL; where ours stacks several, the first."""
    names = pyskl_names(model)
    return {
        names[key][0]: parameter.grad[: len(parameter) // len(names[key])]
        for key, parameter in model.named_parameters()
    } | {"all": torch.cat([parameter.grad.flatten() for parameter in model.parameters()])}


def test_logits(case):
    expected = np.array(case.expected["logits"])
    error = np.abs(case.logits.numpy() - expected).max() / np.abs(expected).max()
    assert error < 1e-12


def test_features_of_the_last_block(case):
    clips, persons, channels, frames, joints = case.expected["feat_shape"]
    features = case.blocks[-1]
    assert features.shape == (clips * persons, frames, joints, channels)
    assert features.sum().item() == pytest.approx(case.expected["feat_sum"], rel=1e-11)
    assert features.norm().item() == pytest.approx(case.expected["feat_l2"], rel=1e-11)


def test_features_of_each_block(case):
    if "block_sum_l2" not in case.expected:
        pytest.skip("no numbers of each block for this network")
    for number, sums in case.expected["block_sum_l2"].items():
        features = case.blocks[int(number) - 1]
        found = [features.sum().item(), features.norm().item()]
        np.testing.assert_allclose(found, sums, rtol=1e-11, atol=0)


def test_loss_and_gradients(case):
    if case.loss is None:
        pytest.skip("no numbers of a training step for this entry")
    expected = case.expected["train"]
    assert case.loss.total.item() == pytest.approx(expected["loss"], rel=1e-11)
    assert case.gradients["all"].norm().item() == pytest.approx(
        expected["grad_total_l2"], rel=1e-10
    )
    for name, norm in expected["grad_l2"].items():
        assert case.gradients[name].norm().item() == pytest.approx(norm, rel=1e-10), name
