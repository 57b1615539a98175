"""Every number that the released code gives for fixed weights and inputs, in float64."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from protogcn.batches.bodies import all_bodies
from protogcn.models.protogcn import ProtoGCN
from protogcn.models.released.protogcn import from_released, released_names
from tests.made.golden_network import GOLDEN, golden_clips, golden_weights

# name: joints, prototypes, classes
CASES = {"ntu60_xsub/j": (25, 400, 60), "finegym/b": (20, 100, 99)}


def golden_model(num_joints, num_prototypes, num_classes, contrast_weight):
    model = ProtoGCN(
        num_classes=num_classes,
        num_joints=num_joints,
        prototypes=num_prototypes,
        contrast_weight=contrast_weight,
        dropout=0.0,
    )
    sizes = {"V": num_joints, "3V": 3 * num_joints, "V2": num_joints**2}
    sizes |= {"NP": num_prototypes, "NC": num_classes}
    state = golden_weights("checkpoint_keys.csv", sizes)
    model.load_state_dict(from_released(state, model))
    row, column = np.ogrid[:256, :num_classes]
    model.contrast.bank.copy_(torch.from_numpy(np.sin(0.05 * row + 0.2 * column).T))
    return model.double()


def record_blocks(model, blocks):
    def hook(block, inputs, outputs):
        features, relations = outputs
        if not isinstance(relations, torch.Tensor):
            relations = block.spatial.relations(relations)
        sums = [(tensor.sum().item(), tensor.norm().item()) for tensor in (features, relations)]
        blocks.append((tuple(features.shape), [*sums[0], *sums[1]]))

    return [block.register_forward_hook(hook) for block in model.blocks]


def released_gradients(model):
    """Return the gradient of each released parameter; ours hold several of them, stacked."""
    names = released_names(model)
    return {
        name: part
        for key, parameter in model.named_parameters()
        if parameter.grad is not None
        for name, part in zip(names[key], parameter.grad.chunk(len(names[key])), strict=True)
    }


@pytest.fixture(scope="module", params=CASES)
def case(request):
    """One evaluation and one training step of one released setting."""
    expected = json.loads((GOLDEN / "model.json").read_text())[request.param]
    model = golden_model(*CASES[request.param], expected["train_weight"])
    clips = all_bodies(golden_clips(model.input_norm.num_features // 3))

    model.eval()
    blocks, relations = [], []
    hooks = record_blocks(model, blocks)
    hooks.append(
        model.blocks[-1].register_forward_hook(
            lambda block, inputs, out: relations.append(block.spatial.relations(out[1]))
        )
    )
    with torch.no_grad():
        logits = model(clips)
        graph = model.reconstruct(relations[0].unflatten(0, (2, 2)).mean(1))
    for hook in hooks:
        hook.remove()

    model.train()
    bank_before = model.contrast.bank.clone()
    loss = model.loss(clips, torch.tensor(expected["train_labels"]))
    loss.total.backward()
    return SimpleNamespace(
        expected=expected,
        logits=logits,
        blocks=blocks,
        graph=graph,
        loss=loss,
        released_parameters=[
            name for key, _ in model.named_parameters() for name in released_names(model)[key]
        ],
        bank_before=bank_before,
        bank=model.contrast.bank,
        gradients=released_gradients(model),
    )


def test_logits(case):
    np.testing.assert_allclose(case.logits, case.expected["eval_logits"], rtol=0, atol=1e-10)


def test_features_and_graph_of_each_block(case):
    # Sums reach 2.6e5: relative to their size.
    expected = case.expected["eval_block_sum_l2_graphsum_graphl2"]
    found = {str(number): sums for number, (_, sums) in enumerate(case.blocks, start=1)}
    assert found.keys() == expected.keys()
    for number, sums in expected.items():
        np.testing.assert_allclose(found[number], sums, rtol=1e-10, atol=0)


def test_features_of_the_last_block(case):
    shape, (total, norm, _, _) = case.blocks[-1]
    clips, persons, channels, frames, joints = case.expected["eval_feat_shape"]
    assert shape == (clips * persons, frames, joints, channels)
    assert total == pytest.approx(case.expected["eval_feat_sum"], rel=1e-10)
    assert norm == pytest.approx(case.expected["eval_feat_l2"], rel=1e-10)


def test_reconstructed_graph(case):
    expected = case.expected
    assert list(case.graph.shape) == expected["eval_graph_shape"]
    first = expected["eval_graph_first8"]
    np.testing.assert_allclose(case.graph[:, :8], first, rtol=0, atol=1e-10)
    np.testing.assert_allclose(case.graph.sum(1), expected["eval_graph_sum"], rtol=1e-10, atol=0)


def test_losses(case):
    expected = case.expected
    assert case.loss.parts["cross_entropy"].item() == pytest.approx(expected["train_ce"], rel=1e-6)
    assert case.loss.parts["contrast"].item() == pytest.approx(expected["train_csc"], rel=1e-6)
    assert case.loss.total.item() == pytest.approx(expected["train_total"], rel=1e-6)
    assert case.loss.logits.argmax(dim=1).tolist() == expected["train_pred"]


def test_memory_bank(case):
    # The sum over 15,000 values or more: relative to its size.
    expected = case.expected
    column = case.bank[expected["train_labels"][0], :6]
    np.testing.assert_allclose(column, expected["bank_after_col"], rtol=0, atol=1e-4)
    assert case.bank.sum().item() == pytest.approx(expected["bank_after_sum"], rel=1e-4)
    changed = (case.bank != case.bank_before).any(dim=1).nonzero().flatten()
    assert changed.tolist() == expected["bank_changed_cols"]


def test_gradients(case):
    expected = case.expected
    with_gradient = set(case.gradients) | set(expected["params_without_grad"])
    assert with_gradient == set(case.released_parameters)
    assert len(with_gradient) == 552
    for name, norm in expected["grad_l2"].items():
        assert case.gradients[name].norm().item() == pytest.approx(norm, rel=2e-3), name
    total = torch.stack([gradient.norm() for gradient in case.gradients.values()]).norm()
    assert total.item() == pytest.approx(expected["grad_total_l2"], rel=2e-3)


@pytest.mark.parametrize("name", ["alpha", "beta"])
def test_only_the_first_weight_of_inter_and_intra_learns(case, name):
    # Sums of a million terms of either sign: beta's float32 number is 3.1e-3 off for finegym.
    found = case.gradients[f"backbone.gcn.9.gcn.{name}"]
    expected = case.expected[f"grad_{name}_block10"]
    np.testing.assert_allclose(found[0], expected[0], rtol=4e-3)
    assert found[1:].tolist() == expected[1:] == [0.0] * 7
