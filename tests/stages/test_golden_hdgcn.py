"""Every number that the released HD-GCN gives for fixed weights, in float64."""

import json
import math

import numpy as np
import pytest
import torch

from protogcn.batches.bodies import all_bodies
from protogcn.config.skeleton import built_in_skeletons
from protogcn.config.trunk import trunk_roots
from protogcn.models import build_model
from protogcn.models.baselines.hierarchies import hierarchy, hierarchy_graphs
from protogcn.models.released.hdgcn import from_hdgcn, hdgcn_names
from tests.made.golden_authors import key_index, ucla
from tests.made.golden_network import GOLDEN, golden_clips, golden_scale, hash_noise
from tests.made.network_settings import network_settings

EXPECTED = json.loads((GOLDEN / "hdgcn.json").read_text())
SIZE = {"width": 64, "blocks": 10, "downsample": [5, 8]}
NTU = built_in_skeletons()["ntu25"]
ROOTS = {"com1": 1, "com2": 2, "com21": 3, "com3": 3}


def scaled(key, noise, graph):
    """Make the weights of the entries ``scaled``."""
    if key.endswith(".PA"):
        return graph + 0.1 * noise
    if key.endswith("aha.aggregate.weight"):
        return 8 * golden_scale(key, noise)
    more = noise.ndim > 1 and not key.endswith(".bias")
    return (1.2 if more else 1) * golden_scale(key, noise)


def plain(key, noise, graph):
    if key.endswith(".PA"):
        return noise * math.sqrt(3 / noise[0].size)
    return golden_scale(key, noise)


def golden_hdgcn(root, scale=scaled, *, skeleton=NTU, num_classes=60, num_persons=2):
    settings = network_settings("hdgcn", **SIZE, root=ROOTS[root])
    model = build_model(settings, skeleton, num_classes=num_classes, num_persons=num_persons)
    index, state = key_index("hdgcn"), {}
    for key, parts in hdgcn_names(model).items():
        value = model.state_dict()[key]
        for name in parts:
            shape = (len(value) // len(parts), *value.shape[1:]) if value.dim() else ()
            noise = hash_noise(index[name], int(np.prod(shape))).reshape(shape)
            made = scale(name, noise, value.numpy()).astype(np.float32) if shape else np.int64(0)
            state[name] = torch.tensor(made)
    model.double().load_state_dict(from_hdgcn(state, model))
    return model


def check_evaluation(model, clips, expected):
    weights = {}
    hooks = [
        block.spatial.attend.register_forward_hook(
            lambda module, inputs, out, number=number: weights.update({number: out})
        )
        for number, block in enumerate(model.blocks, 1)
        if number > 1
    ]
    with torch.no_grad():
        features = model.eval()._features(all_bodies(clips), range(11))
        logits = model(all_bodies(clips))
    for hook in hooks:
        hook.remove()
    for number, values in expected["block_sum_l2"].items():
        found = [features[int(number)].sum().item(), features[int(number)].norm().item()]
        np.testing.assert_allclose(found, values, rtol=1e-10)
    for number, values in expected["attention_sum_l2"].items():
        found = [weights[int(number)].sum().item(), weights[int(number)].norm().item()]
        np.testing.assert_allclose(found, values, rtol=1e-10)
    np.testing.assert_allclose(logits, expected["logits"], rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("root", [pytest.param("com21", marks=pytest.mark.long), "com2"])
def test_evaluation(root):
    check_evaluation(golden_hdgcn(root), golden_clips(25), EXPECTED["scaled"][root])


@pytest.mark.long
def test_evaluation_by_the_plain_rule():
    check_evaluation(golden_hdgcn("com21", plain), golden_clips(25), EXPECTED["rule"]["com21"])


@pytest.mark.long
def test_evaluation_on_other_joints():
    model = golden_hdgcn("com2", skeleton=paired_ucla(), num_classes=10, num_persons=1)
    clips = golden_clips(20, num_persons=1, empty=())
    check_evaluation(model, clips, EXPECTED["ucla"]["com2"])


def paired_ucla():
    return ucla(pairs=[[4, 8], [5, 9], [6, 10], [7, 11], [12, 16], [13, 17], [14, 18], [15, 19]])


def test_training_step():
    expected = EXPECTED["scaled"]["train"]
    model = golden_hdgcn("com21").train()
    loss = model.loss(all_bodies(golden_clips(25, 4)), torch.tensor(expected["labels"]))
    assert loss.total.item() == pytest.approx(expected["loss"], rel=1e-10)
    np.testing.assert_allclose(loss.logits[0, :8], expected["logits_row0_first8"], rtol=1e-9)
    loss.total.backward()
    gradients = [each.grad for each in model.parameters() if each.grad is not None]
    total = torch.stack([each.norm() for each in gradients]).norm().item()
    assert total == pytest.approx(expected["grad_total_l2"], rel=1e-8)
    names, norms = hdgcn_names(model), {}
    for key, parameter in model.named_parameters():
        for name, part in zip(names[key], parameter.grad.chunk(len(names[key])), strict=True):
            norms[name] = part.norm().item()
    for name, norm in expected["grad_l2"].items():
        assert norms[name] == pytest.approx(norm, rel=1e-8), name
    rate = {"lr": 0.02, "momentum": 0.9, "nesterov": True, "weight_decay": 4e-4}
    torch.optim.SGD(model.parameters(), **rate).step()
    with torch.no_grad():
        logits = model.eval()(all_bodies(golden_clips(25, 4)))
    wanted = expected["after_step"]["eval_logits_row0_first8"]
    np.testing.assert_allclose(logits[0, :8], wanted, rtol=1e-8)


@pytest.mark.parametrize("entry", EXPECTED["hierarchies"])
def test_hierarchy_of_the_released_layouts(entry):
    layout, name = entry.split("_")
    skeleton, expected = (NTU if layout == "ntu" else paired_ucla()), EXPECTED["hierarchies"][entry]
    groups = hierarchy(skeleton, trunk_roots(skeleton)[ROOTS[name] - 1])
    assert groups == expected["groups_0based"]
    graphs = hierarchy_graphs(groups, skeleton.num_joints).double().numpy()
    assert list(graphs.shape) == expected["A_shape"]
    places = np.sin(np.arange(graphs.size))
    found = [graphs.sum(), np.linalg.norm(graphs), graphs.ravel() @ places]
    wanted = [expected[name] for name in ("A_sum", "A_l2", "A_weighted")]
    np.testing.assert_allclose(found, wanted, rtol=1e-6)


@pytest.mark.parametrize(("classes", "parameters"), [(60, 1_659_980), (120, 1_675_400)])
def test_size(classes, parameters):
    model = build_model(network_settings("hdgcn", **SIZE), NTU, num_classes=classes)
    assert sum(each.numel() for each in model.parameters()) == parameters
