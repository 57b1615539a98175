"""The yardstick computes what the released code computes, and costs what was counted there."""

import csv
import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from benchmarks.yardstick.network import PlainProtoGCN
from tests.made.counting import count_flop, count_operations, count_saved_bytes
from tests.made.golden_network import GOLDEN, golden_clips, golden_weights
from tests.stages import test_golden_protogcn as golden_protogcn

BANK = "cls_head.csc_loss.bank"


def golden_plain(num_joints, num_prototypes, num_classes, contrast_weight):
    model = PlainProtoGCN(
        num_classes=num_classes,
        num_joints=num_joints,
        prototypes=num_prototypes,
        contrast_weight=contrast_weight,
        dropout=0.0,
    )
    sizes = {"V": num_joints, "3V": 3 * num_joints, "V2": num_joints**2}
    sizes |= {"NP": num_prototypes, "NC": num_classes}
    row, column = np.ogrid[:256, :num_classes]
    bank = torch.from_numpy(np.sin(0.05 * row + 0.2 * column))
    model.load_state_dict(golden_weights("checkpoint_keys.csv", sizes) | {BANK: bank})
    return model.double()


@pytest.fixture(scope="module", params=golden_protogcn.CASES)
def case(request):
    """One evaluation and one training step of one released setting, for the tests below."""
    expected = json.loads((GOLDEN / "model.json").read_text())[request.param]
    sizes = golden_protogcn.CASES[request.param]
    model = golden_plain(*sizes, expected["train_weight"])
    clips = golden_clips(sizes[0])

    model.eval()
    blocks, graphs = [], []
    hooks = golden_protogcn.record_blocks(SimpleNamespace(blocks=model.backbone.gcn), blocks)
    hooks.append(
        model.backbone.register_forward_hook(lambda module, inputs, out: graphs.append(out[1]))
    )
    with torch.no_grad():
        logits = model(clips)
    for hook in hooks:
        hook.remove()

    model.train()
    bank_before = model.cls_head.csc_loss.bank.clone()
    loss = model.loss(clips, torch.tensor(expected["train_labels"]))
    loss.total.backward()
    parameters = dict(model.named_parameters())
    return SimpleNamespace(
        expected=expected,
        logits=logits,
        blocks=[((n, t, v, c), sums) for (n, c, t, v), sums in blocks],
        graph=graphs[0],
        loss=loss,
        released_parameters=list(parameters),
        bank_before=bank_before.t(),
        bank=model.cls_head.csc_loss.bank.t(),
        gradients={name: value.grad for name, value in parameters.items()},
    )


# The golden numbers, with the tolerances of the package's network: these read ``case`` above.
test_logits = golden_protogcn.test_logits
test_features_and_graph_of_each_block = golden_protogcn.test_features_and_graph_of_each_block
test_features_of_the_last_block = golden_protogcn.test_features_of_the_last_block
test_reconstructed_graph = golden_protogcn.test_reconstructed_graph
test_losses = golden_protogcn.test_losses
test_memory_bank = golden_protogcn.test_memory_bank
test_gradients = golden_protogcn.test_gradients
test_only_the_first_weight_of_inter_and_intra_learns = (
    golden_protogcn.test_only_the_first_weight_of_inter_and_intra_learns
)


@pytest.fixture(scope="module")
def full_size():
    """The network of ntu60_xsub/j as shapes only, which is enough to count."""
    with torch.device("meta"):
        return PlainProtoGCN(num_classes=60, num_joints=25)


def empty_batch(num_clips):
    clips = torch.empty(num_clips, 2, 100, 25, 3, device="meta")
    return clips, torch.empty(num_clips, dtype=torch.int64, device="meta")


def training_step(model, batch):
    """Forward, loss and backward; the optimiser's step is not counted anywhere."""
    model.train().zero_grad(set_to_none=True)
    model.loss(*batch).total.backward()


def test_state_dict_has_the_released_keys_and_shapes_and_the_bank(full_size):
    with (GOLDEN / "checkpoint_keys.csv").open() as file:
        released = {row["key"]: row["shape_ntu60_j"] for row in csv.DictReader(file)}
    found = {
        key: "x".join(map(str, value.shape)) or "scalar"
        for key, value in full_size.state_dict().items()
    }
    assert found == released | {BANK: "256x60"}
    assert sum(parameter.numel() for parameter in full_size.parameters()) == 4_344_860


def test_flop_of_a_forward_pass(full_size):
    found = count_flop(lambda: full_size.eval()(empty_batch(1)[0]))
    assert found == pytest.approx(15.4e9, rel=0.02)


def test_flop_of_a_training_step(full_size):
    found = count_flop(lambda: training_step(full_size, empty_batch(1)))
    assert found == pytest.approx(46.2e9, rel=0.02)


def test_operations_of_a_training_step(full_size):
    """Operators that compute, in forward, loss and backward: a constant, and some per sample."""
    one, two = (
        count_operations(lambda num=num: training_step(full_size, empty_batch(num)))
        for num in (1, 2)
    )
    assert two - one == pytest.approx(16, rel=0.1)
    assert one - (two - one) == pytest.approx(1525, rel=0.1)


def test_memory_kept_for_backward(full_size):
    parameters = {id(parameter) for parameter in full_size.parameters()}
    found = count_saved_bytes(lambda: full_size.train().loss(*empty_batch(1)), parameters)
    assert found == pytest.approx(324e6, rel=0.02)


def test_evaluation_runs_the_prototypes_of_each_sample_too(full_size):
    one, two = (
        count_operations(lambda num=num: full_size.eval()(empty_batch(num)[0])) for num in (1, 2)
    )
    assert two - one == 3  # two products and a softmax
