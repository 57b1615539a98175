"""Every number that the released InfoGCN gives for fixed weights, in float64."""

import json

import numpy as np
import pytest
import torch

from protogcn.batches.bodies import all_bodies
from protogcn.config.skeleton import built_in_skeletons
from protogcn.models import build_model
from protogcn.models.baselines import infogcn
from protogcn.models.released.infogcn import from_infogcn, infogcn_names
from tests.made.golden_authors import key_index, ucla
from tests.made.golden_network import GOLDEN, golden_clips, golden_scale, hash_noise
from tests.made.network_settings import network_settings

EXPECTED = json.loads((GOLDEN / "infogcn.json").read_text())
SIZE = {"width": 64, "blocks": 9, "downsample": [4, 7]}


def scaled(key, noise):
    """Make the weights of the entries ``scaled``: the rule, with a graph and attention that count."""
    if key.endswith("shared_topology"):
        return 3 * (np.eye(noise.shape[-1]) + noise)
    if key == "pos_embedding":
        return 0.5 * noise
    if key.endswith("to_qk.weight"):
        return 2 * golden_scale(key, noise)
    return golden_scale(key, noise)


def golden_infogcn(k, scale=scaled, *, skeleton=None, num_classes=60, num_persons=2):
    skeleton = skeleton or built_in_skeletons()["ntu25"]
    settings = network_settings("infogcn", **SIZE, k=k, noise=0.5)
    model = build_model(settings, skeleton, num_classes=num_classes, num_persons=num_persons)
    index, state = key_index("infogcn"), {}
    for key, parts in infogcn_names(model).items():
        value = model.state_dict()[key]
        for name in parts:
            shape = (len(value) // len(parts), *value.shape[1:]) if value.dim() else ()
            if name == "pos_embedding":
                shape = (1, *shape)
            noise = hash_noise(index[name], int(np.prod(shape))).reshape(shape)
            made = scale(name, noise).astype(np.float32) if shape else np.int64(0)
            state[name] = torch.tensor(made)
    model.double().load_state_dict(from_infogcn(state, model))
    feature, label = np.ogrid[:256, :num_classes]
    prior = 3 * (2 / 256) ** 0.5 * np.cos(np.pi * (feature + 0.5) * (label + 1) / 256)
    model.prior.copy_(torch.from_numpy(prior.T))
    return model


def check_evaluation(model, clips, expected):
    with torch.no_grad():
        features = model.eval()._features(all_bodies(clips), range(10))
        logits = model(all_bodies(clips))
    for number, values in expected["block_sum_l2"].items():
        found = [features[int(number)].sum().item(), features[int(number)].norm().item()]
        np.testing.assert_allclose(found, values, rtol=1e-10)
    np.testing.assert_allclose(logits, expected["logits"], rtol=1e-10, atol=1e-10)
    if "attention_l2" in expected:
        for number, norm in expected["attention_l2"].items():
            with torch.no_grad():
                block = model.blocks[int(number) - 1]
                attention = block.spatial.attention(features[int(number) - 1])
            assert attention.norm().item() == pytest.approx(norm, rel=1e-10)


@pytest.mark.parametrize("k", [1, pytest.param(8, marks=pytest.mark.long)])
def test_evaluation(k):
    expected = EXPECTED["scaled"][f"k{k}"]
    check_evaluation(golden_infogcn(k), golden_clips(25), expected)


@pytest.mark.long
def test_evaluation_by_the_plain_rule():
    model = golden_infogcn(2, golden_scale)
    check_evaluation(model, golden_clips(25), EXPECTED["rule"]["k2"])


@pytest.mark.long
def test_evaluation_on_other_joints():
    model = golden_infogcn(1, skeleton=ucla(), num_classes=10, num_persons=1)
    clips = golden_clips(20, num_persons=1, empty=())
    check_evaluation(model, clips, EXPECTED["ucla"]["k1_by_ancestors"])


@pytest.mark.parametrize(
    ("entry", "size"), [("train", 1), pytest.param("train_zero_noise", 0, marks=pytest.mark.long)]
)
def test_training_step(monkeypatch, entry, size):
    expected = EXPECTED["scaled"][entry]
    model = golden_infogcn(1).train()
    model.label_smoothing = 0.1
    n, j = np.ogrid[:4, :256]
    noise = torch.from_numpy(size * 1.3 * np.sin(0.9 * n + 0.37 * j + 0.2))
    monkeypatch.setattr(infogcn, "of_whole_batch", lambda part, rows, draw: noise)
    bodies = all_bodies(golden_clips(25, 4))
    loss = model.loss(bodies, torch.tensor(expected["labels"]))
    found = {name: value.item() for name, value in loss.parts.items()}
    assert found["cross_entropy"] == pytest.approx(expected["cross_entropy"], rel=1e-10)
    assert found["prior"] == pytest.approx(expected["mmd"], rel=1e-10)
    assert found["mean"] == pytest.approx(expected["mean_norm"], rel=1e-10)
    assert loss.total.item() == pytest.approx(expected["loss"], rel=1e-10)
    loss.total.backward()
    gradients = [each.grad for each in model.parameters() if each.grad is not None]
    total = torch.stack([each.norm() for each in gradients]).norm().item()
    assert total == pytest.approx(expected["grad_total_l2"], rel=1e-8)
    names, norms = infogcn_names(model), {}
    for key, parameter in model.named_parameters():
        for name, part in zip(names[key], parameter.grad.chunk(len(names[key])), strict=True):
            norms[name] = part.norm().item()
    for name, norm in expected["grad_l2"].items():
        assert norms[name] == pytest.approx(norm, rel=1e-8, abs=1e-9), name
    if size:
        check_step(model, expected)


def check_step(model, expected):
    """Update the weights once; the statistics and what the network computes then are the release's."""
    norm = model.input_norm.norm
    after = expected["buffers_after"]["data_bn.running_mean"]
    found = [norm.running_mean.sum().item(), norm.running_mean.norm().item()]
    np.testing.assert_allclose(found, after, rtol=1e-10)
    rate = {"lr": 0.02, "momentum": 0.9, "nesterov": True, "weight_decay": 5e-4}
    torch.optim.SGD(model.parameters(), **rate).step()
    with torch.no_grad():
        logits = model.eval()(all_bodies(golden_clips(25, 4)))
    wanted = expected["after_step"]["eval_logits_row0_first8"]
    np.testing.assert_allclose(logits[0, :8], wanted, rtol=1e-8)


@pytest.mark.parametrize(("classes", "parameters"), [(60, 1_556_807), (120, 1_572_227)])
def test_size(classes, parameters):
    settings = network_settings("infogcn", **SIZE)
    model = build_model(settings, built_in_skeletons()["ntu25"], num_classes=classes)
    assert sum(each.numel() for each in model.parameters()) == parameters
