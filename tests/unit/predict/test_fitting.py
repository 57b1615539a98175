import json
from dataclasses import replace

import numpy as np
import pytest

from protogcn.config.skeleton import Skeleton, built_in_skeletons
from protogcn.data.ranges import Ranges
from protogcn.data.readers import RawClip
from protogcn.data.scale import Scale
from protogcn.errors import ContractError
from protogcn.predict.fitting import differences, fit_of, scaled
from tests.made.nano import DATASET

METRES = Scale(1.6, 1.1, 1.8, frames=60, longest=90, in_image=False)
PIXELS = Scale(200, 60, 400, frames=60, longest=90, in_image=True)
SPACE = replace(DATASET, skeleton=built_in_skeletons()["ntu25"])
IMAGE = replace(DATASET, skeleton=built_in_skeletons()["coco20"])


def body(size, joints=25, frames=12):
    """A person of some size in front of a camera, (1, frames, joints, 3)."""
    poses = np.random.default_rng(0).random((1, frames, joints, 3))
    poses[:, :, 0], poses[:, :, 1] = 0, 1  # the corners
    return (poses * [0.4, 1, 0.3] * size + [0.2, 0, 2 * size]).astype(np.float32)


def pose(size):
    """A person in an image, with scores."""
    poses = body(size, joints=17)
    poses[..., 2] = 0.8
    return poses


@pytest.mark.parametrize("size", [0.33, 0.5, 1.0, 1.6, 2.4, 7.9])
def test_a_child_a_part_of_a_person_and_a_giant_are_taken_as_they_are(size):
    assert fit_of("a", body(size), SPACE, METRES) == (1, None)


@pytest.mark.parametrize("size", [13, 60, 200, 1000, 1900])
def test_poses_of_another_camera_are_taken_as_they_are(size):
    assert fit_of("a", pose(size), IMAGE, PIXELS) == (1, None)


@pytest.mark.parametrize(
    ("size", "factor", "note"),
    [
        (1650, 1 / 1000, "taken as millimetres and divided by 1000."),
        (900, 1 / 1000, "taken as millimetres and divided by 1000."),
        (4400, 1 / 1000, "taken as millimetres and divided by 1000."),
        (165, 1 / 100, "taken as centimetres and divided by 100."),
        (0.0016, 1000, "multiplied by 1000."),
    ],
)
def test_a_unit_that_is_proved_is_converted_and_said(size, factor, note):
    fit = fit_of("a", body(size), SPACE, METRES)
    assert fit.factor == factor
    assert fit.note.startswith(f"a: a person is {size:g} high or wide, the networks know bodies of")
    assert fit.note.endswith(note)


@pytest.mark.parametrize(
    ("size", "sentence"),
    [
        (400, r"1\.1 to 1\.8 \(median 1\.6\): is it --scale 0\.001 or 0\.01\?"),
        (10, "so it is in no unit of theirs"),
        (1e6, "so it is in no unit of theirs"),
        (1e-6, "so it is in no unit of theirs"),
    ],
)
def test_a_size_that_proves_nothing_is_refused_with_what_to_do(size, sentence):
    with pytest.raises(ContractError, match=f"{sentence}.*--scale 1 takes them as they are"):
        fit_of("a", body(size), SPACE, METRES)


@pytest.mark.parametrize("scale", [METRES, None])
@pytest.mark.parametrize("third", [0, 0.7, 1, 500])
def test_pixels_are_never_taken_for_millimetres(scale, third):
    poses = body(900)
    poses[..., 2] = third
    with pytest.raises(ContractError, match="these look like pixels and scores"):
        fit_of("a", poses, SPACE, scale)


@pytest.mark.parametrize(
    ("poses", "sentence"),
    [
        (pose(0.4), "know bodies of 60 to 400 pixels .* multiply x by the width of the image"),
        (pose(5000), r"know bodies of 60 to 400 pixels \(median 200\)\. --scale"),
        (body(1.7, joints=17), "found third numbers from .*, expected the scores"),
    ],
)
def test_poses_of_another_kind_or_scale_are_refused(poses, sentence):
    with pytest.raises(ContractError, match=sentence):
        fit_of("a", poses, IMAGE, PIXELS)


def test_networks_of_ntu_without_a_scale_are_known_to_be_in_metres():
    ntu = replace(SPACE, protocol="ntu60")
    assert fit_of("a", body(1650), ntu, None).factor == 1 / 1000
    assert fit_of("a", body(1.65), ntu, None) == (1, None)
    assert fit_of("a", body(1650), SPACE, None) == (1, None)


def test_nobody_or_hardly_anybody_is_not_measured():
    poses = body(1650)
    poses[:, :, 3:] = 0
    assert fit_of("a", poses, SPACE, METRES) is None
    assert fit_of("a", 0 * poses, SPACE, METRES) is None
    assert fit_of("a", poses[:0], SPACE, METRES) is None


def test_joints_that_are_missing_do_not_make_a_person_larger():
    poses = body(1.6) + 30
    poses[:, ::2, 20:] = 0
    assert fit_of("a", poses, SPACE, METRES) == (1, None)


def test_a_value_that_no_network_takes_is_named_with_its_place():
    poses = body(1.6)
    poses[0, 4, 2, 1] = -1e30
    with pytest.raises(ContractError, match=r"a: y of joint 2 \(neck\), person 1, frame 5 is -1e"):
        fit_of("a", poses, SPACE, METRES)


def test_positions_are_divided_as_if_they_had_been_written_in_metres():
    poses = np.float32([1.5, -0.25, 3.0]).reshape(1, 1, 1, 3)
    np.testing.assert_array_equal(scaled(poses * 1000, 1 / 1000, in_image=False), poses)
    found = scaled(poses, 2.0, in_image=True)
    np.testing.assert_array_equal(found.ravel(), [3.0, -0.5, 3.0])  # its score is as it was
    assert scaled(poses, 1, in_image=False) is poses


def scale_of_bodies(change):
    """Return the scale of one changed recording of a dozen joints in a chain, upright."""
    skeleton = Skeleton.from_mapping(
        "chain",
        {
            "joints": ["foot", *(f"j{number}" for number in range(10)), "head"],
            "parents": [0, *range(11)],
        },
    )
    heights = np.cumsum([0, 0.3, 0.3, 0.02, 0.3, 0.02, 0.3, 0.02, 0.3, 0.02, 0.02, 0.02])
    poses = np.zeros((1, 9, 12, 3), np.float32)
    poses[..., 1] = heights + 1
    ranges = Ranges(skeleton)
    ranges.add(RawClip("a", 0, change(poses), {}))
    return ranges.scale()


@pytest.mark.parametrize(
    ("change", "sentences"),
    [
        (lambda poses: poses, []),
        (lambda poses: 700 * poses, []),
        (lambda poses: poses[:, :, [0, 6, 1, 7, 2, 8, 3, 9, 4, 10, 5, 11]], ["layout?"]),
        (lambda poses: poses * [1, -1, 1], ["y points down in it, and up for the networks."]),
        (lambda poses: poses[..., [1, 0, 2]], []),
    ],
    ids=["same", "another unit", "another order", "upside down", "lying"],
)
def test_bodies_of_other_proportions_and_upside_down_are_noted(change, sentences):
    known = scale_of_bodies(lambda poses: poses)
    found = list(differences("a", scale_of_bodies(change), known))
    assert len(found) == len(sentences)
    assert all(text.endswith(end) for text, end in zip(found, sentences, strict=True)), found


def test_a_scale_is_kept_as_json():
    known = scale_of_bodies(
        lambda poses: poses * np.isin(np.arange(12), [3, 4], invert=True)[:, None]
    )
    again = Scale.from_mapping(json.loads(json.dumps(known.to_mapping(), allow_nan=False)))
    np.testing.assert_equal(vars(again), vars(known))
    assert np.isnan(known.bones).any()
