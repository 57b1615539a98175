"""The norm of compiled code against autograd's way through the same moments, in float64."""

import copy

import pytest
import torch
from torch import nn

from protogcn.models.compiled_norm import CompiledAffine, CompiledNorm
from protogcn.models.norms import ChannelsFirstNorm, ChannelsLastNorm, map_and_norm
from protogcn.models.pointwise import ToChannelsFirst, ToChannelsLast
from tests.unit.models.test_engine import make_bodies, make_model

MULTIPLICITY = torch.tensor([1.0, 3.0, 0.0, 1.0], dtype=torch.float64)


def scrambled(module):
    for value in module.parameters():
        nn.init.normal_(value)
    return module.double()


def compiled(function):
    torch._dynamo.reset()
    return torch.compile(function, fullgraph=True, backend="aot_eager")


@pytest.mark.parametrize("activated", [False, True])
@pytest.mark.parametrize("axis", [1, 3])
def test_gradients_are_those_of_finite_differences(axis, activated):
    torch.manual_seed(0)
    features = torch.randn(4, 3, 2, 3, dtype=torch.float64, requires_grad=True)
    weights = (MULTIPLICITY / (MULTIPLICITY.sum() * 6)).view(-1, 1, 1, 1)
    guess, scale, shift = torch.randn(3, 3, dtype=torch.float64)
    scale, shift = scale.requires_grad_(), shift.requires_grad_()

    def normed(features, scale, shift):
        inputs = (features, weights, guess, scale, shift, None)
        return CompiledNorm.apply(*inputs, 1e-5, axis, activated)[0]

    assert torch.autograd.gradcheck(normed, (features, scale, shift))


@pytest.mark.parametrize("axis", [1, 3])
def test_gradients_of_the_affine_map_are_those_of_finite_differences(axis):
    torch.manual_seed(0)
    features = torch.randn(4, 3, 2, 3, dtype=torch.float64, requires_grad=True)
    weights = (MULTIPLICITY / (MULTIPLICITY.sum() * 6)).view(-1, 1, 1, 1)
    guess, scale, shift, bias = torch.randn(4, 3, dtype=torch.float64)
    scale, shift = scale.requires_grad_(), shift.requires_grad_()

    def affine(features, scale, shift):
        return CompiledAffine.apply(features, weights, guess, scale, shift, bias, 1e-5, axis)[:2]

    assert torch.autograd.gradcheck(affine, (features, scale, shift))


@pytest.mark.parametrize("activated", [False, True])
@pytest.mark.parametrize(
    ("linear", "norm", "shape"),
    [
        (nn.Linear(3, 6), ChannelsLastNorm(6), (4, 5, 2, 3)),
        (ToChannelsFirst(3, 6), ChannelsFirstNorm(6), (4, 5, 2, 3)),
        (ToChannelsLast(3, 6), ChannelsLastNorm(6), (4, 3, 5, 2)),
    ],
    ids=["linear", "channels first", "channels last"],
)
def test_a_compiled_map_and_its_norm_give_what_eager_code_gives(linear, norm, shape, activated):
    torch.manual_seed(0)
    eager = scrambled(nn.ModuleList([linear, norm]))
    other = copy.deepcopy(eager)
    features = torch.randn(shape, dtype=torch.float64, requires_grad=True)
    expected = map_and_norm(*eager, features, MULTIPLICITY, activated=activated)
    wanted = torch.autograd.grad((expected**3).sum(), [features, *eager.parameters()])
    found = compiled(map_and_norm)(*other, features, MULTIPLICITY, activated=activated)
    gradients = torch.autograd.grad((found**3).sum(), [features, *other.parameters()])
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(gradients, wanted)
    for name in ("running_mean", "running_var"):
        torch.testing.assert_close(getattr(other[1], name), getattr(eager[1], name), msg=name)
    bias = dict(zip(["features", "weight", "bias"], gradients, strict=False))["bias"]
    assert torch.equal(bias, torch.zeros_like(bias))  # and not missing: weight decay still acts


def test_every_gradient_of_a_compiled_step_is_that_of_eager_float64():
    torch.manual_seed(0)
    expected = make_model().double().train()
    found = copy.deepcopy(expected)
    bodies, labels = make_bodies([2, 1, 1, 1], multiple=4)
    bodies = bodies._replace(
        values=bodies.values.double(),
        person_weights=bodies.person_weights.double(),
        multiplicity=bodies.multiplicity.double(),
    )
    expected.loss(bodies, labels).total.backward()
    compiled(found.loss)(bodies, labels).total.backward()
    for name, parameter in expected.named_parameters():
        wanted, gradient = parameter.grad, found.get_parameter(name).grad
        if wanted is not None:
            torch.testing.assert_close(gradient, wanted, atol=1e-9, rtol=1e-7, msg=name)
