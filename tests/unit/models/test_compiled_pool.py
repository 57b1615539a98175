import pytest
import torch
import torch.nn.functional as F

from protogcn.models.compiled_pool import MaxOfThreeFrames


@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("frames", [1, 2, 7, 8])
def test_values_and_gradients_are_those_of_max_pooling_also_of_equal_values(frames, stride):
    torch.manual_seed(0)
    features = torch.randint(-2, 3, (2, frames, 3, 4)).double().requires_grad_()
    expected = F.max_pool2d(
        features.movedim(3, 1), (3, 1), stride=(stride, 1), padding=(1, 0)
    ).movedim(1, 3)
    found = MaxOfThreeFrames.apply(features, stride)
    assert torch.equal(found, expected)
    weights = torch.randn_like(found)
    wanted = torch.autograd.grad((expected * weights).sum(), features)
    gradients = torch.autograd.grad((found * weights).sum(), features)
    torch.testing.assert_close(gradients, wanted)
