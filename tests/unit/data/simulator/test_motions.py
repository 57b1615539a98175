import numpy as np
import pytest

from protogcn.data.simulator.actions import CLASS_NAMES, MOTIONS
from protogcn.data.simulator.kinematics import COLUMN, COORDINATES
from protogcn.data.simulator.motions import Role, Style, Swing, move

REST = np.full(len(COORDINATES), 0.1)
STYLE = Style(REST, np.zeros_like(REST), reach=1.0, amplitude=1.0, tempo=1.0, phase=0.0)
ELBOW = COLUMN["right_elbow"]


def moved(role, style=STYLE, num_frames=101):
    shares = np.linspace(0, 1, num_frames)
    return move(role, style, shares, np.arange(num_frames) / 30)


def test_keys_are_reached_in_time_and_the_rest_stays_at_rest():
    role = Role(((0.2, {}), (0.6, {"right_elbow": 90, "lift": 0.5})))
    coordinates = moved(role)
    np.testing.assert_allclose(coordinates[:21], np.tile(REST, (21, 1)))
    np.testing.assert_allclose(coordinates[60:, ELBOW], np.pi / 2)
    np.testing.assert_allclose(coordinates[60:, COLUMN["lift"]], 0.5)
    np.testing.assert_allclose(np.delete(coordinates[80], [ELBOW, COLUMN["lift"]]), 0.1)
    assert coordinates[40, ELBOW] == pytest.approx((0.1 + np.pi / 2) / 2)


def test_movement_starts_and_ends_slowly():
    steps = np.diff(moved(Role(((0.0, {}), (1.0, {"right_elbow": 90}))))[:, ELBOW])
    assert steps.min() > 0
    assert steps[0] < 0.01 * steps[50]
    assert steps[-1] < 0.01 * steps[50]


def test_a_swing_goes_to_both_sides_between_its_shares():
    role = Role(((0.0, {}),), (Swing("right_elbow", 10, 1.5, 0.3, 0.8),))
    angle = moved(role)[:, ELBOW] - 0.1
    np.testing.assert_array_equal(angle[:31], 0)
    np.testing.assert_allclose(angle[80:], 0, atol=1e-12)
    assert np.degrees(angle.max()) == pytest.approx(10, abs=0.1)
    assert np.degrees(angle.min()) == pytest.approx(-10, abs=0.1)


def test_reach_offsets_and_amplitude_act_on_what_they_name():
    role = Role(((0.0, {"right_elbow": 90}),), (Swing("left_elbow", 10, 1.5, 0.0, 1.0),))
    style = Style(REST, np.full_like(REST, 0.2), reach=0.5, amplitude=2.0, tempo=1.0, phase=0.0)
    coordinates = moved(role, style)
    np.testing.assert_allclose(coordinates[:, ELBOW], 0.1 + 0.5 * (np.pi / 2 + 0.2 - 0.1))
    assert np.degrees(np.ptp(coordinates[:, COLUMN["left_elbow"]])) == pytest.approx(40, abs=0.5)


def test_twelve_actions_have_names_and_two_of_them_two_people():
    assert len(set(CLASS_NAMES)) == len(CLASS_NAMES) == 12
    pairs = [motion.name for motion in MOTIONS if len(motion.roles) == 2]
    assert pairs == ["shaking hands", "pushing someone"]
    assert all(
        motion.roles[0].contact and motion.roles[1].contact
        for motion in MOTIONS
        if motion.name in pairs
    )


@pytest.mark.parametrize("motion", MOTIONS, ids=CLASS_NAMES)
def test_every_score_is_in_order_of_time_and_names_coordinates(motion):
    for role in motion.roles:
        times = [share for share, _ in role.keys]
        assert times == sorted(times)
        assert 0 <= times[0] < times[-1] <= 1
        names = {name for _, posture in role.keys for name in posture}
        assert names | {swing.coordinate for swing in role.swings} <= set(COORDINATES)


def test_standing_up_is_sitting_down_in_another_order():
    down, up = MOTIONS[0].roles[0].keys, MOTIONS[1].roles[0].keys
    assert {str(posture) for _, posture in down} == {str(posture) for _, posture in up}
