"""Every number that PYSKL's ST-GCN, ST-GCN++ and CTR-GCN give for fixed weights, in float64."""

import json
from functools import cache, partial
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from protogcn.batches.bodies import all_bodies
from protogcn.config.skeleton import built_in_skeletons
from protogcn.models import build_model
from protogcn.models.released.pyskl import from_pyskl, pyskl_names
from tests.made.golden_network import GOLDEN, golden_clips, golden_weights, scale_with
from tests.made.network_settings import network_settings

# network, entry of its golden numbers, classes
TRAINED = [("stgcn", "scaled", 60), ("ctrgcn", "scaled", 60)]
BY_BLOCK = [*TRAINED, ("stgcn", "rule", 60), ("ctrgcn", "rule", 60)]
CASES = [*BY_BLOCK, ("stgcnpp", "rule", 120)]
SIZE = {"width": 64, "blocks": 10, "downsample": [5, 8]}


def network_of(name, num_classes):
    skeleton = built_in_skeletons()["ntu25"]
    return build_model(network_settings(name, **SIZE), skeleton, num_classes=num_classes)


def scaled_weights(model, network, gain):
    """Return the weights of the ``scaled`` entries: graphs as built, maps with a gain."""
    names = pyskl_names(model)
    state = golden_weights(f"checkpoint_keys_{network}.csv", {}, partial(scale_with, gain))
    graphs = {key: value for key, value in model.state_dict().items() if key.endswith(".graph")}
    return state | {names[key][0]: value for key, value in graphs.items()}


def ids(case):
    return f"{case[0]} {case[1]}"


def each(cases):
    return pytest.mark.parametrize("case", cases, ids=ids)


@cache
def computed(network, entry, num_classes):
    """Return one evaluation, and one training step where there are numbers of it."""
    expected = json.loads((GOLDEN / f"{network}.json").read_text())
    expected = expected.get(entry, expected)
    model = network_of(network, num_classes)
    if entry == "scaled":
        state = scaled_weights(model, network, expected["scale"])
    else:
        state = golden_weights(f"checkpoint_keys_{network}.csv", {})
    model.load_state_dict(from_pyskl(state, model))
    model.double().eval()
    clips, blocks = all_bodies(golden_clips(25)), []
    hooks = [
        block.register_forward_hook(lambda block, inputs, out: blocks.append(out))
        for block in model.blocks
    ]
    with torch.no_grad():
        logits = model(clips)
    for hook in hooks:
        hook.remove()
    loss = gradients = None
    if "train" in expected:
        loss = model.train().loss(clips, torch.tensor(expected["train"]["labels"])).total
        loss.backward()
        gradients = gradients_by_name(model)
    return SimpleNamespace(
        expected=expected, logits=logits, blocks=blocks, loss=loss, gradients=gradients
    )


def gradients_by_name(model):
    """Return the gradient of each parameter of PYSKL; where ours stacks several, the first."""
    names = pyskl_names(model)
    return {
        names[key][0]: parameter.grad[: len(parameter) // len(names[key])]
        for key, parameter in model.named_parameters()
    } | {"all": [parameter.grad for parameter in model.parameters()]}


@each(CASES)
def test_logits(case):
    found = computed(*case)
    expected = np.array(found.expected["logits"])
    error = np.abs(found.logits.numpy() - expected).max() / np.abs(expected).max()
    assert error < 1e-12


@each(CASES)
def test_features_of_the_last_block(case):
    found = computed(*case)
    clips, persons, channels, frames, joints = found.expected["feat_shape"]
    features = found.blocks[-1]
    assert features.shape == (clips * persons, frames, joints, channels)
    assert features.sum().item() == pytest.approx(found.expected["feat_sum"], rel=1e-11)
    assert features.norm().item() == pytest.approx(found.expected["feat_l2"], rel=1e-11)


@each(BY_BLOCK)
def test_features_of_each_block(case):
    found = computed(*case)
    sums = found.expected["block_sum_l2"]
    assert sums.keys() == {str(number) for number in range(1, 11)}
    for number, expected in sums.items():
        features = found.blocks[int(number) - 1]
        of_block = [features.sum().item(), features.norm().item()]
        np.testing.assert_allclose(of_block, expected, rtol=1e-11, atol=0)


@each(TRAINED)
def test_loss_and_gradients(case):
    found = computed(*case)
    expected = found.expected["train"]
    assert found.loss.item() == pytest.approx(expected["loss"], rel=1e-11)
    total = torch.stack([gradient.norm() for gradient in found.gradients["all"]]).norm()
    assert total.item() == pytest.approx(expected["grad_total_l2"], rel=1e-10)
    for name, norm in expected["grad_l2"].items():
        assert found.gradients[name].norm().item() == pytest.approx(norm, rel=1e-10), name
