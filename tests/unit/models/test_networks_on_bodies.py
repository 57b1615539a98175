"""Every baseline: empty bodies computed once give what all bodies would give."""

import copy

import numpy as np
import pytest
import torch

from protogcn.batches.bodies import all_bodies, pack_bodies
from protogcn.models import build_model
from tests.made.nano import SKELETON
from tests.made.network_settings import network_settings

SIZE = {"width": 12, "blocks": 3, "downsample": [3]}
# Persons of each clip: all, some, several and only empty bodies, and clips without anybody.
BATCHES = {
    "no empty body": [2, 2],
    "one empty body": [2, 1, 2],
    "several empty bodies": [1, 2, 1, 1],
    "clips without persons": [0, 2, 1, 0],
    "only empty bodies": [0, 0],
}
# BlockGCN has a row for each body, see test_blockgcn.py; the others stand on CTR-GCN.
NETWORKS = ("stgcn", "stgcnpp", "ctrgcn", "skeletongcl", "infogcn", "hdgcn")


def make_model(network, num_persons=2):
    """Return a network in float64 with no weight at a special value."""
    torch.manual_seed(3)
    model = build_model(
        network_settings(network, **SIZE), SKELETON, num_classes=4, num_persons=num_persons
    ).double()
    generator = torch.Generator().manual_seed(5)
    for name, value in model.state_dict().items():
        if value.is_floating_point():
            noise = torch.empty_like(value).uniform_(-1, 1, generator=generator)
            value.copy_(1 + noise / 2 if name.endswith("running_var") else value + noise / 4)
            if name.endswith("norm.weight"):
                value.copy_(1 + noise / 4)
    return model


def make_clips(persons, num_slots=2):
    """Return clips (N, M, T, V, C) with as many persons as wanted, the other slots empty."""
    generator = torch.Generator().manual_seed(len(persons))
    clips = torch.randn(len(persons), num_slots, 8, 5, 3, generator=generator, dtype=torch.float64)
    for clip, number in zip(clips, persons, strict=True):
        clip[number:] = 0
    return clips, torch.arange(len(persons)) % 4


def with_seed(call, *arguments):
    """Call with the same random numbers each time; InfoGCN draws noise."""
    torch.manual_seed(7)
    return call(*arguments)


def close(found, expected, name=None):
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-10, msg=name)


@pytest.mark.parametrize("persons", BATCHES.values(), ids=BATCHES)
@pytest.mark.parametrize("network", NETWORKS)
def test_evaluation_is_that_of_all_bodies(network, persons):
    model = make_model(network).eval()
    clips, _ = make_clips(persons)
    bodies = pack_bodies(clips, np.array(persons))
    with torch.no_grad():
        close(model(bodies), model(all_bodies(clips)))


@pytest.mark.parametrize("multiple", [1, 4], ids=["eager", "compiled"])
@pytest.mark.parametrize("persons", BATCHES.values(), ids=BATCHES)
@pytest.mark.parametrize("network", NETWORKS)
def test_training_step_is_that_of_all_bodies(network, persons, multiple):
    packed, plain = make_model(network).train(), make_model(network).train()
    clips, labels = make_clips(persons)
    bodies = pack_bodies(clips, np.array(persons), multiple=multiple)
    found = with_seed(packed.loss, bodies, labels)
    expected = with_seed(plain.loss, all_bodies(clips), labels)
    close(found.total, expected.total)
    close(found.logits, expected.logits)
    found.total.backward()
    expected.total.backward()
    gradients = {name: value.grad for name, value in plain.named_parameters()}
    size = torch.stack([gradient.norm() for gradient in gradients.values()]).norm()
    for name, value in packed.named_parameters():
        assert (value.grad - gradients[name]).norm() <= 1e-9 * size, name
    for name, value in packed.named_buffers():
        close(value, plain.get_buffer(name), name)


@pytest.mark.parametrize("network", NETWORKS)
def test_one_row_is_computed_for_all_empty_slots_of_a_person(network):
    seen = []
    model = make_model(network).eval()
    model.blocks[0].register_forward_hook(lambda block, inputs, out: seen.append(len(out)))
    persons = np.array([1, 2, 1, 1, 1, 1])
    model(pack_bodies(make_clips(persons)[0], persons))
    assert seen == [7 + 1]


def test_persons_of_ctrgcn_have_statistics_of_their_own():
    """Worked out by hand: the norm of each person's values over clips and frames."""
    model = make_model("ctrgcn").train()
    clips, _ = make_clips([2, 1, 2])
    before = copy.deepcopy(model.input_norm)
    normed = model.input_norm(pack_bodies(clips, np.array([2, 1, 2])))
    for row, (clip, person) in enumerate([(0, 0), (0, 1), (1, 0), (2, 0), (2, 1), (1, 1)]):
        values = clips[:, person].reshape(3 * 8, 15)
        mean, variance = values.mean(0), values.var(0, unbiased=False)
        part = slice(15 * person, 15 * (person + 1))
        scaled = (clips[clip, person].reshape(8, 15) - mean) / (variance + before.eps).sqrt()
        expected = scaled * before.weight[part] + before.bias[part]
        close(normed[row].reshape(8, 15), expected)
        moved = 0.9 * before.running_mean[part] + 0.1 * mean
        close(model.input_norm.running_mean[part], moved)


def test_persons_share_statistics_where_there_is_one_slot():
    """CTR-GCN's input norm of one person is the norm that the other networks have."""
    ctrgcn, other = make_model("ctrgcn", num_persons=1).train(), make_model("stgcn").train()
    assert ctrgcn.input_norm.num_features == other.input_norm.num_features == 15
    ctrgcn.input_norm.load_state_dict(other.input_norm.state_dict())
    clips, _ = make_clips([1, 0, 1], num_slots=1)
    bodies = pack_bodies(clips, np.array([1, 0, 1]))
    close(ctrgcn.input_norm(bodies), other.input_norm(bodies))
    close(ctrgcn.input_norm.running_var, other.input_norm.running_var)


@pytest.mark.parametrize("network", ["stgcn", "stgcnpp"])
def test_persons_may_change_places(network):
    model = make_model(network).eval()
    clips, _ = make_clips([2, 2])
    with torch.no_grad():
        close(model(all_bodies(clips.flip(1))), model(all_bodies(clips)))
