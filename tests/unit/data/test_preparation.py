import numpy as np
import pytest

from protogcn.data.preparation import prepare
from protogcn.errors import ConfigError


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
    with pytest.raises(ConfigError, match="expected centred, aligned or raw"):
        prepare(np.ones((1, 1, 5, 3)), "centered", toy5)
