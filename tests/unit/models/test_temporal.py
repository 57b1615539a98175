import pytest
import torch
import torch.nn.functional as F

from protogcn.models.temporal import MultiScaleTemporal


def make_unit(*, stride=1, mean_weight=0.3):
    unit = MultiScaleTemporal(12, num_joints=5, stride=stride).double()
    torch.nn.init.constant_(unit.mean_weight, mean_weight)
    return unit


def one_branch_at_a_time(unit, features):
    """The unit in training mode, from its definition: six branches on (N, C, T, V)."""
    joints = F.relu(features).permute(0, 3, 1, 2)
    joints = torch.cat([joints, joints.mean(3, keepdim=True)], dim=3)
    weights = unit.reduce.weight[..., None, None].split(2)
    biases = unit.reduce.bias.split(2)
    branches = []
    for branch in range(5):
        reduced = F.conv2d(joints, weights[branch], biases[branch])
        reduced = F.relu(F.batch_norm(reduced, None, None, training=True))
        if branch < 4:
            weight, bias = unit.dilated[branch].weight, unit.dilated[branch].bias
            step = branch + 1
            reduced = F.conv2d(
                reduced,
                weight,
                bias,
                stride=(unit.stride, 1),
                padding=(step, 0),
                dilation=(step, 1),
            )
        else:
            reduced = F.max_pool2d(reduced, (3, 1), stride=(unit.stride, 1), padding=(1, 0))
        branches.append(reduced)
    branches.append(F.conv2d(joints, weights[5], biases[5], stride=(unit.stride, 1)))
    scales = torch.cat(branches, dim=1)
    merged = scales[..., :5] + unit.mean_weight[:5] * scales[..., 5:]
    merged = F.relu(F.batch_norm(merged, None, None, training=True))
    merged = F.conv2d(merged, unit.merge.weight[..., None, None], unit.merge.bias)
    return F.batch_norm(merged, None, None, training=True).permute(0, 2, 3, 1)


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("frames", [8, 9])
def test_equals_six_branches_one_at_a_time(stride, frames):
    unit = make_unit(stride=stride)
    features = torch.randn(3, frames, 5, 12, dtype=torch.float64)
    expected = one_branch_at_a_time(unit, features)
    torch.testing.assert_close(unit(features), expected)  # which takes the features' memory


def test_stride_two_halves_the_frames_rounding_up():
    assert make_unit(stride=2)(torch.randn(3, 9, 5, 12).double()).shape == (3, 5, 5, 12)


@pytest.mark.parametrize(("mean_weight", "others_notice"), [(0.0, False), (0.3, True)])
def test_joints_meet_in_the_mean_joint_only(mean_weight, others_notice):
    unit = make_unit(mean_weight=mean_weight).eval()
    features = torch.rand(3, 8, 5, 12, dtype=torch.float64)
    moved = features.clone()
    moved[:, :, 2] += 1
    changed = (unit(moved) - unit(features)).abs().amax(dim=(0, 1, 3)) > 1e-9
    assert changed.tolist() == [others_notice, others_notice, True, others_notice, others_notice]


def test_has_25_coefficients_or_one_for_each_joint():
    assert len(MultiScaleTemporal(12, num_joints=20).mean_weight) == 25
    assert len(MultiScaleTemporal(12, num_joints=30).mean_weight) == 30
