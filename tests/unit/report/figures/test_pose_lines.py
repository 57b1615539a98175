import numpy as np
import pytest

from protogcn.data.bones import compute_modality
from protogcn.errors import ConfigError
from protogcn.report.figures.pose_lines import View, pose_lines

FRONT = View(np.array([1, 0, 0]), np.array([0, 1, 0]))


@pytest.fixture
def joints():
    """Five frames of one body that walks, and a second one that is never there."""
    generator = np.random.default_rng(0)
    body = generator.normal(size=(5, 1, 5, 3)).astype(np.float32)
    return np.concatenate([body, np.zeros_like(body)], axis=1)


def lines_of(joints, modality, skeleton):
    values = compute_modality(joints, modality, skeleton, [len(joints) - 1])
    return pose_lines(joints, values, modality, skeleton, FRONT)


def test_bones_go_from_the_parent_to_the_joint(joints, toy5):
    lines = lines_of(joints, "j", toy5)
    np.testing.assert_allclose(lines.bones[2, 0, 3], joints[2, 0, [1, 3], :2])
    np.testing.assert_array_equal(lines.values, lines.bones)


@pytest.mark.parametrize(("modality", "joint", "start"), [("b", 3, 1), ("k", 3, 0)])
def test_a_value_of_bones_is_the_line_to_its_joint(joints, toy5, modality, joint, start):
    """Where a bone starts in the skeleton, its line starts on paper."""
    expected = toy5.bone_partners if modality == "b" else toy5.two_step_partners
    lines = lines_of(joints, modality, toy5)
    assert expected[joint] == (start if modality == "b" else expected[joint])
    np.testing.assert_allclose(
        lines.values[1, 0, joint], joints[1, 0, [expected[joint], joint], :2], atol=1e-6
    )


def test_motions_start_at_their_joint_and_keep_their_direction(joints, toy5):
    values = lines_of(joints, "jm", toy5).values[1, 0, 3]
    np.testing.assert_allclose(values[0], joints[1, 0, 3, :2])
    step = (joints[2] - joints[1])[0, 3, :2]
    drawn = values[1] - values[0]
    np.testing.assert_allclose(
        drawn / np.linalg.norm(drawn), step / np.linalg.norm(step), rtol=1e-5
    )


def test_a_body_that_does_not_move_has_motions_without_length(joints, toy5):
    still = np.repeat(joints[:1], 3, axis=0)
    values = lines_of(still, "jm", toy5).values[:, 0]
    np.testing.assert_array_equal(values[..., 0, :], values[..., 1, :])


def test_bodies_that_are_not_there_are_not_drawn(joints, toy5):
    lines = lines_of(joints, "b", toy5)
    assert np.isnan(lines.bones[:, 1]).all()
    assert np.isfinite(lines.bones[:, 0]).all()


@pytest.mark.parametrize(
    ("preparation", "up"), [("centred", [0, 1, 0]), ("aligned", [0, 0, 1]), ("raw", [0, -1, 0])]
)
def test_up_is_up_in_every_preparation(preparation, up):
    point = View.of(preparation).of_points(np.array(up, float))
    np.testing.assert_allclose(point, [0, 1])


def test_unknown_preparation_is_refused():
    with pytest.raises(
        ConfigError, match="preparation 'upright': expected one of centred, aligned, "
    ):
        View.of("upright")
