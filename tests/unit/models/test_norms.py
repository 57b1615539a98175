import pytest
import torch
from torch import nn

from protogcn.models.norms import (
    ChannelsFirstNorm,
    ChannelsLastNorm,
    at_least_float32,
    map_and_affine,
    moments,
)
from protogcn.models.pointwise import ToChannelsFirst

MULTIPLICITY = torch.tensor([1.0, 3.0, 0.0, 1.0], dtype=torch.float64)


def make_features():
    return torch.randn(4, 6, 5, 3, dtype=torch.float64) * 2 + 1


def repeated(features):
    """Each body as often as it counts."""
    return features.repeat_interleave(MULTIPLICITY.long(), dim=0)


def scrambled(norm):
    for value in (norm.weight, norm.bias):
        nn.init.normal_(value)
    return norm.double()


def last_axis(norm, features, multiplicity):
    return norm(features.movedim(1, -1), multiplicity).movedim(-1, 1)


def affine(norm, features, multiplicity):
    same = ToChannelsFirst(6, 6).double()
    nn.init.eye_(same.weight)
    nn.init.zeros_(same.bias)
    mapped, scale, shift = map_and_affine(same, norm, features.movedim(1, -1), multiplicity)
    return mapped * scale.view(-1, 1, 1) + shift.view(-1, 1, 1)


CASES = {
    "channels first": (ChannelsFirstNorm, lambda norm, *more: norm(*more)),
    "channels last": (ChannelsLastNorm, last_axis),
    "as an affine map": (ChannelsFirstNorm, affine),
}


@pytest.mark.parametrize(("kind", "call"), CASES.values(), ids=CASES)
def test_a_body_that_counts_three_times_equals_three_bodies(kind, call):
    features = make_features().requires_grad_()
    norm, plain = scrambled(kind(6)), nn.BatchNorm2d(6).double()
    plain.load_state_dict(norm.state_dict())
    found = call(norm, features, MULTIPLICITY)
    expected = plain(repeated(features))
    torch.testing.assert_close(repeated(found), expected)
    for name, value in plain.named_buffers():
        torch.testing.assert_close(norm.get_buffer(name), value, msg=name)

    weights = torch.randn_like(expected)
    (expected * weights).sum().backward()
    wanted = [features.grad, plain.weight.grad, plain.bias.grad]
    features.grad = None
    (repeated(found) * weights).sum().backward()
    for gradient, other in zip(
        [features.grad, norm.weight.grad, norm.bias.grad], wanted, strict=True
    ):
        torch.testing.assert_close(gradient, other)


def test_norm_of_the_last_axis_equals_norm_of_the_second():
    features = torch.randn(2, 4, 3, 5)
    norm, expected = ChannelsLastNorm(4), nn.BatchNorm2d(4)
    found = norm(features.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
    torch.testing.assert_close(found, expected(features))
    torch.testing.assert_close(norm.running_var, expected.running_var)


@pytest.mark.parametrize(
    ("dtype", "expected"),
    [
        (torch.bfloat16, torch.float32),
        (torch.float32, torch.float32),
        (torch.float64, torch.float64),
    ],
)
def test_precise_is_at_least_float32(dtype, expected):
    assert at_least_float32(dtype) == expected


def test_channel_that_never_changes_has_no_negative_variance():
    _, variance, _ = moments(torch.full((2, 1, 50, 25), 12345.678), None, axis=1)
    assert (variance >= 0).all()
