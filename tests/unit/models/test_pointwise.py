import pytest
import torch
import torch.nn.functional as F

from protogcn.models.pointwise import ToChannelsFirst, ToChannelsLast


@pytest.mark.parametrize("layer", [ToChannelsFirst, ToChannelsLast])
def test_is_a_pointwise_convolution(layer):
    convolution = layer(4, 6).double()
    images = torch.randn(2, 4, 3, 5, dtype=torch.float64)
    weight = convolution.weight[..., None, None]
    expected = F.conv2d(images, weight, convolution.bias)
    if layer is ToChannelsFirst:
        found = convolution(images.permute(0, 2, 3, 1))
    else:
        found = convolution(images).permute(0, 3, 1, 2)
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize(
    ("layer", "shape"), [(ToChannelsFirst, (2, 3, 5, 4)), (ToChannelsLast, (2, 4, 3, 5))]
)
def test_gradients_are_right_and_in_the_layout_of_the_input(layer, shape):
    convolution = layer(4, 6).double()
    features = torch.randn(shape, dtype=torch.float64, requires_grad=True)
    inputs = (features, convolution.weight, convolution.bias)

    def call(features, weight, bias):
        state = {"weight": weight, "bias": bias}
        return torch.func.functional_call(convolution, state, features)

    assert torch.autograd.gradcheck(call, inputs)
    (gradient,) = torch.autograd.grad(convolution(features).sum(), features)
    assert gradient.is_contiguous()


def test_follows_autocast():
    features = torch.randn(2, 3, 5, 4, requires_grad=True)
    convolution = ToChannelsFirst(4, 6)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        mapped = convolution(features)
    mapped.sum().backward()
    assert mapped.dtype == torch.bfloat16
    assert convolution.weight.grad.dtype == features.grad.dtype == torch.float32
