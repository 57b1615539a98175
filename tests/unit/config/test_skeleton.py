import pytest

from protogcn.config.skeleton import Skeleton, built_in_skeletons
from protogcn.errors import ConfigError
from tests.made.config import repository_config

# The pairs of the released code, copied from the specification.
NTU_BONES = [
    1,
    20,
    20,
    2,
    20,
    4,
    5,
    6,
    20,
    8,
    9,
    10,
    0,
    12,
    13,
    14,
    0,
    16,
    17,
    18,
    20,
    22,
    7,
    24,
    11,
]
NTU_TWO_STEP = [
    20,
    1,
    2,
    20,
    4,
    20,
    4,
    5,
    8,
    20,
    8,
    9,
    1,
    0,
    12,
    13,
    1,
    0,
    16,
    17,
    20,
    7,
    6,
    11,
    10,
]
NTU_SWAP = [
    0,
    1,
    2,
    3,
    8,
    9,
    10,
    11,
    4,
    5,
    6,
    7,
    16,
    17,
    18,
    19,
    12,
    13,
    14,
    15,
    20,
    23,
    24,
    21,
    22,
]
COCO_TWO_STEP = [0, 19, 19, 0, 0, 5, 6, 19, 19, 5, 6, 18, 18, 17, 17, 11, 12, 19, 18, 19]
COCO_SWAP = [0, 2, 1, 4, 3, 6, 5, 8, 7, 10, 9, 12, 11, 14, 13, 16, 15, 17, 18, 19]


def test_ntu25_has_the_released_tables(ntu25):
    assert ntu25.num_joints == 25
    assert ntu25.bone_partners.tolist() == NTU_BONES
    assert ntu25.two_step_partners.tolist() == NTU_TWO_STEP
    assert ntu25.swap.tolist() == NTU_SWAP
    assert len(ntu25.edges) == 24
    assert (21, 7) in ntu25.edges


def test_coco20_has_the_released_tables():
    coco20 = built_in_skeletons()["coco20"]
    assert coco20.two_step_partners.tolist() == COCO_TWO_STEP
    assert coco20.swap.tolist() == COCO_SWAP
    assert coco20.centre is None


LAYOUTS = {
    "kinect20": (20, "shoulder_center"),
    "azure32": (32, "pelvis"),
    "openpose18": (18, "neck"),
    "body25": (25, "neck"),
    "mediapipe33": (33, "nose"),
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_layouts_of_recorders_are_the_same_on_both_sides(name):
    skeleton = built_in_skeletons()[name]
    joints, parents = skeleton.joints, [skeleton.joints[parent] for parent in skeleton.parents]
    (root,) = (joint for joint, parent in zip(joints, parents, strict=True) if joint == parent)
    assert (len(joints), root) == LAYOUTS[name]
    paired = {joint for pair in skeleton.pairs for joint in pair}
    assert paired == {
        number for number, joint in enumerate(joints) if "left" in joint or "right" in joint
    }
    for left, right in skeleton.pairs:
        assert joints[left].replace("left", "right") == joints[right]
        assert parents[left].replace("left", "right") == parents[right]
    sides = [[joints[joint].split("_")[0] for joint in limb] for limb in skeleton.limbs]
    assert all(len(set(side)) == 1 for side in sides)
    assert skeleton.in_image == (skeleton.centre is None)


def test_kinect_of_the_first_version_has_the_joints_of_utd_in_another_order():
    utd20 = repository_config()["skeletons"]["utd20"]["joints"]
    kinect20 = built_in_skeletons()["kinect20"].joints
    assert set(utd20) == set(kinect20)
    assert tuple(utd20) != kinect20


@pytest.mark.parametrize("name", ["ntu25", "coco20", *LAYOUTS])
def test_mapping_builds_the_same_skeleton_again(name):
    skeleton = built_in_skeletons()[name]
    assert Skeleton.from_mapping(name, skeleton.to_mapping()) == skeleton


def entry(**changes):
    return {"joints": ["a", "b", "c"], "parents": [0, 0, 1], **changes}


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"parents": [0, 0]}, "2 entries for 3 joints"),
        ({"joints": ["a", "b", "a"]}, "joints: a appears twice, expected"),
        ({"pairs": [[1, 3]]}, "pairs: joint 3 does not exist"),
        ({"pairs": [[0, 1], [1, 2]]}, r"pairs: joint 1 \(b\) appears twice"),
        ({"limbs": {"arm": [7]}}, "limbs: joint 7 does not exist"),
        ({"centre": 3}, "centre: joint 3 does not exist"),
    ],
)
def test_layout_that_is_no_tree_is_refused(changes, sentence):
    with pytest.raises(ConfigError, match=sentence):
        Skeleton.from_mapping("mine", entry(**changes))


def test_coco20_has_17_raw_joints_and_three_midpoints(coco20):
    assert (coco20.num_joints, coco20.num_raw_joints, coco20.in_image) == (20, 17, True)
    assert coco20.midpoints == ((17, 11, 12), (19, 5, 6), (18, 17, 19))
    assert Skeleton.from_mapping("coco20", coco20.to_mapping()) == coco20
