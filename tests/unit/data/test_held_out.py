from collections import Counter
from dataclasses import replace

import pytest

from protogcn.config.hold_out import resolve_hold_out
from protogcn.data.held_out import add_twins, group_of
from protogcn.errors import ConfigError
from tests.made.nano import DATASET


def dataset_with(**hold_out):
    return replace(DATASET, hold_out=resolve_hold_out("datasets.nano", hold_out, DATASET.splits))


def ntu_sides(subjects=8, cameras=2, actions=3, test=()):
    """Return the sides of made-up NTU clips, and their labels."""
    sides, labels = {}, {}
    for subject in range(1, subjects + 1):
        for camera in range(1, cameras + 1):
            for action in range(1, actions + 1):
                name = f"S001C{camera:03}P{subject:03}R001A{action:03}"
                sides[name] = {"xsub": "test" if subject in test else "train"}
                labels[name] = action - 1
    return sides, labels


def held(sides, twin):
    return {clip for clip, of_clip in sides.items() if of_clip[twin] == "val"}


@pytest.mark.parametrize(
    ("clip", "by", "group"),
    [
        ("S001C002P003R002A013", "subject", "3"),
        ("S001C002P003R002A013", "setup", "001"),
        ("S001C002P003R002A013", "camera", "002"),
        ("S001C002P003R002A013", "recording", "001-003-002-013"),
        ("a9_s1_t1", "subject", "1"),
        ("a9_s1_t1", "camera", ""),
        ("-0-1v7Rv_bw_000010_000020", "recording", "-0-1v7Rv_bw"),
        ("0LtLS9wROrk_E_002407_002435_A_0003_0005", "recording", "0LtLS9wROrk"),
        ("folder/S001C002P003R002A013", "camera", "002"),
        ("anything", "clip", "anything"),
    ],
)
def test_names_tell_the_groups(clip, by, group):
    assert group_of(clip, by) == group


def test_a_twin_leaves_out_whole_subjects_and_tests_on_the_same_clips():
    sides, labels = ntu_sides(test={7, 8})
    add_twins(dataset_with(by="subject", share=0.3), sides, labels)
    subjects = {group_of(clip, "subject") for clip in held(sides, "xsub_held_out")}
    assert len(subjects) == 2  # of six: 0.33 is nearer to 0.3 than 0.17
    for clip, of_clip in sides.items():
        if group_of(clip, "subject") in subjects:
            assert of_clip == {"xsub": "train", "xsub_held_out": "val"}
        else:
            assert of_clip["xsub_held_out"] == of_clip["xsub"]


def test_who_is_left_out_depends_on_the_seed_and_not_on_the_order_of_clips():
    found = []
    for seed, backwards in ((0, False), (0, True), (1, False), (2, False), (3, False)):
        sides, labels = ntu_sides()
        if backwards:
            sides = dict(reversed(sides.items()))
        add_twins(dataset_with(by="subject", share=0.25, seed=seed), sides, labels)
        found.append(held(sides, "xsub_held_out"))
    assert found[0] == found[1]
    assert len({frozenset(each) for each in found}) > 1


def test_folds_leave_every_training_clip_out_once():
    sides, labels = ntu_sides(test={1})
    add_twins(dataset_with(by="subject", folds=7), sides, labels)
    left_out = Counter(clip for fold in range(1, 8) for clip in held(sides, f"xsub_fold{fold}"))
    assert left_out == {clip: 1 for clip, of_clip in sides.items() if of_clip["xsub"] == "train"}
    # Seven folds of seven subjects: one subject each.
    assert {group_of(clip, "subject") for clip in held(sides, "xsub_fold3")} != {"1"}
    assert all(len(held(sides, f"xsub_fold{fold}")) == 6 for fold in range(1, 8))


def test_single_clips_are_left_out_of_every_class_alike():
    sides = {f"clip{number}": {"xsub": "train"} for number in range(40)}
    labels = {name: number % 4 for number, name in enumerate(sides)}
    add_twins(dataset_with(by="clip", share=0.2, folds=5), sides, labels)
    for twin in ("xsub_held_out", "xsub_fold1", "xsub_fold5"):
        assert Counter(labels[clip] for clip in held(sides, twin)) == {0: 2, 1: 2, 2: 2, 3: 2}


def test_both_a_share_and_folds_make_all_twins():
    assert [*dataset_with(by="clip", share=0.2, folds=2).twins] == [
        "xsub_held_out", "xsub_fold1", "xsub_fold2"
    ]  # fmt: skip
    assert [*dataset_with(by="clip").twins] == ["xsub_held_out"]
    assert [*dataset_with(by="clip", folds=2).twins] == ["xsub_fold1", "xsub_fold2"]


@pytest.mark.parametrize(
    ("hold_out", "sides", "sentence"),
    [
        (
            {"by": "subject"},
            {"wave_1": {"xsub": "train"}, "wave_2": {"xsub": "train"}},
            r"by subject, but the names of 2 of 2 training clips \(wave_1, wave_2\) do not tell the"
            " subject, expected names such as S001C002P003R002A013 or a9_s1_t1; name the clips so,"
            " or hold out by clip",
        ),
        (
            {"by": "camera"},
            {"S001C002P003R002A001": {"xsub": "train"}},
            "by camera, but the training clips of split xsub are of 1 camera, expected at least two",
        ),
        (
            {"by": "clip", "folds": 3},
            {"a": {"xsub": "train"}, "b": {"xsub": "train"}},
            "by clip, but the training clips of split xsub are of 2 clips, expected at least 3, one for each of the folds",
        ),
        (
            {"by": "clip"},
            {"a": {"xsub": "train"}, "b": {"xsub": "val"}},
            "split xsub has clips on a side val already; use them, and leave hold_out away",
        ),
    ],
)
def test_what_cannot_be_held_out_is_one_sentence(hold_out, sides, sentence):
    with pytest.raises(ConfigError, match=rf"^datasets\.nano\.hold_out: {sentence}"):
        add_twins(dataset_with(**hold_out), sides, dict.fromkeys(sides, 0))


def test_a_split_without_training_clips_has_an_empty_side():
    sides = {"a": {"xsub": "test"}}
    add_twins(dataset_with(by="subject"), sides, {"a": 0})
    assert sides == {"a": {"xsub": "test", "xsub_held_out": "test"}}


def test_a_split_must_not_be_called_as_a_twin():
    with pytest.raises(ConfigError, match=r"datasets\.x\.splits: a_fold2 is what the twin of a is"):
        resolve_hold_out("datasets.x", {"by": "clip", "folds": 2}, ["a", "a_fold2"])


def test_what_the_raw_files_tell_comes_before_names():
    sides = {f"take{n}": {"xsub": "train"} for n in range(6)}
    given = {f"take{n}": {"subject": "ann" if n < 2 else "bob"} for n in range(5)}
    given["take5"] = {"subject": ""}
    labels = dict.fromkeys(sides, 0)
    with pytest.raises(
        ConfigError, match=r"1 of 6 training clips \(take5\) do not tell the subject"
    ):
        add_twins(dataset_with(by="subject", share=0.3), sides, labels, given)
    sides["s3_take"] = sides.pop("take5")
    labels["s3_take"] = 0
    add_twins(dataset_with(by="subject", share=0.3), sides, labels, given)
    assert held(sides, "xsub_held_out") in ({"take0", "take1"}, {"s3_take"})
