import pytest
import torch
import torch.nn.functional as F

from protogcn.models.fast.cpu.temporal_parts import Convolutions, add_joint, largest
from protogcn.models.temporal import DILATIONS

WIDTH, JOINTS = 2, 5
# One frame, shorter than the widest dilation, odd, even.
SIZES = [(frames, stride) for frames in (1, 3, 9, 12) for stride in (1, 2)]


def make_kernels():
    return [torch.randn(WIDTH, WIDTH, 3, 1, dtype=torch.float64) for _ in DILATIONS]


def by_torch(values, kernels, stride):
    parts = zip(values.split(WIDTH), kernels, DILATIONS, strict=True)
    return torch.cat([F.conv2d(x, k, None, (stride, 1), (d, 0), (d, 1)) for x, k, d in parts])


@pytest.mark.parametrize(("frames", "stride"), SIZES)
def test_convolutions_are_those_of_torch(frames, stride):
    kernels = make_kernels()
    values = torch.randn(len(DILATIONS) * WIDTH, frames, JOINTS, dtype=torch.float64)
    expected = by_torch(values, kernels, stride)
    found = torch.full_like(expected, torch.nan)
    Convolutions(kernels, stride, frames, JOINTS).forward(values, found)
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize(("frames", "stride"), SIZES)
def test_largest_of_three_frames_is_that_of_torch(frames, stride):
    values = torch.rand(WIDTH, frames, JOINTS, dtype=torch.float64) + 0.1
    expected = F.max_pool2d(values, (3, 1), (stride, 1), (1, 0))
    torch.testing.assert_close(largest(values, stride), expected)


def test_mean_joint_reaches_each_joint_with_its_coefficient():
    active, joint = torch.ones(3, 2, 2), torch.tensor([[1.0, 2.0], [3.0, 4.0], [9.0, 9.0]])
    out = torch.empty(2, 2, 2)
    add_joint(active, joint, torch.tensor([0.0, 10.0]), out)
    assert out.tolist() == [[[1, 11], [1, 21]], [[1, 31], [1, 41]]]
