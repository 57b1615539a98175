import json

import numpy as np
import pytest

from protogcn.data.preparation import in_own_axes, prepare, prepare_clip
from protogcn.errors import ConfigError
from tests.conftest import GOLDEN
from tests.made.golden_network import golden_clips


@pytest.mark.parametrize("case", ["A", "B", "D"])
def test_centred_equals_the_released_code_bit_for_bit(golden, ntu25, case):
    found = prepare(golden[f"in_{case}"], "centred", ntu25)
    np.testing.assert_array_equal(found, golden[f"prenorm_{case}"], strict=True)


@pytest.mark.parametrize("case", ["A", "B", "D"])
def test_aligned_equals_the_released_code(golden, ntu25, case):
    found = prepare(golden[f"in_{case}"], "aligned", ntu25)
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, golden[f"prenorm_spine_{case}"], rtol=0, atol=1e-12)


def test_aligned_spine_points_up_and_shoulders_point_right(ntu25):
    keypoints = np.random.default_rng(0).normal(size=(1, 4, 25, 3))
    first = prepare(keypoints, "aligned", ntu25)[0, 0]
    shoulders = first[8] - first[4]
    np.testing.assert_allclose(shoulders / np.linalg.norm(shoulders), [1, 0, 0], atol=1e-12)


def test_raw_changes_nothing(toy5):
    keypoints = np.random.default_rng(0).normal(size=(2, 3, 5, 3))
    np.testing.assert_array_equal(prepare(keypoints, "raw", toy5), keypoints)


def test_person_seen_longer_comes_first_and_decides_the_frames(toy5):
    keypoints = np.ones((2, 4, 5, 3), np.float32)
    keypoints[0, 1:] = 0
    keypoints[1, 3] = 0
    keypoints[1, :3] = np.arange(3)[:, None, None] + 5
    found = prepare(keypoints, "centred", toy5)
    assert found.shape == (2, 3, 5, 3)
    np.testing.assert_array_equal(found[0, :, 0, 0], [0, 1, 2])


def test_equally_long_persons_keep_their_order(toy5):
    keypoints = np.ones((2, 2, 5, 3), np.float32)
    keypoints[1] = 9
    np.testing.assert_array_equal(prepare(keypoints, "centred", toy5)[1], 8)


def test_missing_joints_stay_at_zero(toy5):
    keypoints = np.full((1, 2, 5, 3), 4, np.float32)
    keypoints[0, 1, 2] = 0
    found = prepare(keypoints, "centred", toy5)
    np.testing.assert_array_equal(found, 0)
    keypoints[0, 0, 0] = 1
    assert prepare(keypoints, "centred", toy5)[0, 1, 2].tolist() == [0, 0, 0]


def test_a_clip_of_one_frame_is_kept(toy5):
    assert prepare(np.ones((1, 1, 5, 3), np.float32), "centred", toy5).shape == (1, 1, 5, 3)


def test_skeleton_without_spine_cannot_be_aligned(toy5):
    with pytest.raises(ConfigError, match=r"skeletons\.toy5: has no spine and no shoulders"):
        prepare(np.ones((1, 1, 5, 3)), "aligned", toy5)


def test_unknown_preparation_is_refused(toy5):
    with pytest.raises(
        ConfigError, match="expected one of centred, aligned, first_frame, own_axes, raw"
    ):
        prepare(np.ones((1, 1, 5, 3)), "centered", toy5)


def golden_persons():
    _, person, frame, joint, axis = np.ogrid[:2, :2, :5, :25, :3]
    moved = 0.3 * np.cos(1.7 * joint * (axis + 1) + 0.2 * frame + person)
    clips = golden_clips(25, 2, 5, empty=()).numpy() + moved
    clips[1, 1] = 0
    return clips


def test_persons_in_their_own_axes_equal_the_released_ones(ntu25):
    expected = json.loads((GOLDEN / "infogcn.json").read_text())["pipeline"]["align"]
    found = np.stack([in_own_axes(clip, ntu25) for clip in golden_persons()])
    assert found.sum() == pytest.approx(expected["sum"], rel=1e-12)
    assert np.linalg.norm(found) == pytest.approx(expected["l2"], rel=1e-12)
    for person in (0, 1):
        joint = expected[f"sample0_person{person}_frame2_joint7"]
        np.testing.assert_allclose(found[0, person, 2, 7], joint, rtol=1e-12)
    assert not found[1, 1].any()


def test_who_is_not_there_in_the_first_frame_has_no_axes(ntu25):
    clip = golden_persons()[0]
    clip[1, 0] = 0
    assert not prepare(clip, "own_axes", ntu25)[1].any()
    clip[0, :, [12, 16]] = 1.0  # hips in one place
    assert not in_own_axes(clip, ntu25).any()


def test_first_frame_keeps_persons_in_order_and_moves_both_alike(toy5):
    keypoints = np.ones((2, 5, 5, 3), np.float32)
    keypoints[0, [0, 1, 4]] = 0  # the first person comes late and leaves early
    keypoints[1] = 9
    keypoints[:, 1] = 0  # nobody is there
    keypoints[0, 2, toy5.centre] = 3
    found = prepare(keypoints, "first_frame", toy5)
    assert found.dtype == np.float32
    assert found.shape == (2, 4, 5, 3)
    assert not found[0, [0, 3]].any()
    np.testing.assert_array_equal(found[0, 1, toy5.centre], 0)
    np.testing.assert_array_equal(found[1], 6)


def test_first_frame_without_the_first_person_is_about_the_second(toy5):
    keypoints = np.zeros((2, 2, 5, 3))
    keypoints[1] = 4
    keypoints[1, :, 4] = 5
    frames, persons = prepare_clip(keypoints, "first_frame", toy5, 2)
    assert persons == 1
    np.testing.assert_array_equal(frames[:, 0, 4], 1)
