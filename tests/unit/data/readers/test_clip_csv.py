import numpy as np
import pytest

from protogcn.config.skeleton import built_in_skeletons
from protogcn.data.readers.clip_file import read_clip_file
from protogcn.data.readers.malformed import MalformedError
from protogcn.data.readers.notes import Notes

JOINTS = ("hip", "chest", "left_hand")
CLIP = np.arange(1, 4 * 3 * 3 + 1, dtype=np.float64).reshape(4, 3, 3)  # (T, V, 3)
LANDMARKS = built_in_skeletons()["mediapipe33"].joints
POSES = np.random.default_rng(0).uniform(0.1, 0.9, (3, 33, 4)).round(4)  # x, y, z, visibility


def read(tmp_path, text, joints=JOINTS, *, in_image=False, notes=None):
    (tmp_path / "a.csv").write_text(text)
    return read_clip_file(tmp_path / "a.csv", joints, in_image=in_image, clip="a", notes=notes)


def lines_of(values, separator=","):
    return "\n".join(separator.join(map(str, row)) for row in values.reshape(len(values), -1))


def named(axes="xyz", joints=JOINTS, form="{joint}_{axis}"):
    return ",".join(
        form.format(joint=joint, number=number, axis=axis)
        for number, joint in enumerate(joints)
        for axis in axes
    )


@pytest.mark.parametrize(
    "text",
    [
        lines_of(CLIP, ";"),
        lines_of(CLIP, "\t"),
        lines_of(CLIP, "  "),
        lines_of(CLIP, ";").replace(".", ","),
        lines_of(CLIP, " , "),
        "\ufeff" + named() + "\r\n" + lines_of(CLIP).replace("\n", "\r\n") + "\r\n",
        named().replace(",", ";").upper() + "\n" + lines_of(CLIP, ";"),
        named().replace(",", " , ") + "\n" + lines_of(CLIP),
        "# " + named() + ",\n" + lines_of(CLIP).replace("\n", ",\n") + ",",
        named(form="{joint}.{axis}") + "\n" + lines_of(CLIP),
        named(form="{axis}{number}") + "\n" + lines_of(CLIP),
        named(form="{number}_{axis}") + "\n" + lines_of(CLIP),
        named(form="joint_{number}_{axis}") + "\n" + lines_of(CLIP),
        named().replace("left_hand", "LeftHand") + "\n" + lines_of(CLIP),
        "frame," + named() + "\n" + "\n".join(f"{7 + t}," + lines_of(CLIP[t : t + 1]) for t in range(4)),
    ],
)  # fmt: skip
def test_forms_that_people_write_give_the_same_clip(tmp_path, text):
    np.testing.assert_array_equal(read(tmp_path, text).keypoints, CLIP[None])


def test_columns_numbered_from_one_are_read_in_order_and_noted(tmp_path):
    notes, header = Notes(), ",".join(f"{axis}{number}" for number in (1, 2, 3) for axis in "xyz")
    found = read(tmp_path, f"{header}\n{lines_of(CLIP)}", notes=notes).keypoints
    np.testing.assert_array_equal(found, CLIP[None])
    assert notes.lines() == ["joints are numbered from 1; read in order (1 clip: a)."]


def test_a_fourth_number_of_each_joint_is_how_well_it_is_seen(tmp_path):
    notes, four = Notes(), np.concatenate([CLIP, np.full((4, 3, 1), 0.5)], axis=-1)
    np.testing.assert_array_equal(read(tmp_path, lines_of(four), notes=notes).keypoints, CLIP[None])
    assert "four numbers of each joint; the last, 0 to 1, is not kept" in notes.lines()[0]
    flat = read(tmp_path, lines_of(four), in_image=True).keypoints
    np.testing.assert_array_equal(flat[0], four[..., [0, 1, 3]])


def test_in_an_image_scores_may_be_missing(tmp_path):
    notes, expected = Notes(), np.concatenate([CLIP[..., :2], np.ones((4, 3, 1))], axis=-1)
    for text in (lines_of(CLIP[..., :2]), f"{named('xy')}\n{lines_of(CLIP[..., :2])}"):
        found = read(tmp_path, text, in_image=True, notes=notes).keypoints
        np.testing.assert_array_equal(found[0], expected)
    assert notes.lines()[0].startswith("no column of scores; 1 for every joint")


def test_empty_fields_are_joints_that_were_not_seen(tmp_path):
    notes = Notes()
    text = f"{named()}\n{lines_of(CLIP)}".replace("4.0,5.0,6.0", ",,")
    found = read(tmp_path, text, notes=notes).keypoints
    assert not found[0, 0, 1].any()
    assert np.count_nonzero(found) == CLIP.size - 3
    assert notes.lines() == ["joints without values are not seen; read as zero (1 clip: a)."]


def test_persons_that_follow_one_another_share_a_slot(tmp_path):
    notes = Notes()
    rows = [f"{t},{('a', 'a', 'b', 'b')[t]},{lines_of(CLIP[t : t + 1])}" for t in range(4)]
    text = "\n".join([f"frame_id,track_id,{named()}", *rows])
    np.testing.assert_array_equal(read(tmp_path, text, notes=notes).keypoints, CLIP[None])
    assert "not there at the same time share a slot (1 clip: a)" in notes.lines()[0]


def long_form(key, names, *, frames="frame"):
    rows = [
        f"{t},{name},{','.join(map(str, joint))}"
        for t, pose in enumerate(POSES)
        for name, joint in zip(names, pose, strict=True)
    ]
    return "\n".join([f"{frames},{key},x,y,z,visibility", *rows])


@pytest.mark.parametrize(
    "text",
    [
        long_form("landmark", range(33)),
        long_form("landmark_id", range(1, 34)),
        long_form("landmark", [name.upper() for name in LANDMARKS]),
        long_form("landmark_name", [f"PoseLandmark.{n.upper()}" for n in LANDMARKS], frames="Frame_Idx"),
        named("xyzv", LANDMARKS, "{axis}{number}") + "\n" + lines_of(POSES),
        named("xyzv", LANDMARKS, "{axis}_{number}") + "\n" + lines_of(POSES),
        named("xyzv", LANDMARKS, "landmark_{number}_{axis}") + "\n" + lines_of(POSES),
        named(["x", "y", "z", "visibility"], [n.upper() for n in LANDMARKS]) + "\n" + lines_of(POSES),
        "class," + named("xyzv", LANDMARKS, "{axis}{number}") + "\n"
        + "\n".join("squat," + lines_of(POSES[t : t + 1]) for t in range(3)),
        lines_of(POSES),
    ],
)  # fmt: skip
def test_landmarks_of_mediapipe_are_shares_of_the_image_with_their_visibility(tmp_path, text):
    found = read(tmp_path, text, LANDMARKS, in_image=True)
    np.testing.assert_array_equal(found.keypoints[0], POSES[..., [0, 1, 3]])
    assert found.image_size == (1, 1)


def test_landmarks_of_mediapipe_in_space_have_x_y_z(tmp_path):
    found = read(tmp_path, long_form("landmark", range(33)), LANDMARKS).keypoints
    np.testing.assert_array_equal(found[0], POSES[..., :3])


@pytest.mark.parametrize(
    ("text", "in_image", "sentence"),
    [
        (lines_of(np.full((2, 3, 4), 7.0)), False, "found 4 values for each of 3 joints, expected 3: x"),
        (lines_of(np.ones((2, 3, 5))), False, "found 5 values for each of 3 joints, expected 3 for ea"),
        (lines_of(np.ones((2, 10))), False, "found 10 values, expected 3 for each of 3 joints: x, y, z;"
         " a column of frames or persons needs a header"),
        (named("xy") + "\n1", False, "no column hip_z, chest_z, left_hand_z, expected 9 columns such"),
        (named("xyzv", range(25), "{axis}{number}") + "\n1", False, "columns of 25 joints, 0 to 24, ex"),
        (f"frame,person,{named()}\n" + "1,1" + 9 * ",1" + "\n1,1" + 9 * ",1", False, "line 3: found fra"
         "me 1, person 1 again, expected each once"),
        (f"frame,{named()}\n" + "1" + 9 * ",1" + "\n1" + 9 * ",1", False, "frame 1 again, expected each "
         "once; persons need a column person"),
        (f"frame,{named()}\n0.033" + 9 * ",1", False, "line 2, frame: found '0.033', expected a whole"),
        (f"frame,{named()}\n" + "".join(f"{t}{9 * ',1'}\n" for t in (0, 10**7)), False, "frame: found 0 t"
         "o 10000000 in 2 lines, expected at most 100000 frames, numbered 0, 1, 2, ...; these look like"),
        ("frame,landmark,x,y,z\n0,33,1,1,1", False, "found joints 33 to 33, expected 0 to 2, those of"),
        ("frame,landmark,x,y,z\n0,ankle,1,1,1", False, "line 2: found joint 'ankle', expected one of th"),
        ("landmark,x,y,z\n0,1,1,1", False, "line 1: found a line for each landmark, expected frame bes"),
        ("frame,landmark,x,y\n0,1,1,1", False, "line 1: found no column z"),
        (named() + "\n1,2", False, "line 2: found 2 values, expected 9"),
        (named() + "\n1_0" + 8 * ",1", False, "line 2, hip_x: found '1_0', expected a number"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(tmp_path, text, in_image, sentence):
    with pytest.raises(MalformedError) as caught:
        read(tmp_path, text, in_image=in_image)
    assert sentence in str(caught.value)


def test_a_file_of_nearly_nothing_but_gaps_takes_no_memory(tmp_path):
    rows = [f"{0 if n < 19 else 99_999},p{n},{lines_of(CLIP[:1])}" for n in range(20)]
    text = "\n".join([f"frame,person,{named()}", *rows])
    with pytest.raises(
        MalformedError, match="20 lines for 1,900,000 places of a person in a frame"
    ):
        read(tmp_path, text)


def test_digits_of_other_scripts_are_no_numbers(tmp_path):
    text = lines_of(CLIP).replace("4.0", "\u0664.\u0660", 1)
    with pytest.raises(MalformedError, match="line"):
        read(tmp_path, text)
