import numpy as np
import pytest

from protogcn.config.skeleton import Skeleton, built_in_skeletons
from protogcn.data.ranges import Ranges
from protogcn.data.readers import RawClip

STICK = Skeleton.from_mapping(
    "stick",
    {
        "joints": ["hip", "head", "left_hand", "right_hand", "left_foot", "right_foot"],
        "parents": [0, 0, 1, 1, 0, 0],
        "centre": 0,
    },
)
IMAGE = Skeleton.from_mapping("image", {**STICK.to_mapping(), "centre": None, "in_image": True})
BODY = np.array(
    [[0, 1, 3], [0, 1.7, 3], [-0.6, 1, 3], [0.6, 1, 2.8], [-0.2, 0.1, 3], [0.2, 0.1, 3.1]]
)
SIZE = (480, 640)
OFTEN = np.s_[0, ::3, 3]


def metres(number=0, frames=20):
    """A person of 1.6 metres who moves a little, (1, frames, 6, 3)."""
    noise = np.random.default_rng(number).normal(size=(1, frames, *BODY.shape))
    return (BODY + 0.03 * noise).astype(np.float32)


def pixels(number=0, frames=20):
    """The same person in an image of 640 by 480, with scores."""
    poses = metres(number, frames) * 200 + [300, 50, 0]
    poses[..., 2] = 0.9
    return poses.astype(np.float32)


def sentences(make, change=None, *, count=8, image_size=SIZE, skeleton=None):
    """Return what is said about some clips that were all changed."""
    skeleton = skeleton or (STICK if make is metres else IMAGE)
    ranges = Ranges(skeleton)
    for number in range(count):
        keypoints = make(number)
        keypoints = keypoints if change is None else change(keypoints)
        ranges.add(RawClip(f"c{number}", 0, keypoints, {}, image_size))
    return [*ranges.problems(), *ranges.oddities()]


def put(value, *place):
    """Return what writes a value into a clip."""

    def change(keypoints):
        keypoints = keypoints.copy()
        keypoints[place] = value
        return keypoints

    return change


def spread(gap, step=1.0):
    """Return what puts each frame ``gap`` frames after the one before."""

    def change(keypoints):
        at = np.round(np.arange(keypoints.shape[1]) * gap * step).astype(int)
        wide = np.zeros((1, at[-1] + 1, *keypoints.shape[2:]), keypoints.dtype)
        wide[:, at] = keypoints
        return wide

    return change


@pytest.mark.parametrize("make", [metres, pixels])
@pytest.mark.parametrize(
    "change",
    [
        None,
        put(0, *OFTEN),
        put(0, 0, np.s_[5:9]),
        put(0, 0, np.s_[:], np.s_[4:]),
        lambda clip: clip.astype(np.float16),
        lambda clip: clip[:, :1],
        lambda clip: np.concatenate([clip, 0 * clip, 0 * clip]),
    ],
    ids=["plain", "missing joints", "empty frames", "no feet", "float16", "one frame", "persons"],
)
def test_nothing_is_said_about_poses_as_they_should_be(make, change):
    assert sentences(make, change) == []


@pytest.mark.parametrize(
    ("make", "change", "sentence"),
    [
        (metres, lambda clip: 1000 * clip, "these look like millimetres; divide by 1000"),
        (metres, lambda clip: 100 * clip, "these look like centimetres; divide by 100"),
        (metres, lambda clip: 250 * clip, "these look like millimetres or centimetres"),
        (metres, lambda clip: clip / 1000, "a person is 0.00160"),
        (metres, lambda clip: clip * [1, -1, 1], "y points down: the head is 1.6 below the feet"),
        (metres, lambda clip: clip[..., [0, 2, 1]] * [1, 1, -1], "z points down"),
        (
            metres,
            lambda clip: clip * [300, 300, 0] + [0, 0, 0.5],
            "x and y of 8 of 8 clips [c0, c1, c2, c3, c4, ...] look like pixels and the third",
        ),
        (metres, lambda clip: clip.swapaxes(0, 1), "(c0: 20 persons, 1 frames)"),
        (
            metres,
            spread(33.37),
            "8 of 8 clips [c0, c1, c2, c3, c4, ...] (c0: 20 of 635 frames have a person, 97% are"
            " empty, always 33 frames apart)",
        ),
        (metres, spread(2), "20 of 39 frames have a person, 49% are empty, always 2 frames apart"),
        (
            metres,
            lambda clip: np.concatenate([clip, 0 * clip, 0 * clip], axis=1),
            "nobody is in more than half of the frames of 8 of 8 clips",
        ),
        (metres, put(1e30, 0, 4, 2, 1), "(c0: y of joint 2 (left_hand), person 1, frame 5 is"),
        (metres, put(-1e30, 0, 4, 2, 1), "a training on them does not stay finite"),
        (metres, put(1e12, 0, 4, 2, 1), "far from all others (c0: y of joint 2 (left_hand)"),
        (metres, put(9999, *OFTEN), "x of joint 3 (right_hand), person 1, frame 1 is 9999)"),
        (metres, put(-999, *OFTEN, 2), "z of joint 3 (right_hand), person 1, frame 1 is -999)"),
        (metres, put(-1, *OFTEN), "a value far from the positions is repeated in 8 of 8 clips"),
        (metres, put(-1, 0, np.s_[:], 3), "person 1, frame 1 is -1)"),
        (pixels, put(-1, *OFTEN), "x of joint 3 (right_hand), person 1, frame 1 is -1)"),
        (pixels, put(-1, *OFTEN, 0), "x of joint 3 (right_hand), person 1, frame 1 is -1)"),
        (pixels, put(65535, *OFTEN, np.s_[:2]), "person 1, frame 1 is 65535)"),
        (pixels, lambda clip: clip / [640, 480, 1], "x and y of 8 of 8 clips"),
        (pixels, lambda clip: clip / [320, 240, 1] - [1, 1, 0], "are about -1 to 1 (c0"),
        (pixels, lambda clip: clip * [1, 1, 0], "all scores of 8 of 8 clips"),
        (pixels, lambda clip: clip * [3, 3, 1], "joints lie outside of the image in 8 of 8 clips"),
        (pixels, lambda clip: clip - [400, 0, 0], "joints lie outside of the image in 8 of 8"),
        (pixels, lambda clip: clip * [1, 1, 100], "scores of 8 of 8 clips"),
    ],
)  # fmt: skip
def test_what_is_odd_gets_one_sentence(make, change, sentence):
    found = sentences(make, change)
    assert [text for text in found if sentence in text], found
    assert len(found) == 1 or "65535" in sentence, found


def test_somebody_at_the_edge_of_an_image_is_no_mark():
    def at_the_edge(keypoints):
        keypoints = np.round(keypoints)
        keypoints[0, :, 3, 0] = np.arange(20) // 5 - 1  # from -1 to 2
        return keypoints

    assert sentences(pixels, at_the_edge) == []


def test_an_absent_person_of_minus_ones_is_a_mark():
    def with_absent(keypoints):
        return np.concatenate([keypoints, np.full_like(keypoints, -1)])

    (found,) = sentences(metres, with_absent)
    assert "x of joint 0 (hip), person 2, frame 1 is -1" in found


def test_width_and_height_that_are_exchanged_are_told_by_what_fits():
    def wide(keypoints):
        return keypoints * [1.4, 0.9, 1]

    (found,) = sentences(pixels, wide, image_size=(640, 480))
    assert "an image 480 wide and 640 high) and inside if width and height are exchanged" in found
    assert sentences(pixels, wide, image_size=(480, 640)) == []


def test_clips_of_another_unit_among_others_are_named():
    ranges = Ranges(STICK)
    for number in range(9):
        keypoints = metres(number) * (1000 if number == 7 else 1)
        ranges.add(RawClip(f"c{number}", 0, keypoints, {}))
    (found,) = ranges.oddities()
    assert "units look mixed: a person is 16" in found
    assert "in 1 of 9 clips [c7]" in found


def test_a_clip_that_alone_is_too_large_is_a_problem_and_named():
    ranges = Ranges(STICK)
    for number in range(3):
        change = put(1e30, 0, 0, 0, 0) if number == 1 else put(0, 0, 0, 0)
        ranges.add(RawClip(f"c{number}", 0, change(metres(number)), {}))
    (found,) = ranges.problems()
    assert found.startswith("coordinates of 1 of 3 clips [c1] are so large")
    assert "(c1: x of joint 0 (hip), person 1, frame 1 is 1e+30), expected metres" in found


def test_the_scale_is_that_of_bodies_and_clips():
    ranges = Ranges(STICK)
    for number in range(5):
        clip = metres(number, frames=10 + number) * (1 + number / 10) + 7
        empty = np.zeros_like(clip)
        both = np.concatenate([empty, clip])
        list(ranges.watch([RawClip(f"c{number}", 0, both, {})]))
    scale = ranges.scale()
    assert (scale.frames, scale.longest, scale.in_image) == (12, 14, False)
    assert scale.body == pytest.approx(1.2 * 1.6, abs=0.1)
    assert scale.smallest == pytest.approx(1.6, abs=0.1)
    assert scale.largest == pytest.approx(1.4 * 1.6, abs=0.1)


def test_clips_without_persons_have_no_scale_and_no_oddity():
    assert Ranges(STICK).scale() is None
    ranges = Ranges(built_in_skeletons()["coco20"])
    ranges.add(RawClip("a", 0, np.zeros((1, 5, 17, 3)), {}, SIZE))
    assert ranges.scale() is None
    assert list(ranges.problems()) == []
