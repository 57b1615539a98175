import pytest

from protogcn.config.joint_tree import parents_of
from protogcn.errors import ConfigError

JOINTS = ("hip", "chest", "left_hand", "right_hand", "head")


@pytest.mark.parametrize("entry", [[0, 0, 1, 1, 1], [-1, 0, 1, 1, 1]])
def test_the_root_is_its_own_parent_or_minus_one(entry):
    assert parents_of("skeletons.s", JOINTS, entry) == (0, 0, 1, 1, 1)


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ([1, 1, 2, 2, 2], "seems to count from 1"),
        ([0, 1, 2, 2, 2], "seems to count from 1"),  # where 0 is no joint
        ([[1, 0], [2, 1], [3, 1], [4, 1]], "expected for each joint its parent"),
        ([[0, 1], [1, 2], [1, 3], [1, 4]], "expected for each joint its parent"),
        ([[2, 1], [3, 2], [4, 2], [5, 2]], "expected for each joint its parent"),
        ([[0, 0], [1, 0], [2, 1], [3, 1], [4, 1]], "expected for each joint its parent"),
        (["hip", "hip", "chest", "chest", "chest"], "expected for each joint its parent"),
    ],
)
def test_what_other_files_have_is_shown_as_it_is_written_here(entry, reason):
    with pytest.raises(
        ConfigError, match=rf"s.parents: found .*{reason}.*: write \[0, 0, 1, 1, 1\]"
    ):
        parents_of("skeletons.s", JOINTS, entry)


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ([0, 0, 1, 1], "4 entries for 5 joints"),
        ([0, 0, 1, 1, 7], "joint 4 \\(head\\) has parent 7, and there are 0 to 4"),
        ([0, 0, 1, 3, 1], "2 joints are their own parent, 0 \\(hip\\), 3 \\(right_hand\\)"),
        ([0, 2, 1, 1, 1], "joint 1 \\(chest\\) -> 2 \\(left_hand\\) -> 1 \\(chest\\) is a ring"),
        ([1, 2, 3, 4, 0], "is a ring that leads to no root"),
        ([-1, -1, 1, 1, 1], "has parent -1"),
        (["hip", "hip", "breast", "chest", "chest"], "parents.0: found 'hip'"),
        ([0, 0, "1", 1, 1], "parents.2: found '1'"),
        ([None, 0, 1, 1, 1], "parents.0: found None, expected .* the root is its own parent"),
        ([True, 0, 1, 1, 1], "parents.0: found True"),
        ([[1, 0], [2, 1], [3, 1]], "3 entries for 5 joints"),
    ],
)
def test_what_is_no_tree_is_refused_with_the_joints(entry, reason):
    with pytest.raises(ConfigError, match=reason):
        parents_of("skeletons.s", JOINTS, entry)
