"""Every number that the released SkeletonGCL gives for fixed weights, in float64."""

import json

import numpy as np
import pytest
import torch

from protogcn.batches.bodies import all_bodies
from protogcn.models.add_on import StepView
from protogcn.models.add_ons.graph_contrast import GraphContrast
from tests.made.golden_authors import authors_ctrgcn, gradient_norms
from tests.made.golden_network import GOLDEN, golden_clips, hash_noise

EXPECTED = json.loads((GOLDEN / "skeletongcl.json").read_text())
LOSS = EXPECTED["loss"]
CLIPS = 1700


def noise(row, *shape):
    return torch.from_numpy(hash_noise(row, int(np.prod(shape))).reshape(shape))


def rounded(values):
    return values.float().double()


def golden_contrast(temperature=LOSS["temperature"]):
    numbers = torch.arange(CLIPS)
    bounds = torch.tensor([1400, 1500, 1628])
    labels = torch.where(
        numbers < 1400, numbers % 4, 4 + torch.searchsorted(bounds, numbers, right=True) - 1
    )
    contrast = GraphContrast(1875, labels, 60, temperature=temperature, trained=True).double()
    with torch.no_grad():
        contrast.project.weight.copy_(rounded(noise(822, 256, 1875) * (3 / 1875) ** 0.5))
        contrast.project.bias.copy_(rounded(0.1 * noise(823, 256)))
        memory = rounded(noise(824, CLIPS, 256))
        contrast.memory.copy_(memory / memory.norm(dim=1, keepdim=True))
        contrast.stored.copy_(~((numbers < 1400) & (numbers % 7 == 3)) & (numbers != 1555))
    contrast.memory[~contrast.stored] = 0
    return contrast


def step_of(relations, numbers, labels):
    bodies = all_bodies(torch.zeros(len(labels), 1, 1, 1, 3))
    bodies = bodies._replace(numbers=torch.tensor(numbers))
    return StepView(bodies, {}, relations, torch.zeros(len(labels), 1), torch.tensor(labels))


@pytest.fixture
def draws(monkeypatch):
    """Return what makes every clip draw the first or the last negatives in the memory's order."""

    def draw(which):
        order = torch.arange(CLIPS).double() * (1 if which == "last" else -1)
        monkeypatch.setattr(
            StepView, "uniform", lambda step, columns: order.expand(len(step.labels), columns)
        )

    draw("first")
    return draw


def golden_relations():
    return rounded(0.5 * noise(2000, 6, 1875)).requires_grad_()


@pytest.mark.parametrize(
    ("entry", "which", "temperature"),
    [
        ("draws_first", "first", 0.8),
        ("draws_last", "last", 0.8),
        ("draws_first_temperature_0.07", "first", 0.07),
    ],
)
def test_loss_and_its_gradients(draws, entry, which, temperature):
    draws(which)
    contrast, relations, expected = golden_contrast(temperature), golden_relations(), LOSS[entry]
    loss = contrast(step_of(relations, LOSS["index"], LOSS["labels"]))
    assert loss.item() == pytest.approx(expected["loss"], rel=1e-12)
    loss.backward()
    np.testing.assert_allclose(relations.grad.norm(dim=1), expected["grad_f_l2"], rtol=1e-10)
    if "grad_f_sum" in expected:
        weight, bias = contrast.project.weight.grad, contrast.project.bias.grad
        assert weight.norm().item() == pytest.approx(expected["grad_trans_weight_l2"], rel=1e-10)
        assert bias.norm().item() == pytest.approx(expected["grad_trans_bias_l2"], rel=1e-10)
        np.testing.assert_allclose(
            relations.grad[0, :6], expected["grad_f_first6_clip0"], rtol=1e-8
        )


def test_step_stores_its_clips_and_nothing_else(draws):
    contrast, expected = golden_contrast(), LOSS
    before = contrast.memory.clone()
    assert contrast.stored.sum() == expected["stored_before"]
    step = step_of(golden_relations(), LOSS["index"], LOSS["labels"])
    contrast(step)
    changed = (contrast.memory != before).any(1).nonzero().flatten().tolist()
    assert changed == expected["memory_rows_changed"]
    assert contrast.stored.sum() == expected["stored_after"]


def test_second_step_meets_what_the_first_one_stored(draws):
    draws("last")
    contrast, relations, second = golden_contrast(), golden_relations(), LOSS["second_step"]
    contrast(step_of(relations, LOSS["index"], LOSS["labels"]))
    again = step_of(relations.flip(0), second["index"], LOSS["labels"])
    loss = contrast(again)
    assert loss.item() == pytest.approx(second["loss"], rel=1e-12)
    assert contrast.stored.sum() == second["stored_after"]


def test_nobody_takes_part_in_an_empty_memory():
    contrast = golden_contrast()
    contrast.stored.zero_()
    loss = contrast(step_of(golden_relations(), LOSS["index"], LOSS["labels"]))
    assert loss.item() == 0
    assert contrast.stored.sum() == LOSS["empty_memory"]["stored_after"]


def test_training_step_of_the_network(draws):
    expected, given = EXPECTED["train"]["both"], EXPECTED["train"]
    model = authors_ctrgcn("skeletongcl", EXPECTED["scaled"]["scale"]).train()
    contrast = golden_contrast(given["temperature"])
    clips = golden_clips(25, 4, 20, empty=[(1, 1), (3, 1)]).float().double()
    bodies = all_bodies(clips)._replace(numbers=torch.tensor(given["index"]))
    loss = model.loss(bodies, torch.tensor(given["labels"]), [contrast])
    assert loss.parts["cross_entropy"].item() == pytest.approx(expected["ce"], rel=1e-10)
    assert loss.parts["graph_contrast"].item() == pytest.approx(expected["contrast"], rel=1e-10)
    assert loss.total.item() == pytest.approx(expected["total"], rel=1e-10)
    loss.total.backward()
    norms = gradient_norms(model)
    for name, norm in expected["grad_l2"].items():
        assert norms[name] == pytest.approx(norm, rel=1e-8), name
    assert norms["all"] == pytest.approx(expected["grad_total_l2"], rel=1e-8)
    row = contrast.memory[401, :4]
    np.testing.assert_allclose(row, expected["memory_row_401_first4"], rtol=1e-9)
