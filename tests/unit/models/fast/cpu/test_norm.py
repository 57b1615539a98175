import pytest
import torch
from torch import nn

from protogcn.models.fast.cpu.linear import NormAct
from protogcn.models.fast.cpu.norm import Moments, batch_statistics
from protogcn.models.norms import ChannelsFirstNorm, ChannelsLastNorm, norm_as_affine

COUNTS = torch.tensor([1.0, 3.0, 0.0, 1.0], dtype=torch.float64)


def make_features():
    return torch.randn(4, 6, 5, 3, dtype=torch.float64) * 2 + 1


def repeated(features):
    """Each body as often as it counts."""
    return features.repeat_interleave(COUNTS.long(), dim=0)


def moments_of(features):
    moments = Moments.empty(*features.shape[:2], features)
    for body, values in enumerate(features):
        moments.measure(body, values.flatten(1))
    return moments


def scrambled(norm):
    for value in (norm.weight, norm.bias):
        nn.init.normal_(value)
    return norm.double()


def fused(norm, features, multiplicity):
    no_bias = torch.zeros(features.shape[1], dtype=features.dtype)
    num_values = features[0, 0].numel()
    with torch.no_grad():
        moments = moments_of(features)
    statistics = batch_statistics(norm, moments, multiplicity, num_values, no_bias)
    return NormAct.apply(features, None, norm.weight, norm.bias, statistics, False)


def last_axis(norm, features, multiplicity):
    return norm(features.movedim(1, -1), multiplicity).movedim(-1, 1)


def affine(norm, features, multiplicity):
    scale, shift = norm_as_affine(norm, features, multiplicity)
    return features * scale.view(-1, 1, 1) + shift.view(-1, 1, 1)


CASES = {
    "fused": (ChannelsFirstNorm, fused),
    "channels first": (ChannelsFirstNorm, lambda norm, *more: norm(*more)),
    "channels last": (ChannelsLastNorm, last_axis),
    "as an affine map": (ChannelsFirstNorm, affine),
}


@pytest.mark.parametrize(("kind", "call"), CASES.values(), ids=CASES)
def test_a_body_that_counts_three_times_equals_three_bodies(kind, call):
    features = make_features().requires_grad_()
    norm, plain = scrambled(kind(6)), nn.BatchNorm2d(6).double()
    plain.load_state_dict(norm.state_dict())
    found = call(norm, features, COUNTS)
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


def test_skipped_bias_is_in_the_running_mean():
    norm = ChannelsFirstNorm(6).double()
    features, bias = make_features(), torch.randn(6, dtype=torch.float64)
    plain = nn.BatchNorm2d(6).double()
    plain(features + bias.view(-1, 1, 1))
    batch_statistics(norm, moments_of(features), torch.ones(4).double(), 15, bias)
    torch.testing.assert_close(norm.running_mean, plain.running_mean)
    torch.testing.assert_close(norm.running_var, plain.running_var)


def test_channel_that_never_changes_has_no_negative_variance():
    features = torch.full((2, 1, 50, 25), 12345.678)
    moments = moments_of(features)
    assert (moments.variance >= 0).all()
