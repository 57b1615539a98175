"""Arrays and nested lists of positions.

Shapes: M persons, T frames, V joints, C channels.
"""

import time

import numpy as np
import pytest

from protogcn.data.readers.malformed import MalformedError
from protogcn.data.readers.positions import read_positions
from protogcn.data.readers.values import Origin

POSES = np.random.default_rng(0).normal(size=(2, 4, 5, 3)).astype(np.float32)  # (M, T, V, C)
HERE = Origin("a.pkl", "sample 'a'")


def read(value, *, in_image=False, scores=None, num_joints=5):
    return read_positions(value, HERE, num_joints=num_joints, in_image=in_image, scores=scores)


def objects_of(parts):
    array = np.empty(len(parts), object)
    for place, part in enumerate(parts):
        array[place] = part
    return array


@pytest.mark.parametrize(
    "value",
    [
        POSES, POSES.astype(">f8"), np.asfortranarray(POSES), POSES.tolist(), list(POSES),
        [list(person) for person in POSES], tuple(map(tuple, POSES.tolist())),
        objects_of(POSES), POSES.astype(object), POSES.astype(np.longdouble),
    ],
)  # fmt: skip
def test_one_motion_in_every_writing_is_the_same(value):
    positions, scores = read(value)
    np.testing.assert_allclose(positions, POSES, rtol=1e-6)
    assert scores is None


@pytest.mark.parametrize(
    ("dtype", "as_floats"), [("i2", "f4"), ("u1", "f4"), ("i4", "f8"), (">i8", "f8")]
)
def test_whole_numbers_become_floating_point(dtype, as_floats):
    positions, _ = read(np.arange(60).reshape(1, 4, 5, 3).astype(dtype))
    assert positions.dtype == np.dtype(as_floats)
    np.testing.assert_array_equal(positions.ravel(), np.arange(60))


def test_arrays_of_frames_are_stacked_in_their_type():
    positions, _ = read(objects_of(POSES[0]))
    assert positions.dtype == np.float32
    np.testing.assert_array_equal(positions[0], POSES[0])


def test_an_array_without_persons_is_that_of_one():
    np.testing.assert_array_equal(read(POSES[0])[0], POSES[:1])


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        (None, "keypoint: found None, expected an array or nested lists of numbers"),
        ({0: POSES}, "found a dict, expected an array or nested lists"),
        (POSES > 0, "found elements of bool, expected numbers"),
        (POSES.astype("U4"), "found elements of <U4, expected numbers"),
        (POSES.astype(complex), "found elements of complex128, expected numbers"),
        ([["a"]], "found 'a' in nested lists, expected numbers"),
        ([[[[{}]]]], "found a dict in nested lists, expected numbers"),
        ([POSES[0, 0], POSES[0, 0, :4]], r"parts of shape \(5, 3\) and \(4, 3\), .* numpy\.stack"),
        (
            [[[1.0] * 3] * 5, [[1.0] * 3] * 4],
            r"nested parts of 5 and of 4 elements \(the latter at \[1\]\), .*numpy.stack",
        ),
        (objects_of([POSES[0, 0], POSES[0, 0, :4]]), r"\(5, 3\) and \(4, 3\), expected parts of"),
        (POSES[..., :2], "in_image: true"),
        (POSES[:, :, :4], r"\(2, 4, 4, 3\), .* \(frames, 5, 3\); the layout has 5 joints"),
        (
            np.full((2, 4, 5, 4), 2.0),
            r"what follows the third number is not read, keep \[\.\.\., :3\]",
        ),
        (POSES.transpose(3, 1, 2, 0), r"in another order: transpose\(\(3, 1, 2, 0\)\)"),
        (POSES[0].transpose(2, 0, 1), r"in another order: transpose\(\(1, 2, 0\)\)"),
        (POSES[0].reshape(4, 15), r"\(4, 15\), .*; reshape\(4, 5, 3\)"),
        (POSES[None], r"found the shape \(1, 2, 4, 5, 3\), expected \(persons, frames, 5, 3\) or"),
        ([], r"found the shape \(0,\), expected"),
        (POSES[0, 0].tolist(), r"found the shape \(5, 3\), expected"),
    ],
)
def test_other_values_are_refused_with_what_may_be_meant(value, sentence):
    with pytest.raises(MalformedError, match=sentence):
        read(value)


@pytest.mark.parametrize(
    ("number", "what"), [(np.nan, "NaN"), (-np.inf, "infinity"), (1e39, r"1e\+39")]
)
def test_what_is_not_finite_is_named_by_person_frame_and_joint(number, what):
    poses = POSES.astype(np.float64)
    poses[1, 2, 3, 0] = poses[1, 3, 4] = number
    sentence = (
        rf"sample 'a', keypoint: found {what} at person 2, frame 3, joint 3 \(2 joints in all\),"
        " expected finite numbers; a missing joint is all zero"
    )
    with pytest.raises(MalformedError, match=sentence):
        read(poses)


def test_a_list_in_itself_is_refused_at_once():
    hostile = []
    hostile += [hostile, hostile]
    begin = time.process_time()
    with pytest.raises(MalformedError, match="nested lists of sizes 2, 2, 2, 2, 2, expected"):
        read(hostile)
    with pytest.raises(MalformedError, match="found nested parts of 3 and of 0 elements"):
        read([[1.0, 2.0, 3.0], [], hostile])
    assert time.process_time() - begin < 1


class TestInAnImage:
    XY = np.abs(POSES[..., :2]) * 100
    SCORES = np.linspace(0.1, 0.9, 40, dtype=np.float32).reshape(2, 4, 5)

    def test_scores_may_be_beside_the_positions_or_in_them(self):
        inside = np.concatenate([self.XY, self.SCORES[..., None]], axis=-1)
        for positions, scores in (
            read(self.XY, in_image=True, scores=self.SCORES),
            read(self.XY, in_image=True, scores=self.SCORES[..., None]),
            read(inside, in_image=True),
            read(inside, in_image=True, scores=self.SCORES),
        ):
            np.testing.assert_array_equal(positions, self.XY)
            np.testing.assert_array_equal(scores, self.SCORES)

    def test_without_scores_a_joint_that_was_seen_has_1(self):
        poses = self.XY.copy()
        poses[0, 1, 2] = 0
        _, scores = read(poses, in_image=True)
        assert scores[0, 1, 2] == 0
        assert scores.sum() == 39

    def test_a_third_number_below_0_is_no_score(self):
        inside = np.concatenate([self.XY, -self.SCORES[..., None]], axis=-1)
        with pytest.raises(MalformedError, match=r"third number of -0\.9, .* if it is z, keep"):
            read(inside, in_image=True)

    def test_two_scores_that_differ_are_refused(self):
        inside = np.concatenate([self.XY, self.SCORES[..., None]], axis=-1)
        with pytest.raises(MalformedError, match="a third number that is not keypoint_score"):
            read(inside, in_image=True, scores=self.SCORES / 2)

    def test_scores_of_another_shape_are_refused(self):
        with pytest.raises(MalformedError, match=r"keypoint_score: found the shape \(1, 4, 5\)"):
            read(self.XY, in_image=True, scores=self.SCORES[:1])
