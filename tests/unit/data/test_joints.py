import dataclasses

import numpy as np
import pandas as pd
import pytest

from protogcn.data.joints import write_joints
from protogcn.data.preparation import prepare
from protogcn.data.readers import DroppedClip, RawClip
from protogcn.data.subjects import subject_of
from protogcn.errors import ContractError
from protogcn.files import arrays
from protogcn.files.arrays import open_array
from protogcn.files.clip_table import ClipTable
from tests.made.edited import edit
from tests.made.nano import DATASET, SKELETON, nano_clips, with_classes, write_dataset


def write(folder, clips, dataset=DATASET, preparation="centred", workers=1):
    write_joints(
        clips,
        dataset,
        preparation,
        joints_path=folder / "joints.npy",
        clips_path=folder / "clips.csv",
        dropped_path=folder / "dropped.csv",
        workers=workers,
    )


def test_frames_of_every_clip_are_its_prepared_joints(tmp_path):
    write(tmp_path, nano_clips())
    joints, trailer = open_array(tmp_path / "joints.npy")
    table = ClipTable.load(tmp_path / "clips.csv")
    assert trailer["inputs"]["clips"] == table.digest
    for row, clip in enumerate(nano_clips()):
        expected = prepare(clip.keypoints.astype(np.float32), "centred", SKELETON)
        first, count = table.first_frames[row], table.num_frames[row]
        found = joints[first : first + count]  # (T, M, V, C)
        np.testing.assert_array_equal(found[:, : len(expected)], expected.transpose(1, 0, 2, 3))
        assert not found[:, len(expected) :].any()
        assert (table.ids[row], table.labels[row]) == (clip.name, clip.label)
        assert table.persons[row] == len(expected)
        assert table.sides["xsub"][row] == clip.sides["xsub"]


def test_centred_and_raw_preparations_differ(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    write(tmp_path / "a", nano_clips(), preparation="centred")
    write(tmp_path / "b", nano_clips(), preparation="raw")
    centred, _ = open_array(tmp_path / "a" / "joints.npy")
    raw, _ = open_array(tmp_path / "b" / "joints.npy")
    assert not centred[0, 0, 0].any()
    np.testing.assert_array_equal(raw[:, 0], [c for k in nano_clips() for c in k.keypoints[0]])


def test_workers_and_blocks_change_no_byte(tmp_path, monkeypatch):
    contents = []
    for number, (workers, frames_at_once) in enumerate([(1, 4096), (1, 50), (3, 50)]):
        monkeypatch.setattr(arrays, "ROWS_AT_ONCE", frames_at_once)
        folder = tmp_path / str(number)
        folder.mkdir()
        write(folder, nano_clips(), workers=workers)
        contents.append({path.name: path.read_bytes() for path in folder.iterdir()})
    tables = {"clips.csv", "dropped.csv"}
    assert contents[0].keys() == {"joints.npy", *tables, *(f".{name}.sha256" for name in tables)}
    assert contents[0] == contents[1] == contents[2]


def test_left_out_samples_are_rows_with_their_rule(tmp_path, capsys):
    clips = [*nano_clips(), DroppedClip("NA", "no_body"), DroppedClip("007", "missing_list")]
    write(tmp_path, clips)
    text = (tmp_path / "dropped.csv").read_text()
    assert text == "clip,rule\nNA,no_body\n007,missing_list\n"
    assert "left out by rule: 1 missing_list, 1 no_body" in capsys.readouterr().err


def test_ids_that_look_like_nothing_or_numbers_survive(tmp_path):
    ids = ["NA", "007", "null", "1e5", "nan", "ü", "=1+1", "a,b"]
    clips = [
        RawClip(name, number % 4, clip.keypoints, {"xsub": "train" if number < 4 else "test"})
        for number, (name, clip) in enumerate(zip(ids, nano_clips(), strict=False))
    ]
    write(tmp_path, clips)
    assert ClipTable.load(tmp_path / "clips.csv").ids.tolist() == ids


def test_class_without_a_training_clip_is_a_warning_that_names_it(tmp_path, capsys):
    clips = [c for c in nano_clips() if c.label != 2 or c.sides["xsub"] == "test"]
    write(tmp_path, clips)
    told = capsys.readouterr().err
    assert "Warning: nano: 1 of 4 classes has no training clip in split xsub (2 left)" in told


def test_label_outside_the_classes_names_the_sample(tmp_path):
    with pytest.raises(ContractError, match=r"sample clip 02 has label 2, but .* 2 classes"):
        write(tmp_path, nano_clips(), with_classes("up", "down"))
    assert not list(tmp_path.iterdir())


def test_split_without_test_clips_is_refused_and_leaves_nothing(tmp_path):
    clips = [c for c in nano_clips() if c.sides["xsub"] == "train"]
    with pytest.raises(ContractError, match="split xsub has no test clip"):
        write(tmp_path, clips)
    assert not list(tmp_path.iterdir())


def test_nothing_left_is_refused(tmp_path):
    with pytest.raises(ContractError, match=r"no clip is left, 1 were left out \(1 no_body\)"):
        write(tmp_path, [DroppedClip("a", "no_body")])


def test_malformed_input_half_way_leaves_nothing(tmp_path):
    def clips():
        yield from nano_clips()
        raise ContractError("a.skeleton, line 3: found x")

    with pytest.raises(ContractError, match="line 3"):
        write(tmp_path, clips())
    assert not list(tmp_path.iterdir())


def test_more_persons_than_slots_are_cut(tmp_path):
    clips = [
        RawClip(c.name, c.label, np.concatenate([c.keypoints] * 3), c.sides) for c in nano_clips()
    ]
    write(tmp_path, clips)
    assert open_array(tmp_path / "joints.npy")[0].shape[1] == 2


def test_clip_whose_persons_stand_beyond_the_slots_is_kept(tmp_path):
    clips = list(nano_clips())
    one = clips[0].keypoints[:1]
    clips[0] = RawClip("late", 0, np.concatenate([0 * one, 0 * one, one]), clips[0].sides)
    write(tmp_path, clips)
    assert ClipTable.load(tmp_path / "clips.csv").persons[0] == 1


def test_persons_that_are_not_empty_come_first(tmp_path):
    clips = list(nano_clips())
    one = clips[0].keypoints[:1]
    clips[0] = RawClip("second", 0, np.concatenate([0 * one, one]), clips[0].sides)
    write(tmp_path, clips, preparation="raw")
    joints, _ = open_array(tmp_path / "joints.npy")
    table = ClipTable.load(tmp_path / "clips.csv")
    np.testing.assert_array_equal(joints[: table.num_frames[0], 0], one[0])
    for first, total, persons in zip(
        table.first_frames, table.num_frames, table.persons, strict=True
    ):
        there = joints[first : first + total].any(axis=(0, 2, 3))  # (M,)
        assert there.tolist() == [slot < persons for slot in range(2)]


def test_the_only_person_slot_holds_a_person_who_is_there(tmp_path):
    clips = [
        RawClip(c.name, c.label, np.concatenate([0 * c.keypoints[:1], c.keypoints[:1]]), c.sides)
        for c in nano_clips()
    ]
    write(tmp_path, clips, dataclasses.replace(DATASET, persons=1), preparation="raw")
    assert (ClipTable.load(tmp_path / "clips.csv").persons == 1).all()


def test_clip_of_nothing_but_rounding_noise_has_no_body(tmp_path):
    clips = list(nano_clips())
    noise = np.full((2, 4, 5, 3), 1e-9, np.float32)
    clips[0] = RawClip("noise", 0, noise, clips[0].sides)
    write(tmp_path, clips)
    assert (tmp_path / "dropped.csv").read_text() == "clip,rule\nnoise,no_body\n"


def test_the_one_person_kept_is_the_one_seen_longest(tmp_path):
    clips = list(nano_clips())
    brief, long = np.zeros((1, 20, 5, 3), np.float32), np.ones((1, 20, 5, 3), np.float32)
    brief[:, :2] = 7
    clips[0] = RawClip("two", 0, np.concatenate([brief, long]), clips[0].sides)
    write(tmp_path, clips, dataclasses.replace(DATASET, persons=1))
    assert ClipTable.load(tmp_path / "clips.csv").num_frames[0] == 20


@pytest.mark.parametrize(
    ("column", "value", "sentence"),
    [
        ("clip", "clip 01", "clip clip 01 is listed twice"),
        ("num_frames", 0, "do not follow each other"),
        ("first_frame", 7, "do not follow each other"),
        ("label", -1, "negative label"),
        ("persons", -1, "negative number of persons"),
        ("xsub", "validate", "side 'validate', expected one of train, val, test, -"),
    ],
)
def test_clip_table_that_makes_no_sense_is_refused(tmp_path, column, value, sentence):
    write_dataset(tmp_path)
    table = pd.read_csv(tmp_path / "clips.csv")
    table.loc[0, column] = value
    edit(tmp_path / "clips.csv", table.to_csv(index=False))
    with pytest.raises(ContractError, match=sentence):
        ClipTable.load(tmp_path / "clips.csv")


def test_groups_that_raw_files_tell_are_columns_that_no_split_can_be(tmp_path):
    clips = list(nano_clips())
    write(tmp_path, clips)
    plain = (tmp_path / "clips.csv").read_text()
    clips[0] = dataclasses.replace(clips[0], groups={"subject": "Ann", "camera": ""})
    write(tmp_path, clips)
    table = ClipTable.load(tmp_path / "clips.csv")
    assert {group: list(names) for group, names in table.groups.items()} == {
        "subject": ["Ann", *[subject_of(clip.name) for clip in clips[1:]]]
    }
    assert set(table.sides) == {"xsub"}
    assert "given" not in plain
