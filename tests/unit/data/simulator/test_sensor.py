import numpy as np
import pytest

from protogcn.data.simulator.performers import draw_subject, stand_by
from protogcn.data.simulator.sensor import (
    INFERRED,
    TRACKED,
    Camera,
    record,
    record_flat_ghost,
    view,
)

CAMERA = Camera(angle=0.0, distance=3.0, height=1.5)


@pytest.fixture
def joints():
    return stand_by(draw_subject(0, 1), 40, np.random.default_rng(0))


def test_waist_height_in_the_middle_is_straight_ahead():
    distance = np.hypot(3.0, 0.5)
    np.testing.assert_allclose(view(np.array([0, 1.0, 0]), CAMERA), [0, 0, distance], atol=1e-12)


def test_cameras_see_the_same_shape_from_different_sides(joints):
    other = view(joints, Camera(angle=0.8, distance=4.0, height=2.0))
    here = view(joints, CAMERA)
    for seen in (here, other):
        np.testing.assert_allclose(
            np.linalg.norm(seen[:, 3] - seen[:, 15], axis=-1),
            np.linalg.norm(joints[:, 3] - joints[:, 15], axis=-1),
        )
    assert np.abs(here - other).max() > 0.2


def test_the_sensor_errs_by_centimetres_more_at_the_hands(joints):
    errors = [
        record(joints, CAMERA, 1, np.random.default_rng(n)).joints - view(joints, CAMERA)
        for n in range(20)
    ]
    size = np.sqrt(np.mean(np.square(errors), axis=(0, 1, 3)))  # (V,)
    assert 0.005 < size[0] < 0.03
    assert size[[7, 11, 21, 23]].min() > size[0]


def test_the_arm_behind_the_body_is_inferred(joints):
    beside = Camera(angle=np.pi / 2, distance=3.0, height=1.5)
    facing = joints.copy()
    facing[:, 4], facing[:, 8] = [-0.2, 1.4, 0], [0.2, 1.4, 0]
    generator = np.random.default_rng(3)
    track = record(facing, beside, 1, generator)
    depth = track.joints[0, 4, 2] - track.joints[0, 8, 2]
    far, near = (7, 11) if depth > 0 else (11, 7)
    assert (track.states[:, far] == INFERRED).all()
    assert (track.states[:, near] == TRACKED).mean() > 0.5
    assert (record(facing, CAMERA, 1, generator).states[:, far] == TRACKED).mean() > 0.5


def test_a_flat_ghost_is_wider_than_high_all_along():
    track = record_flat_ghost(30, CAMERA, 7, np.random.default_rng(0))
    width, height = np.ptp(track.joints[..., 0], axis=1), np.ptp(track.joints[..., 1], axis=1)
    assert (width > 0.8 * height).all()
    assert (track.joints[..., 2] > 1).all()
