import pytest
import torch
import torch.nn.functional as F

from protogcn.batches.bodies import all_bodies
from protogcn.models.add_on import StepView
from protogcn.models.contrast import ClassContrast

RIGHT = torch.tensor([[9.0, 0, 0], [9.0, 0, 0], [0, 9.0, 0]])  # classes 0, 0, 1


def contrast_of_given_features():
    """Bank: three classes on the axes; the features are the vectors themselves."""
    contrast = ClassContrast(3, 3, features=3)
    with torch.no_grad():
        contrast.project.weight.copy_(torch.eye(3))
        contrast.project.bias.zero_()
        contrast.bank.copy_(torch.eye(3))
    return contrast


def step_of(relations, logits, labels):
    bodies = all_bodies(torch.zeros(len(labels), 1, 1, 1, 3))
    return StepView(bodies, {}, relations, logits, labels)


def test_a_class_moves_a_tenth_of_the_way_to_the_mean_of_its_hits():
    contrast = contrast_of_given_features()
    vectors = torch.tensor([[0.0, 2, 0], [0, 4, 0], [0, 0, 5]])
    contrast(step_of(vectors, RIGHT, torch.tensor([0, 0, 2])))  # the third clip is missed
    expected = torch.tensor([[0.9, 0.3, 0], [0, 1, 0], [0, 0, 1]])
    torch.testing.assert_close(contrast.bank, expected)


def test_loss_is_cross_entropy_of_cosines_over_the_temperature():
    contrast = contrast_of_given_features()
    vectors = torch.tensor([[2.0, 0, 0], [0, 3, 0]])
    loss = contrast(step_of(vectors, RIGHT[[1, 1]], torch.tensor([1, 2])))  # no hit: the bank stays
    exponentials = torch.exp(torch.tensor([8.0, 0, 0]))  # cosines (1, 0, 0) / 0.125
    assert loss.item() == pytest.approx(-torch.log(exponentials[1] / exponentials.sum()).item())
    assert torch.equal(contrast.bank, torch.eye(3))


def test_gradient_flows_through_the_mean_of_the_hits():
    vectors = torch.tensor([[0.0, 1, 2], [3, 0, 1]], requires_grad=True)
    labels = torch.tensor([0, 1])  # a hit and a miss
    loss = contrast_of_given_features()(step_of(vectors, RIGHT[[0, 0]], labels))
    bank = torch.stack([0.9 * torch.eye(3)[0] + 0.1 * vectors[0], *torch.eye(3)[1:]])
    cosines = F.cosine_similarity(vectors.unsqueeze(1), bank.unsqueeze(0), dim=2)
    expected = F.cross_entropy(cosines / 0.125, labels)
    torch.testing.assert_close(loss, expected)
    (found,) = torch.autograd.grad(loss, vectors)
    torch.testing.assert_close(found, *torch.autograd.grad(expected, vectors))


def test_bank_is_saved_and_moves_with_the_network():
    contrast = ClassContrast(3, 3, features=4).double()
    assert contrast.bank.dtype == torch.float64
    assert contrast.state_dict()["bank"].shape == (3, 4)
