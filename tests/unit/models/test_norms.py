import pytest
import torch
from torch import nn

from protogcn.models.norms import ChannelsLastNorm, at_least_float32


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
