"""Every number that the released BlockGCN gives for fixed weights, in float64."""

import json

import numpy as np
import pytest
import torch

from protogcn.batches.bodies import all_bodies
from protogcn.config.skeleton import built_in_skeletons
from protogcn.models import build_model
from protogcn.models.baselines.graphs import hop_distances
from protogcn.models.baselines.mean_pose import StructureElements, deaths_of
from protogcn.models.released.blockgcn import blockgcn_names, from_blockgcn
from tests.made.golden_authors import key_index, ucla
from tests.made.golden_network import GOLDEN, golden_clips, golden_scale, hash_noise
from tests.made.network_settings import network_settings

EXPECTED = json.loads((GOLDEN / "blockgcn.json").read_text())
SIZE = {"width": 128, "blocks": 10, "downsample": [5, 8]}
NTU = built_in_skeletons()["ntu25"]
ROOT = 20


def weight(name, shape, gain):
    noise = hash_noise(key_index("blockgcn")[name], int(np.prod(shape))).reshape(shape)
    made = golden_scale(name, noise)
    if noise.ndim > 1 and not name.endswith("bias"):
        made = gain * noise * np.sqrt(3 / noise[0].size)
    return torch.tensor(made.astype(np.float32))


def golden_blockgcn(gain, *, encoding="released", skeleton=NTU, num_classes=60, num_persons=2):
    settings = network_settings("blockgcn", **SIZE, encoding=encoding)
    model = build_model(settings, skeleton, num_classes=num_classes, num_persons=num_persons)
    state = {}
    for key, parts in blockgcn_names(model).items():
        value = model.state_dict()[key]
        for name in parts:
            shape = (len(value) // len(parts), *value.shape[1:]) if value.dim() else ()
            shape = (1, *shape) if name == "pos_embedding" else shape
            state[name] = weight(name, shape, gain) if shape else torch.tensor(0)
    model.double().load_state_dict(from_blockgcn(state, model))
    return model


def inputs(num_clips=2, empty=((1, 1),)):
    """Return the bodies of stream J: positions relative to the root, whose row stays."""
    positions = golden_clips(25, num_clips, empty=empty).float().double()
    values = positions - positions[:, :, :, ROOT : ROOT + 1]
    values[:, :, :, ROOT] = positions[:, :, :, ROOT]
    return all_bodies(values)._replace(positions=positions.flatten(0, 1))


def check(model, bodies, expected):
    with torch.no_grad():
        features = model.eval()._features(bodies, range(11))
        logits = model(bodies)
    for number, values in expected.get("block_sum_l2", {}).items():
        found = [features[int(number)].sum().item(), features[int(number)].norm().item()]
        np.testing.assert_allclose(found, values, rtol=1e-10)
    assert features[10].sum().item() == pytest.approx(expected["feat_sum"], rel=1e-10)
    assert features[10].norm().item() == pytest.approx(expected["feat_l2"], rel=1e-10)
    np.testing.assert_allclose(logits, expected["logits"], rtol=1e-9, atol=1e-9)


def test_evaluation():
    expected = EXPECTED["scaled"]
    model, bodies = golden_blockgcn(expected["scale"]), inputs()
    check(model, bodies, expected)
    encoding = model.topology(bodies).detach()
    np.testing.assert_allclose(encoding, expected["encoding"], rtol=1e-10)


def test_evaluation_in_the_clean_form():
    scaled = EXPECTED["scaled"]
    check(golden_blockgcn(scaled["scale"], encoding="clean"), inputs(), scaled["clean"])


@pytest.mark.long
def test_evaluation_by_the_plain_rule():
    check(golden_blockgcn(1), inputs(), EXPECTED["rule"])


@pytest.mark.long
def test_evaluation_of_one_person_with_other_joints():
    expected = EXPECTED["one_person_20_joints"]
    model = golden_blockgcn(expected["scale"], skeleton=ucla(), num_classes=10, num_persons=1)
    clips = golden_clips(20, 2, 16, num_persons=1, empty=()).float().double()
    check(model, all_bodies(clips)._replace(positions=clips.flatten(0, 1)), expected)


@pytest.mark.parametrize(
    ("entry", "encoding"),
    [("train", "released"), pytest.param("train_clean", "clean", marks=pytest.mark.long)],
)
def test_training_step(entry, encoding):
    expected = EXPECTED["scaled"][entry]
    model = golden_blockgcn(EXPECTED["scaled"]["scale"], encoding=encoding).train()
    labels = torch.tensor(EXPECTED["scaled"]["train"]["labels"])
    loss = model.loss(inputs(4, empty=[(1, 1), (3, 1)]), labels)
    assert loss.total.item() == pytest.approx(expected["loss"], rel=1e-10)
    loss.total.backward()
    gradients = [each.grad for each in model.parameters() if each.grad is not None]
    total = torch.stack([each.norm() for each in gradients]).norm().item()
    assert total == pytest.approx(expected["grad_total_l2"], rel=1e-8)
    names, norms = blockgcn_names(model), {}
    for key, parameter in model.named_parameters():
        for name, part in zip(names[key], parameter.grad.chunk(len(names[key])), strict=True):
            norms[name] = part.norm().item()
    for name, norm in expected["grad_l2"].items():
        assert norms[name] == pytest.approx(norm, rel=1e-8, abs=1e-12), name


def test_deaths_and_encodings_of_odd_poses():
    expected = EXPECTED["topology"]
    noise = 0.5 * hash_noise(1000, 5 * 2 * 8 * 25 * 3).reshape(5, 2, 8, 25, 3)
    clips = noise.astype(np.float32).astype(np.float64)
    clips[1, :, :, 7] = clips[1, :, :, 3]
    clips[2, :, :, [5, 6, 9]] = 0
    clips[3, 1] = clips[4] = 0
    poses = torch.from_numpy(clips.mean((1, 2)))
    deaths, largest = deaths_of(poses)
    np.testing.assert_allclose(largest, expected["largest_distance"], rtol=1e-12)
    assert (deaths > 0).sum(1).tolist() == expected["num_deaths"]
    elements, gain = StructureElements().double(), EXPECTED["scaled"]["scale"]
    with torch.no_grad():
        elements.centres.copy_(weight("topo.pl.centres", (64, 2), gain))
        elements.sharpness.copy_(weight("topo.pl.sharpness", (64, 2), gain))
        for released, name in ((True, "encoding"), (False, "encoding_clean")):
            found = elements(poses, released=released)
            np.testing.assert_allclose(found, expected[name], rtol=1e-10, err_msg=name)


def test_hops():
    assert hop_distances(NTU).tolist() == EXPECTED["hops"]


@pytest.mark.parametrize(("classes", "parameters"), [(60, 1_372_780), (120, 1_388_200)])
def test_size(classes, parameters):
    model = build_model(network_settings("blockgcn", **SIZE), NTU, num_classes=classes)
    assert sum(each.numel() for each in model.parameters()) == parameters
