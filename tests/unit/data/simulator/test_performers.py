import numpy as np
import pytest

from protogcn.data.simulator.actions import CLASS_NAMES
from protogcn.data.simulator.performers import draw_partner, draw_subject, perform, stand_by

NUM_FRAMES = 50


def performed(name, number=1, seed=0, performance=0):
    return perform(
        draw_subject(seed, number),
        draw_partner(seed, number),
        CLASS_NAMES.index(name),
        NUM_FRAMES,
        seed=seed,
        generator=np.random.default_rng(performance),
    )


def bone_lengths(joints, skeleton):
    return np.linalg.norm(joints - joints[:, skeleton.bone_partners], axis=-1)  # (T, V)


@pytest.mark.parametrize("name", CLASS_NAMES)
def test_a_body_keeps_its_bone_lengths_while_it_moves(name, ntu25):
    lengths = bone_lengths(performed(name)[0], ntu25)
    np.testing.assert_allclose(lengths, lengths[:1].repeat(NUM_FRAMES, axis=0), atol=1e-12)


def test_subjects_differ_in_build_and_are_themselves_again():
    builds = {number: vars(draw_subject(0, number).body) for number in range(1, 13)}
    assert len({build["thigh"] for build in builds.values()}) == 12
    assert vars(draw_subject(0, 3).body) == builds[3]
    assert vars(draw_subject(1, 3).body) != builds[3]


def test_every_fourth_subject_prefers_the_left_hand():
    assert [n for n in range(1, 13) if draw_subject(0, n).left_handed] == [4, 8, 12]


@pytest.mark.parametrize(("number", "hand", "other"), [(1, 11, 7), (4, 7, 11)])
def test_a_hand_is_mostly_raised_with_the_preferred_one(number, hand, other):
    raised = 0
    for performance in range(20):
        (joints,) = performed("raising a hand", number, performance=performance)
        raised += joints[:, hand, 1].max() > joints[:, other, 1].max()
    assert 12 <= raised < 20


def test_hands_meet_when_two_people_shake_them():
    gaps = []
    for performance in range(20):
        first, second = performed("shaking hands", 2, performance=performance)
        gaps.append(np.linalg.norm(first[:, 11] - second[:, 11], axis=-1).min())
    assert np.median(gaps) < 0.3


def test_two_people_face_each_other():
    for performance in range(5):
        first, second = performed("pushing someone", performance=performance)
        for person, other in ((first, second), (second, first)):
            toes = (person[0, (15, 19)] - person[0, (14, 18)]).mean(axis=0)
            assert toes @ (other[0, 0] - person[0, 0]) > 0


def test_sitting_down_lowers_the_hips_and_standing_up_raises_them():
    (down,), (up,) = performed("sitting down"), performed("standing up")
    assert down[-1, 0, 1] < down[0, 0, 1] - 0.2
    assert up[-1, 0, 1] > up[0, 0, 1] + 0.2


def test_a_bystander_stays_where_it_is():
    joints = stand_by(draw_subject(0, 1), NUM_FRAMES, np.random.default_rng(0))
    assert np.ptp(joints[:, 14], axis=0).max() < 0.15
    assert joints.shape == (NUM_FRAMES, 25, 3)
