import json

import numpy as np
import pytest

from protogcn.config.skeleton import built_in_skeletons
from protogcn.data.readers.clip_file import read_clip_file
from protogcn.data.readers.malformed import MalformedError
from protogcn.data.readers.notes import Notes
from tests.made.recorders import azure_kinect, kinetics_skeleton, openpose_frame, positions

LAYOUTS = built_in_skeletons()


def read(tmp_path, content, layout, *, notes=None):
    (tmp_path / "a.JSON").write_text(json.dumps(content))
    skeleton = LAYOUTS[layout]
    joints = skeleton.joints[: skeleton.num_raw_joints]
    return read_clip_file(
        tmp_path / "a.JSON", joints, in_image=skeleton.in_image, clip="a", notes=notes
    )


def test_kinetics_skeleton_is_in_shares_of_the_image(tmp_path):
    clip = positions(1, 5, 18) / 300
    found = read(tmp_path, kinetics_skeleton(clip), "openpose18")
    np.testing.assert_array_equal(found.keypoints, clip)
    assert found.image_size == (1, 1)


def test_frames_that_kinetics_skeleton_leaves_out_are_empty(tmp_path):
    clip = positions(1, 3, 18)
    content = kinetics_skeleton(clip, first=11)
    del content["data"][1]
    found = read(tmp_path, content, "openpose18").keypoints
    assert found.shape == (1, 3, 18, 3)
    np.testing.assert_array_equal(found[:, [0, 2]], clip[:, [0, 2]])
    assert not found[:, 1].any()


def test_azure_kinect_is_divided_into_metres_and_that_is_noted(tmp_path):
    clip, notes = positions(2, 4, 32, far=1.0), Notes()
    clip[1, 0] = 0
    found = read(tmp_path, azure_kinect(clip, ids=(7, 3)), "azure32", notes=notes)
    np.testing.assert_allclose(found.keypoints, clip, atol=1e-12)
    assert notes.lines() == [
        "positions of Azure Kinect are in millimetres; divided by 1000 (1 clip: a)."
    ]


def test_a_body_that_azure_kinect_lost_and_found_keeps_its_slot(tmp_path):
    clip, notes = positions(1, 4, 32), Notes()
    content = azure_kinect(clip)
    for frame in content["frames"][2:]:
        frame["bodies"][0]["body_id"] = 9
    np.testing.assert_allclose(read(tmp_path, content, "azure32", notes=notes).keypoints, clip)
    assert "not there at the same time share a slot" in notes.lines()[1]


@pytest.mark.parametrize("layout", ["kinect20", "azure32"])
def test_nw_ucla_has_the_joints_of_the_skeleton(tmp_path, layout):
    clip = positions(1, 4, LAYOUTS[layout].num_joints)
    content = {"file_name": "a01_s01_e00_v01", "skeletons": clip[0].tolist(), "label": 1}
    np.testing.assert_array_equal(read(tmp_path, content, layout).keypoints, clip)


def test_joints_of_the_same_names_in_another_order_are_refused(tmp_path):
    order = (3, 2, 1, 0, *range(4, 20))  # as Kinect v1 is listed elsewhere
    joints = [LAYOUTS["kinect20"].joints[joint] for joint in order]
    (tmp_path / "a.json").write_text(json.dumps({"skeletons": positions(1, 4, 20)[0].tolist()}))
    sentence = r"hip_center as joint 0 \(the built-in skeleton kinect20\), expected head there"
    with pytest.raises(MalformedError, match=sentence):
        read_clip_file(tmp_path / "a.json", joints, in_image=False, clip="a")


def test_lists_of_coco_persons_are_read(tmp_path):
    clip = positions(2, 3, 17)
    alphapose = [
        {"image_id": f"{frame}.jpg", "keypoints": clip[at, frame].ravel().tolist(), "idx": at}
        for frame in (2, 0, 1)
        for at in (0, 1)
    ]
    mmpose = {
        "meta_info": {},
        "instance_info": [
            {
                "frame_id": frame + 1,
                "instances": [
                    {"keypoints": k[:, :2].tolist(), "keypoint_scores": k[:, 2].tolist()}
                    for k in clip[:, frame]
                ],
            }
            for frame in range(3)
        ],
    }
    np.testing.assert_array_equal(read(tmp_path, alphapose, "coco20").keypoints, clip)
    np.testing.assert_array_equal(read(tmp_path, mmpose, "coco20").keypoints, clip)


def test_frames_of_openpose_may_be_in_one_list(tmp_path):
    clip = positions(1, 3, 25)
    frames = [openpose_frame(clip[:, frame]) for frame in range(3)]
    np.testing.assert_array_equal(read(tmp_path, frames, "body25").keypoints, clip)


def test_a_recording_without_anybody_has_no_body(tmp_path):
    content = kinetics_skeleton(np.zeros((1, 4, 18, 3)))
    assert read(tmp_path, content, "openpose18").rule == "no_body"


CLIP = positions(1, 3, 18)


@pytest.mark.parametrize(
    ("content", "layout", "sentence"),
    [
        (openpose_frame(CLIP[:, 0]), "openpose18", "single frame of OpenPose, .* name the folder"),
        (kinetics_skeleton(CLIP), "body25", r"found 18 joints in an image \(the built-in skeleton op"
         r"enpose18\), expected 25 joints in an image, as the skeleton that is set has"),
        (kinetics_skeleton(CLIP), "ntu25", "expected 25 joints in space"),
        (kinetics_skeleton(CLIP[:, :, :5]), "openpose18", "10 numbers of pose and 5 of score, exp"
         r"ected 36 and 18 \(openpose18\) or 50 and 25 \(body25\)"),
        ({"data": [{"frame_index": 1}]}, "openpose18", "data, entry 1: found a dict, expected an"),
        ({"data": [{"frame_index": n, "skeleton": []} for n in (1, 1)]}, "openpose18", "1 again"),
        ({"data": [{"frame_index": n, "skeleton": []} for n in (0, 10**6)]}, "openpose18",
         r"frame: found 0 to 1000000 in 2 lines, .*; these look like time stamps"),
        ({"frames": [{"bodies": [{"body_id": 1}]}]}, "azure32", "frame 1, body 1: found a dict, ex"),
        ({"frames": [{"bodies": [{"joint_positions": [[1, 2, 3]]}]}]}, "azure32",
         r"body 1, joint_positions: found 3 numbers, expected 96 \(azure32\), three for each joint"),
        ({"frames": [{}]}, "azure32", "frame 1: found a dict, expected an object with bodies"),
        ({"frames": []}, "azure32", "found no frame, expected at least one"),
        ({"skeletons": [[[1, 2, 3]]]}, "kinect20", r"skeletons: found the shape \(1, 1, 3\)"),
        ({"poses": []}, "ntu25", "found an object with 'poses', expected keypoint"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(tmp_path, content, layout, sentence):
    with pytest.raises(MalformedError, match=sentence):
        read(tmp_path, content, layout)


def test_persons_and_frames_that_are_nearly_all_empty_are_refused_unread(tmp_path):
    person = {"keypoints": [[1, 2]] * 17, "keypoint_scores": [0.5] * 17}
    frames = [{"frame_id": 0, "instances": [person] * 90}, {"frame_id": 99_999, "instances": []}]
    with pytest.raises(MalformedError, match="frame: found 92 lines for 9,000,000 places"):
        read(tmp_path, {"instance_info": frames}, "coco20")
