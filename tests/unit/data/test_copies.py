import numpy as np
import pytest

from protogcn.config.skeleton import built_in_skeletons
from protogcn.data.copies import Copies
from protogcn.data.readers import RawClip
from tests.made.nano import SKELETON

SIDES = {"a": "train", "b": "train", "c": "test", "d": "val", "e": "-"}


def walk(seed, frames=30, persons=1):
    """Return (M, T, 5, 3): joints that swing about a person three metres away."""
    generator = np.random.default_rng(seed)
    rest, speed = generator.normal(size=(2, persons, 1, 5, 3))
    swing = np.sin(speed * np.arange(frames)[:, None, None] / 3)
    return (rest + [0.5, 0.2, 3] + 0.3 * swing).astype(np.float32)


def groups_of(*clips, skeleton=SKELETON):
    """Return the groups of copies of clips that are called by their numbers."""
    copies = Copies(skeleton)
    for number, keypoints in enumerate(clips):
        copies.add(RawClip(str(number), 0, keypoints, {}))
    return copies.groups()


def centred(clip, dtype=np.float32):
    return (clip - clip[0, 0, 0]).astype(dtype)


def with_gaps(clip):
    clip = clip.copy()
    clip[:, ::3, 2:4] = 0
    return clip


@pytest.mark.parametrize(
    "copy",
    [
        lambda clip: clip.copy(),
        lambda clip: clip.astype(np.float16),
        lambda clip: np.float64(clip) + np.array([12, -3, 1]),
        centred,
        lambda clip: centred(clip, np.float16),
        lambda clip: clip - clip[:, :, :1],  # in every frame
        lambda clip: 1000 * clip,  # millimetres
        lambda clip: np.round(clip, 3),
        lambda clip: clip[:, :15],
        lambda clip: centred(clip[:, 10:25], np.float16),
        lambda clip: np.concatenate([0 * clip, clip]),  # in the second slot
        lambda clip: np.concatenate([clip, 0 * clip], axis=1),  # filled up with empty frames
        lambda clip: np.concatenate([clip, clip], axis=1),  # played twice
    ],
)
def test_the_same_recording_is_found(copy):
    clips = [walk(seed) for seed in range(6)]
    assert groups_of(*clips, copy(clips[3]).astype(np.float32)) == [["3", "6"]]
    assert groups_of(*clips, copy(clips[3])) == [["3", "6"]]


def test_missing_joints_stay_missing_when_a_clip_is_centred():
    clip = with_gaps(walk(0))
    moved = np.where(clip != 0, clip - clip[0, 0, 0], 0)
    assert groups_of(clip, walk(1), moved) == [["0", "2"]]


def test_two_persons_are_the_same_in_any_order():
    pair = walk(0, persons=2)
    assert groups_of(pair, walk(1, persons=2), pair[::-1]) == [["0", "2"]]


@pytest.mark.parametrize(
    "other",
    [
        lambda clip: clip[:, ::-1],
        lambda clip: clip * [-1, 1, 1],
        lambda clip: clip + np.random.default_rng(0).normal(0, 0.02, clip.shape),
        lambda clip: np.concatenate([clip[:, :10], walk(9)[:, 10:]], axis=1),
    ],
)
def test_what_only_looks_alike_is_no_copy(other):
    clip = walk(0)
    assert groups_of(clip, other(clip)) == []


def test_who_stands_still_is_a_copy_only_in_the_same_pose():
    still = np.repeat(walk(0)[:, :1], 30, axis=1)
    assert groups_of(still, still, np.repeat(walk(1)[:, :1], 30, axis=1)) == [["0", "1"]]


@pytest.mark.parametrize("frames", [1, 3, 7])
def test_short_clips_are_copies_if_every_frame_is(frames):
    clip = walk(0, frames)
    assert groups_of(clip, clip.copy(), walk(1, frames)) == [["0", "1"]]
    assert groups_of(walk(0, 8)[:, :frames], walk(0, 8)) == []


def test_hundreds_of_copies_are_one_group():
    clips = [walk(seed, 12) for seed in range(3)] * 100
    assert [len(group) for group in groups_of(*clips)] == [100] * 3


def test_a_part_of_very_many_frames_is_enough(monkeypatch):
    monkeypatch.setattr("protogcn.data.copies._MOST_FRAMES", 200)
    monkeypatch.setattr("protogcn.data.copies._CLIPS_AT_ONCE", 3)
    clips = [walk(seed, 60) for seed in range(10)]
    assert groups_of(*clips, clips[4]) == [["4", "10"]]


def test_scores_of_poses_in_images_do_not_count():
    generator = np.random.default_rng(0)
    skeleton = built_in_skeletons()["coco20"]
    pose = np.concatenate(
        [generator.uniform(0, 600, (1, 12, 17, 2)), generator.random((1, 12, 17, 1))], axis=-1
    )
    other = pose.copy()
    other[..., 2] = 1
    other[..., :2] += 40
    assert groups_of(pose, other.astype(np.float16), skeleton=skeleton) == [["0", "1"]]


def test_no_clip_and_clips_without_size_have_no_copies():
    assert groups_of() == []
    huge = np.full((1, 9, 5, 3), 1e38, np.float32)
    assert groups_of(huge, huge, np.zeros((1, 9, 5, 3), np.float32)) == []


def crossed(names_and_clips, split="xsub"):
    copies = Copies(SKELETON)
    for name, keypoints in names_and_clips:
        copies.add(RawClip(name, 0, keypoints, {}))
    sides = {name: {"xsub": SIDES[name], "all": "train"} for name, _ in names_and_clips}
    return copies.across([split], sides)[split]


def test_copies_on_both_sides_are_named_with_their_sides():
    one, other = walk(0), walk(1)
    found = crossed([("c", one), ("a", one), ("b", other), ("e", other)])
    assert found.lines() == ["a (train) = c (test)"]
    assert found.to_mapping() == {"groups": 1, "test clips": 1}
    assert found.late == {"c": "train"}


def test_copies_on_one_side_or_on_none_are_no_leak():
    one = walk(0)
    assert crossed([("a", one), ("b", one), ("e", one)]).groups == ()
    assert crossed([("a", one), ("c", one)], "all").to_mapping() == {"groups": 0, "test clips": 0}


def test_a_test_clip_that_is_validated_on_counts_too():
    found = crossed([("c", walk(0)), ("d", walk(0))])
    assert (found.lines(), found.late) == (["d (val) = c (test)"], {"c": "val"})
