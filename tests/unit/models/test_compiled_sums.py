"""Sums of compiled code against the same in eager code, whose gradients autograd finds."""

import pytest
import torch

from protogcn.models.compiled_sums import activate_sum, activate_with_mean, add_mean
from protogcn.models.temporal import MultiScaleTemporal


def compiled(function):
    torch._dynamo.reset()
    return torch.compile(function, fullgraph=True, backend="aot_eager")


@pytest.mark.parametrize("call", [activate_sum, activate_with_mean])
def test_compiled_activations_and_their_gradients_are_those_of_eager_code(call):
    torch.manual_seed(0)
    features = torch.randn(2, 3, 5, 4, dtype=torch.float64, requires_grad=True)
    expected, found = call(features + 0), compiled(call)(features)
    torch.testing.assert_close(found, expected)
    weights = torch.randn_like(expected)
    wanted = torch.autograd.grad((expected * weights).sum(), features)
    torch.testing.assert_close(torch.autograd.grad((found * weights).sum(), features), wanted)


def test_gradients_of_branches_with_their_mean_are_those_of_finite_differences():
    torch.manual_seed(0)
    branches = [torch.randn(2, 3, 6, width, dtype=torch.float64) for width in (2, 1)]
    biases, weight = torch.randn(3).double(), torch.randn(5).double()
    inputs = [each.requires_grad_() for each in (biases, weight, *branches)]

    def added(biases, weight, *branches):
        return add_mean(branches, biases, weight)

    assert torch.autograd.gradcheck(added, inputs)


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("is_training", [True, False])
def test_a_compiled_temporal_unit_gives_what_eager_code_gives(stride, is_training):
    torch.manual_seed(0)
    unit = MultiScaleTemporal(12, num_joints=5, stride=stride).double().train(is_training)
    for value in unit.parameters():
        torch.nn.init.normal_(value)
    features = torch.randn(3, 7, 5, 12, dtype=torch.float64, requires_grad=True)
    multiplicity = torch.tensor([1.0, 3.0, 1.0]).double() if is_training else None
    inputs = [features, *unit.parameters()]
    expected = unit(features + 0, multiplicity)
    wanted = torch.autograd.grad((expected**3).sum(), inputs)
    found = compiled(unit)(features, multiplicity)
    gradients = torch.autograd.grad((found**3).sum(), inputs)
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(gradients, wanted)
