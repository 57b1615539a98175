"""Every number that the released GAP gives for fixed weights and texts, in float64."""

import json

import numpy as np
import pytest
import torch

from protogcn.batches.bodies import all_bodies
from protogcn.models.add_on import StepView
from protogcn.models.add_ons.text_alignment import TextAlignment, TextEmbeddings
from tests.made.golden_authors import authors_ctrgcn, gradient_norms, key_index, train_clips
from tests.made.golden_network import GOLDEN, golden_clips, hash_noise, scale_with

EXPECTED = json.loads((GOLDEN / "gap.json").read_text())
PARTS = {  # head, hand, hip, foot
    "scaled": [[2, 3, 20], [*range(4, 12), *range(21, 25)], [0, 1, 2, 12, 16], range(12, 20)],
    "scaled_bone": [[2, 3], [*range(4, 12), 20, *range(22, 25)], [0, 1, 12, 16], range(12, 20)],
}
# The modules of the released code, in the order of the texts.
MODULES = ["linear_head.ViT-B/32", *(f"part_list.{number}" for number in (0, 1, 3, 2))]
WIDTH = 512


def rows(row, *shape):
    made = hash_noise(row, int(np.prod(shape))).reshape(shape).astype(np.float32)
    return torch.from_numpy(made)


def texts(num_classes):
    return TextEmbeddings(
        torch.stack([rows(1001 + part, num_classes, WIDTH) for part in range(4)]),
        rows(1000, 3 * num_classes, WIDTH),
        torch.arange(num_classes).repeat_interleave(3),
    )


def golden_alignment(entry, num_classes=60):
    alignment = TextAlignment(256, 10, PARTS[entry], 25, texts(num_classes)).double()
    index, gain = key_index("gap"), EXPECTED["scaled"]["scale"]
    with torch.no_grad():
        for name, module in zip(MODULES, alignment.project, strict=True):
            for key in ("weight", "bias"):
                value = getattr(module, key)
                noise = hash_noise(index[f"{name}.{key}"], value.numel()).reshape(value.shape)
                made = scale_with(gain, f"{name}.{key}", noise)
                value.copy_(torch.from_numpy(made.astype(np.float32)))
        noise = hash_noise(index["logit_scale"], 5)
        alignment.scales.copy_(
            torch.from_numpy((np.log(1 / 0.07) + 0.1 * noise).astype(np.float32))
        )
    return alignment


def mapped(clips, entry):
    """Return the input; of bones each joint less its parent, the root's row as it is."""
    if entry == "scaled":
        return clips
    model_root = 1
    parents = [
        1,
        1,
        20,
        2,
        20,
        4,
        5,
        6,
        20,
        8,
        9,
        10,
        0,
        12,
        13,
        14,
        0,
        16,
        17,
        18,
        1,
        22,
        7,
        24,
        11,
    ]
    moved = clips - clips[:, :, :, parents]
    moved[:, :, :, model_root] = clips[:, :, :, model_root]
    return moved


@pytest.mark.parametrize("entry", [pytest.param("scaled", marks=pytest.mark.long), "scaled_bone"])
def test_training_step_of_the_network(monkeypatch, entry):
    expected = EXPECTED[entry]["train"]
    index = torch.tensor(expected["synonym_index"])
    monkeypatch.setattr(StepView, "uniform", lambda step, columns: (index[:, None] + 0.5) / 3)
    model = authors_ctrgcn("gap", EXPECTED["scaled"]["scale"]).train()
    alignment = golden_alignment(entry)
    bodies = all_bodies(mapped(train_clips(25, 20, 2, 8, [(1, 1)]), entry))
    loss = model.loss(bodies, torch.tensor(expected["labels"]), [alignment])
    assert loss.parts["cross_entropy"].item() == pytest.approx(expected["cross_entropy"], rel=1e-10)
    assert loss.parts["text"].item() == pytest.approx(expected["text_loss_mean"], rel=1e-10)
    assert loss.total.item() == pytest.approx(expected["total"], rel=1e-10)
    loss.total.backward()
    norms = gradient_norms(model)
    for name, module in zip(MODULES, alignment.project, strict=True):
        norms |= {
            f"{name}.{key}": each.grad.norm().item() for key, each in module.named_parameters()
        }
    for name, norm in expected["grad_l2"].items():
        assert norms[name] == pytest.approx(norm, rel=1e-8), name
    np.testing.assert_allclose(alignment.scales.grad, expected["grad_logit_scale"], rtol=1e-8)


@pytest.mark.long
@pytest.mark.parametrize("entry", ["scaled", "scaled_bone"])
def test_logits_do_not_know_of_the_texts(entry):
    model = authors_ctrgcn("gap", EXPECTED["scaled"]["scale"]).eval()
    with torch.no_grad():
        logits = model(all_bodies(mapped(golden_clips(25), entry)))
    np.testing.assert_allclose(logits, EXPECTED[entry]["logits"], rtol=1e-10, atol=1e-12)
