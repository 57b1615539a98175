import json

import numpy as np
import pytest

from protogcn.config.skeleton import built_in_skeletons
from protogcn.data.readers import DroppedClip
from protogcn.data.readers.folder import read_folder, unlisted_files
from protogcn.data.readers.notes import Notes
from protogcn.errors import ContractError
from tests.made.recorders import openpose_frame, positions, write_openpose

LAYOUTS = built_in_skeletons()
SIZES = "image_height,image_width"


def read(folder, names, *, layout="body25", sizes="480,640", notes=None):
    rest = f",{sizes}" if sizes else ""
    lines = [f"clip,label,xsub{f',{SIZES}' if sizes else ''}"]
    lines += [f"{name},0,train{rest}" for name in names]
    (folder / "annotations.csv").write_text("\n".join(lines))
    clips = read_folder(
        folder,
        joints=LAYOUTS[layout].joints,
        classes=["a", "b"],
        splits=["xsub"],
        in_image=LAYOUTS[layout].in_image,
        notes=notes,
    )
    return list(clips)


@pytest.mark.parametrize(("layout", "key"), [("body25", "pose_keypoints_2d"), ("openpose18", "pose_keypoints")])  # fmt: skip
def test_a_clip_is_a_folder_of_frames_or_what_their_names_begin_with(tmp_path, layout, key):
    clip = positions(1, 12, LAYOUTS[layout].num_joints)
    frames = [openpose_frame(clip[:, frame], key=key) for frame in range(12)]
    write_openpose(tmp_path / "sub/wave", "anything", frames)
    write_openpose(tmp_path, "walk", frames)
    for found in read(tmp_path, ["sub/wave", "walk"], layout=layout):
        np.testing.assert_array_equal(found.keypoints, clip)
        assert found.image_size == (480, 640)
    assert unlisted_files(tmp_path) == []


def test_persons_keep_their_slots_whatever_their_order_in_a_frame(tmp_path):
    clip, notes = positions(2, 6, 25), Notes()
    frames = [openpose_frame(clip[:: (-1) ** frame, frame]) for frame in range(6)]
    write_openpose(tmp_path / "c", "c", frames)
    (found,) = read(tmp_path, ["c"], notes=notes)
    np.testing.assert_array_equal(found.keypoints, clip)
    assert notes.lines() == [
        "persons have no ids; each is followed to the nearest one in the next frame (1 clip: c)."
    ]


def test_ids_of_a_tracker_are_followed_instead(tmp_path):
    clip = positions(2, 4, 25)
    crossing = clip.copy()
    crossing[:, 2:, :, :2] = clip[::-1, 2:, :, :2]  # they jump to each other's place
    frames = [openpose_frame(crossing[:, frame], ids=[0, 1]) for frame in range(4)]
    write_openpose(tmp_path / "c", "c", frames)
    np.testing.assert_array_equal(read(tmp_path, ["c"])[0].keypoints, crossing)


def test_who_is_seen_longest_comes_first(tmp_path):
    clip = positions(2, 5, 25)
    frames = [openpose_frame(clip[: 2 if frame == 0 else 1, frame][::-1]) for frame in range(5)]
    write_openpose(tmp_path / "c", "c", frames)
    (found,) = read(tmp_path, ["c"])
    np.testing.assert_array_equal(found.keypoints[0], clip[0])
    assert not found.keypoints[1, 1:].any()


def test_frames_without_anybody_stay_and_a_clip_of_them_is_left_out(tmp_path):
    clip = positions(1, 3, 25)
    frames = [openpose_frame(clip[:, t]) if t != 1 else {"people": []} for t in range(3)]
    write_openpose(tmp_path / "c", "c", frames)
    write_openpose(tmp_path / "d", "d", [{"people": [{"pose_keypoints_2d": []}]}] * 3)
    found, nobody = read(tmp_path, ["c", "d"])
    assert found.keypoints.any(axis=(0, 2, 3)).tolist() == [True, False, True]
    assert nobody == DroppedClip("d", "no_body")


def test_frames_are_in_the_order_of_their_numbers(tmp_path):
    clip, notes = positions(1, 11, 25), Notes()
    (tmp_path / "c").mkdir()
    for frame in range(11):
        content = json.dumps(openpose_frame(clip[:, frame]))
        (tmp_path / f"c/frame_{2 * frame}.json").write_text(content)
    (found,) = read(tmp_path, ["c"], notes=notes)
    np.testing.assert_array_equal(found.keypoints, clip)
    assert "numbers of frames are missing among the files" in notes.lines()[0]


def test_shares_of_the_image_need_no_size_of_it(tmp_path):
    clip, notes = positions(1, 3, 25) / [400, 400, 1], Notes()
    write_openpose(tmp_path / "c", "c", [openpose_frame(clip[:, t]) for t in range(3)])
    (found,) = read(tmp_path, ["c"], sizes="", notes=notes)
    assert found.image_size == (1, 1)
    assert "shares of the image, whose height and width are taken as 1" in notes.lines()[0]


def test_positions_about_their_own_middle_are_no_shares_of_an_image(tmp_path):
    clip = positions(1, 3, 25) / [400, 400, 1]
    clip[..., :2] -= clip[..., :2].mean(axis=(0, 1, 2))
    write_openpose(tmp_path / "c", "c", [openpose_frame(clip[:, t]) for t in range(3)])
    with pytest.raises(
        ContractError, match=r"no size of the image, .* or positions that are shares"
    ):
        read(tmp_path, ["c"], sizes="")


FRAME = openpose_frame(positions(1, 1, 25)[:, 0])


@pytest.mark.parametrize(
    ("files", "sizes", "sentence"),
    [
        ({"c_0_keypoints": FRAME}, "", "found no size of the image, expected it in img_shape, imag"),
        ({"c_0_keypoints": FRAME, "d_0_keypoints": FRAME}, "9,9", "c, the files: found frame 0 twice, c_0_"),
        ({"c_0_keypoints": FRAME, "c_1_keypoints": {}}, "9,9", "c_1_keypoints.json, the file: found"),
        ({"c": FRAME}, "9,9", "c.json, its name: found no number, expected the number of a frame"),
        ({"c_0_keypoints": {"people": [{}]}}, "9,9", "frame 1, person 1: found an object with noth"),
        ({"c_0": {"people": [{"pose_keypoints_2d": [1.0] * 45}]}}, "9,9", "_2d: found 45 numbers, exp"
         "ected 75 (body25) or 54 (openpose18), three for each joint"),
        ({"c_0": FRAME, "c_1": {"people": [{"pose_keypoints_2d": [1.0] * 54}]}}, "9,9",
         "found persons with 18 and 25 joints, expected the same in every frame"),
        ({"c_0": {"people": [{"pose_keypoints_2d": [float("nan")] * 75}]}}, "9,9", "found NaN at p"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(tmp_path, files, sizes, sentence):
    (tmp_path / "c").mkdir()
    for name, content in files.items():
        (tmp_path / f"c/{name}.json").write_text(json.dumps(content))
    with pytest.raises(ContractError) as caught:
        read(tmp_path, ["c"], sizes=sizes)
    assert sentence in str(caught.value)
