"""Every number that the released FR-Head gives for fixed weights, in float64."""

import json

import numpy as np
import pytest
import torch

from protogcn.batches.bodies import all_bodies
from protogcn.models.add_on import StepView
from protogcn.models.add_ons.refinement_heads import RefinementHeads
from tests.made.golden_authors import authors_ctrgcn, gradient_norms, key_index, train_clips, ucla
from tests.made.golden_network import GOLDEN, golden_scale, hash_noise, scale_with

EXPECTED = json.loads((GOLDEN / "frhead.json").read_text())
DEPTHS = {1: "low", 5: "mid", 8: "high", 10: "fin"}
CHANNELS = {1: 64, 5: 128, 8: 256, 10: 256}
HEADS = [f"{depth}_{name}" for depth in DEPTHS.values() for name in ("spatial", "temporal")]


def golden_heads(frames, num_joints, num_classes, gain=None, *, blocks=tuple(DEPTHS), **settings):
    """Return heads whose weights follow the rule; ``frames`` of the input."""
    lengths = {1: frames, 5: -(-frames // 2), 8: -(-frames // 4), 10: -(-frames // 4)}
    sizes = {block: (CHANNELS[block], lengths[block]) for block in blocks}
    heads = RefinementHeads(sizes, num_joints, num_classes, **settings).double()
    index = key_index("frhead")
    for block in blocks:
        for place, (kind, theirs) in enumerate((("spatial", "spatio"), ("temporal", "tempor"))):
            head, prefix = heads.heads[f"{block}_{kind}"], f"ren_{DEPTHS[block]}.{theirs}"
            modules = {
                "squeeze": f"{prefix}_squeeze.0",
                "norm": f"{prefix}_squeeze.1",
                "project": f"{prefix}_cl_net.cl_fc",
            }
            for name, value in head.state_dict().items():
                module, _, entry = name.rpartition(".")
                key = f"{modules.get(module)}.{entry}"
                if key in index and value.dim():
                    noise = hash_noise(index[key], value.numel()).reshape(tuple(value.shape))
                    made = scale_with(gain, key, noise) if gain else golden_scale(key, noise)
                    value.copy_(torch.from_numpy(made.astype(np.float32)))
            number = 2 * list(DEPTHS).index(block) + place
            feature, label = np.ogrid[:256, :num_classes]
            memory = np.sin(0.05 * feature + 0.2 * label + 0.4 * number)
            head.memory.copy_(torch.from_numpy(memory.T))
    return heads


def test_training_step_of_the_network():
    scaled = EXPECTED["scaled"]
    check_step(scaled, "V0", authors_ctrgcn("frhead", scaled["scale"]), 60)


@pytest.mark.long
def test_training_step_on_other_joints():
    scaled = EXPECTED["scaled_ucla"]
    model = authors_ctrgcn(
        "frhead", EXPECTED["scaled"]["scale"], skeleton=ucla(), num_classes=10, num_persons=1
    )
    check_step(scaled, "V0", model, 10, num_joints=20, num_frames=52, num_persons=1, num_clips=6)


def check_step(
    entry, version, model, num_classes, *, num_joints=25, num_frames=20, num_persons=2, num_clips=8
):
    expected = entry["train"][version]
    gain = EXPECTED["scaled"]["scale"]
    heads = golden_heads(num_frames, num_joints, num_classes, gain, only_right=version == "V1")
    empty = [(1, 1)] if num_persons == 2 else []
    clips = train_clips(num_joints, num_frames, num_persons, num_clips, empty)
    model.train()
    loss = model.loss(all_bodies(clips), torch.tensor(expected["labels"]), [heads])
    assert loss.logits.argmax(1).tolist() == expected["predicted"]
    parts = {name: value.item() for name, value in loss.parts.items()}
    assert parts["cross_entropy"] == pytest.approx(expected["cross_entropy"], rel=1e-10)
    assert parts["refinement"] == pytest.approx(expected["contrast"], rel=1e-10)
    assert loss.total.item() == pytest.approx(expected["total"], rel=1e-10)
    loss.total.backward()
    norms = gradient_norms(model)
    for name, norm in expected["grad_l2"].items():
        if not name.startswith("ren_"):
            assert norms[name] == pytest.approx(norm, rel=1e-8), name
    of_heads = torch.stack([each.grad.norm() for each in heads.parameters()]).norm().item()
    total = (norms["all"] ** 2 + of_heads**2) ** 0.5
    assert total == pytest.approx(expected["grad_total_l2"], rel=1e-8)
    for name, head in zip(HEADS, heads.heads.values(), strict=True):
        found = [head.memory.sum().item(), head.memory.norm().item()]
        after = expected["memory_after"][name]
        np.testing.assert_allclose(found, [after["sum"], after["l2"]], rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("layout", ["ntu_T64_V25_M2", "ucla_T52_V20_M1"])
@pytest.mark.parametrize("version", ["V0", "V1"])
def test_heads_alone(layout, version):
    entry = EXPECTED["heads"][layout]
    frames, joints, persons = (64, 25, 2) if layout.startswith("ntu") else (52, 20, 1)
    for block, depth in DEPTHS.items():
        expected = entry[depth].get(version)
        if expected is None:
            continue
        heads = golden_heads(frames, joints, 10, blocks=(block,), only_right=version == "V1")
        bodies = all_bodies(torch.zeros(12, persons, 1, 1, 3, dtype=torch.float64))
        n, k = np.ogrid[:12, :10]
        logits = torch.from_numpy(2 * np.sin(0.9 * n + 1.7 * k))
        assert logits.argmax(1).tolist() == entry["predicted"]
        length = -(-frames // {1: 1, 5: 2}.get(block, 4))
        for number, values in enumerate([expected, expected.get("second_step")]):
            if values is None:
                continue
            features = head_features(CHANNELS[block], length, joints, persons, number)
            step = StepView(bodies, {block: features}, None, logits, torch.tensor(entry["labels"]))
            losses = [head_loss(heads, block, kind, step) for kind in ("spatial", "temporal")]
            found = [loss.item() for loss in losses]
            np.testing.assert_allclose(found, values["losses"], rtol=1e-10)
            (sum(losses)).backward()
            norm = features.grad.norm().item()
            assert norm == pytest.approx(values["grad_features_l2"], rel=1e-8)
            norms = [head.memory.norm().item() for head in heads.heads.values()]
            np.testing.assert_allclose(norms, values["memory_l2"], rtol=1e-10)


def head_loss(heads, block, kind, step):
    pooled = step.bodies.mean_over_persons(step.features[block].mean(1 if kind == "spatial" else 2))
    return heads.heads[f"{block}_{kind}"](pooled, step)


def head_features(channels, frames, joints, persons, step):
    n, m, t, v, c = np.ogrid[:12, :persons, :frames, :joints, :channels]
    angle = 0.13 * (1 + 0.3 * n) * c + 0.21 * (1 + 0.1 * n) * t + 0.17 * (1 + 0.2 * n) * v
    values = 1 + np.sin(angle + 0.9 * m + 0.5 * n + 0.6 * step)
    return torch.from_numpy(values).flatten(0, 1).requires_grad_()
