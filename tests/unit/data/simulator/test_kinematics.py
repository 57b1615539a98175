import numpy as np
import pytest

from protogcn.data.simulator.kinematics import (
    COLUMN,
    COORDINATES,
    BoneLengths,
    mirror,
    place_joints,
    rotation,
)

BONES = {
    (0, 1): "lower_spine",
    (1, 20): "upper_spine",
    (20, 2): "neck",
    (4, 5): "upper_arm",
    (9, 10): "forearm",
    (6, 7): "hand",
    (11, 23): "fingers",
    (12, 13): "thigh",
    (17, 18): "shin",
}


def posture(**degrees):
    row = np.zeros((1, len(COORDINATES)))
    for name, value in degrees.items():
        row[0, COLUMN[name]] = np.radians(value)
    return row


@pytest.fixture
def any_coordinates():
    return np.random.default_rng(5).normal(0, 0.8, (30, len(COORDINATES)))


def test_bones_keep_their_lengths_whatever_the_posture(any_coordinates):
    body = BoneLengths(thigh=0.5, forearm=0.2)
    joints = place_joints(body, any_coordinates)
    assert joints.shape == (30, 25, 3)
    for (start, end), name in BONES.items():
        lengths = np.linalg.norm(joints[:, end] - joints[:, start], axis=-1)
        np.testing.assert_allclose(lengths, getattr(body, name), atol=1e-12)


def test_a_standing_body_is_as_high_as_its_bones():
    body = BoneLengths()
    joints = place_joints(body, posture())[0]
    legs = body.thigh + body.shin + 0.03 + 0.07  # the hips hang 3 cm low, the ankles stand 7 high
    np.testing.assert_allclose(joints[0], [0, legs, 0], atol=1e-12)
    trunk = body.lower_spine + body.upper_spine + body.neck
    np.testing.assert_allclose(joints[2], [0, legs + trunk, 0], atol=1e-12)


@pytest.mark.parametrize(
    ("name", "axis", "sign"),
    [
        ("right_arm_forward", 2, -1),
        ("right_arm_sideways", 0, 1),
        ("left_arm_forward", 2, -1),
        ("left_arm_sideways", 0, -1),
    ],
)
def test_a_quarter_turn_of_the_arm_points_where_its_name_says(name, axis, sign):
    body = BoneLengths()
    joints = place_joints(body, posture(**{name: 90}))[0]
    shoulder, wrist = (8, 10) if name.startswith("right") else (4, 6)
    expected = np.zeros(3)
    expected[axis] = sign * (body.upper_arm + body.forearm)
    np.testing.assert_allclose(joints[wrist] - joints[shoulder], expected, atol=1e-12)


def test_sitting_lowers_the_hips_and_leaves_the_feet():
    stand = place_joints(BoneLengths(), posture())[0]
    angles = {
        f"{side}_{part}": 90 for side in ("left", "right") for part in ("leg_forward", "knee")
    }
    seated = place_joints(BoneLengths(), posture(**angles))[0]
    np.testing.assert_allclose(seated[[14, 18]], stand[[14, 18]], atol=1e-12)
    assert stand[0, 1] - seated[0, 1] == pytest.approx(BoneLengths().thigh)
    assert seated[0, 2] == pytest.approx(BoneLengths().thigh)  # behind the feet


def test_a_raised_leg_leaves_the_other_foot_on_the_floor():
    joints = place_joints(BoneLengths(), posture(right_leg_forward=60))[0]
    np.testing.assert_allclose(joints[14], [0, 0.07, 0], atol=1e-3)
    assert joints[18, 1] > 0.3


def test_leaning_and_turning_go_forward_and_to_the_right():
    lean = place_joints(BoneLengths(), posture(lean=30))[0]
    assert lean[3, 2] < lean[0, 2] - 0.2
    turned = place_joints(BoneLengths(), posture(lean=30, turn=90))[0]
    assert turned[3, 0] > turned[0, 0] + 0.2


def test_the_mirrored_posture_is_the_mirror_image(any_coordinates, ntu25):
    image = place_joints(BoneLengths(), any_coordinates) * [-1, 1, 1]
    joints = place_joints(BoneLengths(), mirror(any_coordinates))
    np.testing.assert_allclose(joints, image[:, ntu25.swap], atol=1e-12)
    np.testing.assert_array_equal(mirror(mirror(any_coordinates)), any_coordinates)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_rotations_are_right_handed(axis):
    turn = rotation(axis, np.array([np.pi / 2]))[0]
    unit = np.eye(3)
    np.testing.assert_allclose(turn @ unit[(axis + 1) % 3], unit[(axis + 2) % 3], atol=1e-15)
    np.testing.assert_allclose(turn @ unit[axis], unit[axis], atol=1e-15)
