import json

import numpy as np
import pytest

from protogcn.config.skeleton import built_in_skeletons
from protogcn.data.readers import DroppedClip
from protogcn.data.readers.notes import Notes
from protogcn.data.readers.ntu_bodies import arrange_bodies
from protogcn.data.readers.skeleton_file import read_skeleton_file
from protogcn.errors import ContractError
from tests.made.folder_of_clips import CLIP, named, read, text_of, write
from tests.made.skeleton_text import make_text


def test_every_format_gives_the_same_clip(tmp_path):
    np.save(tmp_path / "a.npy", CLIP)
    (tmp_path / "b.csv").write_text(text_of(CLIP))
    (tmp_path / "c.csv").write_text(named() + "\n" + text_of(CLIP))
    (tmp_path / "d.json").write_text(json.dumps(CLIP.tolist()))
    (tmp_path / "e.json").write_text(json.dumps({"keypoint": CLIP[None].tolist()}))
    (tmp_path / "sub").mkdir()
    np.save(tmp_path / "sub/f.npy", CLIP[None])
    names = ["a", "b", "c", "d", "e", "sub/f"]
    write(tmp_path, [f"{name},waving,train" for name in names])
    clips = read(tmp_path)
    assert [clip.name for clip in clips] == names
    for clip in clips:
        np.testing.assert_array_equal(clip.keypoints, CLIP[None])


def test_columns_of_a_header_come_in_any_order_and_others_are_not_read(tmp_path):
    header = named().split(",")
    order = np.random.default_rng(0).permutation(9)
    rows = CLIP.reshape(4, 9)[:, order]
    lines = [f"12:0{t}," + ",".join(map(str, row)) for t, row in enumerate(rows)]
    (tmp_path / "a.csv").write_text(
        "\n".join(["time," + ",".join(header[i] for i in order), *lines])
    )
    write(tmp_path, ["a,0,train"])
    np.testing.assert_array_equal(read(tmp_path)[0].keypoints, CLIP[None])


def test_persons_have_lines_of_their_own_and_zeros_where_they_are_not(tmp_path):
    rows = CLIP.reshape(4, 9)
    lines = [
        f"{frame},{person}," + ",".join(map(str, rows[row]))
        for row, (frame, person) in enumerate([(10, 7), (10, 3), (11, 3), (13, 7)])
    ]
    (tmp_path / "a.csv").write_text("\n".join([f"frame,person,{named()}", *lines]))
    write(tmp_path, ["a,0,train"])
    found = read(tmp_path)[0].keypoints
    expected = np.zeros((2, 4, 3, 3))
    expected[0, 0], expected[1, 0], expected[1, 1], expected[0, 3] = CLIP
    np.testing.assert_array_equal(found, expected)


def test_skeleton_files_of_any_names_are_read_like_those_of_ntu(tmp_path):
    bodies = [[(1, 0.1)], [(1, 0.2)]]
    (tmp_path / "wave.skeleton").write_bytes(make_text(bodies))
    (tmp_path / "nod.SKELETON").write_bytes(make_text([[], []]))
    (tmp_path / "two.skeleton").write_bytes(make_text([[(1, 0.1), (2, 0.2)]]))
    write(tmp_path, ["wave,waving,train", "nod,nodding,test", "two,nodding,test"])
    joints = built_in_skeletons()["ntu25"].joints
    wave, *dropped = read(tmp_path, joints=joints)
    expected = arrange_bodies(read_skeleton_file(tmp_path / "wave.skeleton"))
    np.testing.assert_array_equal(wave.keypoints, expected)
    rules = [("nod", "no_body"), ("two", "all_bodies_under_12_frames")]
    assert [(clip.name, clip.rule) for clip in dropped] == rules
    with pytest.raises(
        ContractError, match=r"found a \.skeleton file with 25 joints in metres in 3 of"
    ):
        read(tmp_path)


def test_an_annotation_in_json_is_read_as_in_a_pickle(tmp_path):
    scores = np.linspace(0.1, 0.9, 12).reshape(1, 4, 3)
    sample = {"frame_dir": "a", "total_frames": 4, "keypoint": CLIP[None, ..., :2].tolist()}
    sample |= {"keypoint_score": scores.tolist(), "img_shape": [480, 640]}
    (tmp_path / "a.json").write_text(json.dumps(sample))
    (tmp_path / "b.json").write_text(json.dumps([sample]))
    write(tmp_path, ["a,0,train", "b,0,train"])
    for clip in read(tmp_path, in_image=True):
        np.testing.assert_array_equal(clip.keypoints[..., 2], scores)
        assert clip.image_size == (480, 640)


def test_empty_lists_in_json_are_what_was_not_seen(tmp_path):
    frames = CLIP.tolist()
    frames[1], frames[2][0], notes = [], [], Notes()
    (tmp_path / "a.json").write_text(json.dumps(frames))
    write(tmp_path, ["a,0,train"])
    (found,) = read(tmp_path, notes=notes)
    expected = CLIP.copy()
    expected[1] = expected[2, 0] = 0
    np.testing.assert_array_equal(found.keypoints[0], expected)
    assert "empty lists in keypoint stand for what was not seen" in notes.lines()[0]


def test_a_clip_of_zeros_has_no_body(tmp_path):
    np.save(tmp_path / "a.npy", 0 * CLIP)
    write(tmp_path, ["a,0,train"])
    assert read(tmp_path) == [DroppedClip("a", "no_body")]


@pytest.mark.parametrize(
    ("file", "content", "sentence"),
    [
        ("a.csv", text_of(CLIP)[:-6] + "\n", r"a\.csv, line 4: found 8 values, expected 9"),
        ("a.csv", text_of(CLIP).replace("36.0", "x"), "line 4, hand_z: found 'x', expected a number"),
        ("a.csv", text_of(CLIP).replace("36.0", "nan"), "keypoint: found NaN at person 1, frame 4, joint 2"),
        ("a.csv", "hip_x,hip_y\n1,2\n", "line 1: found no column hip_z, chest_x, chest_y"),
        ("a.csv", named() + "\n", "found a header alone"),
        ("a.csv", "", "found no line"),
        ("a.csv", f"person,{named()}\n", "found person alone, expected frame and person"),
        ("a.csv", f"{named()},hip_x\n", "found the column 'hip_x' twice"),
        ("a.csv", f"frame,person,{named()}\n" + 2 * ("1,1" + 9 * ",1" + "\n"), "person 1 again"),
        ("a.csv", f"frame,person,{named()}\n0.5,1" + 9 * ",1", "line 2, frame: found '0.5', expected a whole number, 0, 1, 2, ..., not a time"),
        ("a.json", "[[1, 2], [3]]", "keypoint: found nested parts of 2 and of 1 elements"),
        ("a.json", "[[[1, 2, 3]]]", r"found the shape \(1, 1, 3\), expected \(persons, frames, 3, 3\)"),
        ("a.json", '{"points": []}', "found an object with 'points', expected keypoint .an annotation., data .Kin"),
        ("a.json", "[" * 100_000, "found no JSON, expected nested lists"),
        ("a.json", '"text"', "found 'text', expected an array or nested lists"),
        ("a.json", "[[[true]]]", r"found the shape \(1, 1, 1\)"),
        ("a.npy", "no array", "found text that starts with 'no array', expected an array of numb"),
    ],
)  # fmt: skip
def test_a_file_that_is_wrong_is_named(tmp_path, file, content, sentence):
    (tmp_path / file).write_text(content)
    write(tmp_path, ["a,0,train"])
    with pytest.raises(ContractError, match=sentence):
        read(tmp_path)


def test_an_array_of_python_objects_is_not_unpickled(tmp_path):
    np.save(tmp_path / "a.npy", np.array([{}], dtype=object), allow_pickle=True)
    write(tmp_path, ["a,0,train"])
    with pytest.raises(
        ContractError, match=r"a\.npy, the file: found an array of Python objects, .* numpy\.stack"
    ):
        read(tmp_path)


def test_an_array_shorter_than_its_header_says_is_refused(tmp_path):
    np.save(tmp_path / "a.npy", CLIP)
    whole = (tmp_path / "a.npy").read_bytes()
    (tmp_path / "a.npy").write_bytes(whole[:-4])
    write(tmp_path, ["a,0,train"])
    with pytest.raises(ContractError, match="found no whole array"):
        read(tmp_path)


@pytest.mark.parametrize(
    ("file", "content", "found"),
    [
        ("a.mat", b"MATLAB 5.0 MAT-file", r"a\.mat, a MATLAB 5 file \(convert it first\)"),
        ("a.txt", b"1 2 3\n", r"a\.txt, text that starts with '1 2 3'"),
        ("a.mp4", b"\0\0\0 ftypisom", r"a\.mp4, an mp4 video"),
    ],
)
def test_a_file_of_another_kind_is_named(tmp_path, file, content, found):
    (tmp_path / file).write_bytes(content)
    write(tmp_path, ["a,0,train"])
    with pytest.raises(
        ContractError, match=rf"line 2, clip: found {found}, expected one of a\.npy"
    ):
        read(tmp_path)


def test_shares_of_an_image_are_told_from_pixels(tmp_path):
    notes = Notes()
    np.save(tmp_path / "a.npy", CLIP / 40)
    np.save(tmp_path / "b.npy", CLIP)
    write(
        tmp_path,
        ["a,0,train,480,640", "b,0,train,480,640"],
        "clip,label,xsub,image_height,image_width",
    )
    a, b = read(tmp_path, in_image=True, notes=notes)
    assert (a.image_size, b.image_size) == ((1, 1), (480, 640))
    assert notes.lines() == [
        "x and y are shares of the image, whose height and width are taken as 1 (1 clip: a)."
    ]


@pytest.mark.parametrize(
    "header",
    [
        b"{'descr': '<f4', 'fortran_order': False, 'shape': (9999999999999999999999, 3), }",
        b"{'descr': '<f4', 'fortran_order': False, 'shape': (4, 3, 3, }",
        b"{'descr': [], 'fortran_order': False, 'shape': (4, 3, 3), }",
        b"{'descr': '<f4', 'fortran_order': False, 'shape': ('a', 3), }",
        b"(((((((((((((",
        b"\x00\xff",
    ],
)
def test_damaged_headers_of_npy_files_are_one_line_with_their_name(tmp_path, header):
    text = header.ljust(118) + b"\n"
    content = b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + bytes(144)
    (tmp_path / "a.npy").write_bytes(content)
    write(tmp_path, ["a,waving,train"])
    with pytest.raises(ContractError, match=r"a\.npy"):
        read(tmp_path)
    (tmp_path / "a.npy").write_bytes(b"PK\x03\x04" + bytes(60))
    with pytest.raises(ContractError, match=r"a\.npy"):
        read(tmp_path)


def test_an_array_of_a_trillion_elements_of_nothing_is_refused_unread(tmp_path):
    text = "{'descr': [], 'fortran_order': False, 'shape': (1000000000000,)}".ljust(117) + "\n"
    header = b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode()
    (tmp_path / "a.npy").write_bytes(header)
    write(tmp_path, ["a,0,train"])
    with pytest.raises(ContractError, match=r"a\.npy, the file: found no whole array of numbers"):
        read(tmp_path)
