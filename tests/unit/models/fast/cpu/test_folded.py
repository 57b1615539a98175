import pytest
import torch

from protogcn.batches.bodies import all_bodies
from protogcn.models.fast.cpu.folded import FoldedProtoGCN
from tests.unit.models.test_protogcn import random_clips, small_model


def trained(num_joints=5):
    """A network whose running statistics, weights of norms and biases matter."""
    model = small_model(num_joints=num_joints).double()
    for name, value in model.state_dict().items():
        if value.is_floating_point() and value.dim() == 1:
            noise = 0.2 * torch.randn_like(value)
            value.copy_(1 + noise if name.endswith(("weight", "running_var")) else noise)
    return model.eval()


def double_bodies(frames=9):
    return all_bodies(random_clips(frames=frames).double())


@pytest.mark.parametrize("frames", [1, 8, 9])
def test_logits_are_those_of_the_network(frames):
    model, bodies = trained(), double_bodies(frames)
    torch.testing.assert_close(FoldedProtoGCN(model)(bodies), model(bodies), rtol=0, atol=1e-12)


def test_the_same_folded_network_takes_clips_of_several_lengths():
    model = trained()
    folded = FoldedProtoGCN(model)
    for frames in (8, 5, 8):
        bodies = double_bodies(frames)
        torch.testing.assert_close(folded(bodies), model(bodies), rtol=0, atol=1e-12)


def test_network_is_left_as_it_is_and_later_training_does_not_reach_the_folded_one():
    model, bodies = trained(), double_bodies()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    folded = FoldedProtoGCN(model)
    expected = folded(bodies)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    with torch.no_grad():
        for value in model.parameters():
            value.add_(1)
        for norm in model.modules():
            if isinstance(norm, torch.nn.BatchNorm1d | torch.nn.BatchNorm2d):
                norm.running_mean.add_(1)
    assert torch.equal(folded(bodies), expected)


def test_no_gradient_is_kept():
    assert not FoldedProtoGCN(trained())(double_bodies()).requires_grad
