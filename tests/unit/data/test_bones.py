import numpy as np
import pytest

from protogcn.batches.sampling import scoring_frames
from protogcn.config.resolved import MODALITIES
from protogcn.data.bones import compute_modality
from protogcn.data.preparation import prepare
from protogcn.errors import ConfigError


def released_val(values, frames=100):
    """The rest of the released val pipeline: one crop, padded to two persons."""
    crop = values[:, scoring_frames(values.shape[1], frames, 1)[0]].astype(np.float32)
    return np.concatenate([crop, np.zeros_like(crop)])[None, :2]  # (1, 2, L, V, C)


def end_to_end(keypoints, name, skeleton):
    """(M, T, V, C) -> modality (M, T, V, C)."""
    frames = keypoints.transpose(1, 0, 2, 3)
    return compute_modality(frames, name, skeleton, [len(frames) - 1]).transpose(1, 0, 2, 3)


@pytest.mark.parametrize("case", ["A", "B", "D"])
@pytest.mark.parametrize("name", MODALITIES)
def test_float16_equals_the_released_pipeline_bit_for_bit(golden, ntu25, name, case):
    centred = prepare(golden[f"in_{case}"], "centred", ntu25)
    found = released_val(end_to_end(centred, name, ntu25))
    np.testing.assert_array_equal(found, golden[f"val_{name}_{case}"], strict=True)


@pytest.mark.parametrize("case", ["A", "B", "D"])
@pytest.mark.parametrize("name", MODALITIES)
def test_float32_stays_within_two_thousandths_of_it(golden, ntu25, name, case):
    centred = prepare(golden[f"in_{case}"].astype(np.float32), "centred", ntu25)
    found = released_val(end_to_end(centred, name, ntu25))
    np.testing.assert_allclose(found, golden[f"val_{name}_{case}"], rtol=0, atol=2e-3)


@pytest.fixture
def joints():
    return np.random.default_rng(3).normal(size=(7, 2, 25, 3))


@pytest.mark.parametrize("name", MODALITIES)
def test_commutes_with_rotation(joints, ntu25, name):
    turn = np.array([[0, -1, 0], [1, 0, 0], [0, 0, 1]])
    before = compute_modality(joints @ turn, name, ntu25, [6])
    after = compute_modality(joints, name, ntu25, [6]) @ turn
    np.testing.assert_allclose(before, after, rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", MODALITIES)
def test_commutes_with_swapping_sides(joints, ntu25, name):
    before = compute_modality(joints[:, :, ntu25.swap], name, ntu25, [6])
    after = compute_modality(joints, name, ntu25, [6])[:, :, ntu25.swap]
    np.testing.assert_array_equal(before, after)


def test_bones_of_a_toy_skeleton(toy5):
    joints = np.zeros((1, 1, 5, 3))
    joints[0, 0, :, 0] = [1, 3, 7, 8, 20]
    bones = compute_modality(joints, "b", toy5, [0])
    two_step = compute_modality(joints, "k", toy5, [0])
    assert bones[0, 0, :, 0].tolist() == [0, 2, 4, 5, 19]
    # Joints 1 and 4 hang on the root: their grandparent would pass it.
    assert two_step[0, 0, :, 0].tolist() == [0, 0, 6, 7, 0]


def test_motion_is_the_step_to_the_next_frame_and_zero_at_each_clips_end(toy5):
    joints = np.zeros((5, 1, 5, 3))
    joints[:, 0, 2, 1] = [1, 4, 9, 100, 101]
    motion = compute_modality(joints, "jm", toy5, [2, 4])
    assert motion[:, 0, 2, 1].tolist() == [3, 5, 0, 1, 0]


def test_a_clip_of_one_frame_has_no_motion(toy5):
    assert not compute_modality(np.ones((1, 1, 5, 3)), "km", toy5, [0]).any()


def test_unknown_modality_is_refused(toy5):
    with pytest.raises(ConfigError, match="'v': expected one of j, b, k, jm, bm, km"):
        compute_modality(np.ones((1, 1, 5, 3)), "v", toy5, [0])
