import json

import numpy as np
import pytest

from protogcn.data.readers import DroppedClip
from protogcn.data.readers.folder import unlisted_files
from protogcn.data.readers.notes import Notes
from protogcn.errors import ConfigError, ContractError
from tests.made.folder_of_clips import CLIP, named, read, text_of, write


def test_labels_are_names_or_numbers_and_sides_come_from_the_splits_column(tmp_path):
    for name in "abc":
        np.save(tmp_path / f"{name}.npy", CLIP)
    write(tmp_path, ["a,nodding,train", "b,0,test", "c,1,"])
    a, b, c = read(tmp_path)
    assert (a.label, a.sides) == (1, {"xsub": "train"})
    assert (b.label, b.sides) == (0, {"xsub": "test"})
    assert c == DroppedClip("c", "no_split")


def test_a_table_may_come_from_a_spreadsheet(tmp_path):
    for name in ("a", "b", "sub/c"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        np.save(tmp_path / f"{name}.npy", CLIP)
    (tmp_path / "a.npy").rename(tmp_path / "a.NPY")
    text = (
        "\ufeffClip ; LABEL; Xsub\r\n a ; waving ; Train\r\nb;nodding;TEST\r\nsub\\c;1;-\r\n;;\r\n"
    )
    (tmp_path / "annotations.csv").write_text(text, newline="")
    notes = Notes()
    a, b, c = read(tmp_path, notes=notes)
    assert (a.name, a.label, a.sides) == ("a", 0, {"xsub": "train"})
    assert (b.name, b.label, b.sides) == ("b", 1, {"xsub": "test"})
    assert c == DroppedClip("sub/c", "no_split")
    assert notes.lines() == ["\\ in the name of a clip is read as / (1 clip: sub\\c)."]
    assert unlisted_files(tmp_path) == []


def test_two_sizes_of_an_image_that_differ_are_refused(tmp_path):
    sample = {"keypoint": CLIP[..., :2].tolist(), "img_shape": [480, 640]}
    (tmp_path / "a.json").write_text(json.dumps(sample))
    write(tmp_path, ["a,0,train,640,480"], "clip,label,xsub,image_height,image_width")
    with pytest.raises(
        ContractError, match=r"img_shape: found 480 x 640, expected 640 x 480 as in"
    ):
        read(tmp_path, in_image=True)


def test_poses_in_an_image_have_scores_and_the_images_size(tmp_path):
    np.save(tmp_path / "a.npy", CLIP)
    flat = CLIP[..., :2].copy()
    flat[1, 2] = 0
    np.save(tmp_path / "b.npy", flat)
    (tmp_path / "c.csv").write_text(named(["x", "y", "score"]) + "\n" + text_of(CLIP))
    header = "clip,label,xsub,image_height,image_width"
    write(tmp_path, [f"{name},0,train,480,640" for name in "abc"], header)
    a, b, c = read(tmp_path, in_image=True)
    assert a.image_size == (480, 640)
    np.testing.assert_array_equal(a.keypoints, c.keypoints)
    np.testing.assert_array_equal(b.keypoints[0, ..., :2], flat)
    expected = np.ones((4, 3))
    expected[1, 2] = 0
    np.testing.assert_array_equal(b.keypoints[0, ..., 2], expected)


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("a,waiving,train", "line 2, label: found 'waiving', expected a class name"),
        ("a,2,train", "label: found '2', expected a class name of the config, or its number, 0 to 1"),
        ("a,0,training", "line 2, xsub: found 'training', expected train, val, test or -"),
        ("b,0,train", r"line 2, clip: found no file of this name, expected one of b\.npy, b\.csv"),
        ("../a,0,train", "clip: found no file of this name"),
        ("twin,0,train", r"clip: found twin\.csv and twin\.npy"),
        (",0,train", "line 2, clip: found 0 characters"),
        ("a,0,train,test", "line 2: found 4 fields, expected 3"),
        ("\n\na,2,train", "line 4, label: found '2'"),
    ],
)  # fmt: skip
def test_a_line_that_is_wrong_is_named(tmp_path, line, sentence):
    np.save(tmp_path / "a.npy", CLIP)
    np.save(tmp_path / "twin.npy", CLIP)
    (tmp_path / "twin.csv").write_text(text_of(CLIP))
    write(tmp_path, [line])
    with pytest.raises(ContractError, match=sentence):
        read(tmp_path)


def test_each_field_of_a_line_that_is_wrong_is_named(tmp_path):
    write(tmp_path, ["a,waiving,training"])
    with pytest.raises(ContractError) as caught:
        read(tmp_path)
    told = [line.split(": ")[0] for line in str(caught.value).splitlines()[1:]]
    assert told == [f"  annotations.csv, line 2, {field}" for field in ("clip", "label", "xsub")]


@pytest.mark.parametrize(
    ("classes", "label"), [(("1", "0"), "1"), (("wave", "nod", "wave"), "wave")]
)
def test_label_that_may_be_two_classes_is_refused(tmp_path, classes, label):
    np.save(tmp_path / "a.npy", CLIP)
    write(tmp_path, [f"a,{label},train"])
    with pytest.raises(ContractError, match=r"each of the classes 0 and [12], expected one cl"):
        read(tmp_path, classes=classes)


def test_classes_that_are_called_by_their_number_are_fine(tmp_path):
    np.save(tmp_path / "a.npy", CLIP)
    write(tmp_path, ["a,1,train"])
    assert read(tmp_path, classes=("0", "1"))[0].label == 1


def test_a_thorough_reading_names_every_line_and_every_file(tmp_path):
    for number in range(12):
        (tmp_path / f"c{number}.json").write_text("{}")
    write(tmp_path, [*(f"c{number},0,train" for number in range(12)), "absent,0,train"])
    with pytest.raises(ContractError, match="1 malformed fields"):
        read(tmp_path)
    with pytest.raises(ContractError) as caught:
        read(tmp_path, thorough=True)
    _, absent, empty = str(caught.value).splitlines()
    assert "absent.npy" in absent
    assert empty == (
        "  the file: found an object with nothing in 12 of 13 files (c0.json, c1.json, c2.json,"
        " c3.json, c4.json, ...), expected keypoint (an annotation), data (Kinetics-skeleton), frames"
        " (Azure Kinect), skeletons (NW-UCLA) or instance_info (MMPose) in it"
    )
    assert [fault.file for fault in caught.value.faults][-1] == "c11.json"


def test_a_folder_without_a_table_says_what_the_table_is(tmp_path):
    with pytest.raises(ConfigError, match=r"annotations\.csv: No such file .* columns clip, label"):
        read(tmp_path)


def test_a_table_without_a_column_for_the_split_is_refused(tmp_path):
    write(tmp_path, ["a,0"], header="clip,label")
    with pytest.raises(ConfigError, match="has no column xsub, only 'clip', 'label'"):
        read(tmp_path)


def test_a_column_that_stands_twice_is_refused(tmp_path):
    write(tmp_path, ["a,0,train,test"], header="clip,label,xsub,xsub")
    with pytest.raises(ConfigError, match="has the column 'xsub' twice, expected it once"):
        read(tmp_path)


def test_files_that_the_table_does_not_list_are_found(tmp_path):
    (tmp_path / "sub").mkdir()
    for name in ("a.npy", "b.1.npy", "sub/c.json", "notes.txt"):
        (tmp_path / name).touch()
    write(tmp_path, ["a,0,train"])
    assert unlisted_files(tmp_path) == ["b.1.npy", "sub/c.json"]


def test_image_sizes_are_checked(tmp_path):
    np.save(tmp_path / "a.npy", CLIP)
    write(tmp_path, ["a,0,train,480,0"], "clip,label,xsub,image_height,image_width")
    with pytest.raises(ContractError, match="image_width: found '0', expected a whole number of"):
        read(tmp_path, in_image=True)


def test_the_end_of_a_file_in_the_table_is_left_out_of_its_name(tmp_path):
    notes = Notes()
    np.save(tmp_path / "a.npy", CLIP)
    np.save(tmp_path / "b.npy.npy", CLIP)
    write(tmp_path, ["a.npy,0,train", "b.npy,0,test"])
    assert [clip.name for clip in read(tmp_path, notes=notes)] == ["a", "b.npy"]
    assert notes.lines() == ["the end of a file's name is left out of its clip's (1 clip: a.npy)."]
    assert unlisted_files(tmp_path) == []


def test_columns_of_groups_are_told_unless_a_split_is_called_so(tmp_path):
    np.save(tmp_path / "a.npy", CLIP)
    write(tmp_path, ["a,waving,train, Ann ,"], header="clip,label,xsub,Subject,camera")
    assert [clip.groups for clip in read(tmp_path)] == [{"subject": "Ann", "camera": ""}]
    write(tmp_path, ["a,waving,train"], header="clip,label,subject")
    (clip,) = read(tmp_path, splits=("subject",))
    assert (clip.groups, clip.sides) == ({}, {"subject": "train"})
