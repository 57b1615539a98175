"""2-D poses in a PYSKL pickle, as FineGYM's."""

import pickle

import numpy as np
import pytest

from protogcn.data.readers.pyskl import read_pyskl
from protogcn.errors import ContractError
from tests.made.poses import content, sample


@pytest.fixture
def read(tmp_path):
    def write_and_read(*samples):
        path = tmp_path / "poses.pkl"
        path.write_bytes(pickle.dumps(content(*samples)))
        options = {"num_joints": 17, "classes": ("a", "b"), "splits": ("val",)}
        return list(read_pyskl(path, in_image=True, **options))

    return write_and_read


def test_scores_are_the_third_channel_and_pixels_stay(read):
    entry = sample(persons=3)
    (clip, _) = read(entry, sample("b"))
    np.testing.assert_array_equal(clip.keypoints[..., :2], entry["keypoint"])
    np.testing.assert_array_equal(clip.keypoints[..., 2], entry["keypoint_score"])
    assert clip.keypoints.dtype == np.float16
    assert (clip.image_size, clip.sides) == ((240, 320), {"val": "train"})


def test_wider_type_of_the_two_is_kept(read):
    scores = np.full((1, 4, 17), 0.1, np.float32)
    (clip, _) = read(sample(keypoint_score=scores), sample("b"))
    assert clip.keypoints.dtype == np.float32
    np.testing.assert_array_equal(clip.keypoints[..., 2], scores)


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (sample("b", img_shape=None), "annotation 2: found no img_shape, expected"),
        (
            sample("b", keypoint=np.full((1, 4, 17, 4), 2.0)),
            r"expected \(persons, frames, 17, 2 or 3\)",
        ),
        (
            sample("b", keypoint_score=np.ones((1, 5, 17))),
            r"keypoint_score: found the shape \(1, 5, 17\), expected \(1, 4, 17\), as its keypoint",
        ),
        (sample("b", keypoint_score=np.full((1, 4, 17), np.nan)), "keypoint_score: found NaN"),
        (sample("b", img_shape=320), r"img_shape: found 320, expected \(height, width\)"),
        (
            sample("b", img_shape=(240, "w")),
            "img_shape: found 'w', expected a whole number of pixels",
        ),
        (sample("b", img_shape=(240, True)), "img_shape: found True, expected a whole number"),
        (
            sample("b", img_shape=(240, -1)),
            "img_shape: found -1, expected a whole number of pixels, 1 to 100000",
        ),
    ],
)
def test_malformed_poses_say_where(read, entry, message):
    with pytest.raises(ContractError, match=rf"1 malformed samples:\n  poses\.pkl, .*{message}"):
        read(sample(), entry)
