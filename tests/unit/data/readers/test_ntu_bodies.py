import json
from pathlib import Path

import numpy as np
import pytest

from protogcn.data.readers.ntu_bodies import arrange_bodies
from protogcn.data.readers.skeleton_file import TrackedBody, read_skeleton_file

GOLDEN = Path(__file__).parents[3] / "golden" / "raw"


def make_body(num_frames, *, start=0, sway=0.1, height=2.0, width=0.5, wide_frames=0, at=3.0):
    """Return a body that sways by ``sway`` metres in depth; its first frames may be wide."""
    joints = np.zeros((num_frames, 25, 3), np.float32)
    joints[..., 0] = np.linspace(0, width, 25)
    joints[:wide_frames, :, 0] *= height / width
    joints[..., 1] = np.linspace(0, height, 25)
    joints[..., 2] = at
    joints[1::2, :, 2] += sway
    return TrackedBody(start, joints)


def depths(persons):
    """(M, T, V, C) -> the depth of each person in each frame, 0 where nobody is."""
    return [[round(float(z)) for z in person] for person in persons[:, :, 0, 2]]


@pytest.mark.parametrize("name", json.loads((GOLDEN / "expected.json").read_text("utf-8")))
def test_golden_files_come_out_bit_for_bit(name):
    found = arrange_bodies(read_skeleton_file(GOLDEN / f"{name}.skeleton"))
    with np.load(GOLDEN / "expected_float16.npz") as arrays:
        expected = arrays[name]
    assert (found.dtype, found.shape) == (np.float16, expected.shape)
    assert found.tobytes() == expected.tobytes()


def test_no_body_is_dropped():
    assert arrange_bodies([]) == "no_body"


def test_a_body_of_zeros_is_dropped():
    assert arrange_bodies([TrackedBody(0, np.zeros((5, 25, 3), np.float32))]) == "no_body"


def test_a_single_body_is_kept_however_short_and_late():
    body = make_body(3, start=40)
    np.testing.assert_array_equal(arrange_bodies([body]), body.joints[None].astype(np.float16))


def test_several_bodies_of_eleven_frames_are_dropped():
    assert arrange_bodies([make_body(11), make_body(11)]) == "all_bodies_under_12_frames"


def test_one_body_of_twelve_frames_among_short_ones_is_alone():
    persons = arrange_bodies([make_body(11), make_body(12, start=5, at=4)])
    assert depths(persons) == [[4] * 12]


def test_the_livelier_body_comes_first():
    calm, lively = make_body(20, sway=0.1, at=3), make_body(20, sway=0.4, at=5)
    assert depths(arrange_bodies([calm, lively])) == [[5] * 20, [3] * 20]


def test_equally_lively_bodies_keep_their_order():
    assert depths(arrange_bodies([make_body(20, at=8), make_body(20, at=4)])) == [
        [8] * 20,
        [4] * 20,
    ]


@pytest.mark.parametrize(("wide_frames", "kept"), [(0, 2), (69, 2), (70, 1)])
def test_a_body_wide_in_seven_of_ten_frames_is_noise(wide_frames, kept):
    bodies = [make_body(100, sway=0.4, at=5), make_body(100, wide_frames=wide_frames)]
    assert len(arrange_bodies(bodies)) == kept


def test_wide_frames_do_not_count_as_motion():
    wide = make_body(20, wide_frames=10, width=0.1, at=3)  # liveliest only by its width
    lively = make_body(20, sway=0.4, width=0.1, at=5)
    assert depths(arrange_bodies([wide, lively])) == [[5] * 20, [3] * 20]


def test_a_clip_of_wide_bodies_only_is_dropped():
    wide = make_body(20, wide_frames=20)
    assert arrange_bodies([wide, wide]) == "all_bodies_wider_than_tall"


def test_bodies_after_one_another_share_the_first_slot():
    first, second = make_body(15, sway=0.4, at=5), make_body(15, start=15, at=3)
    persons = arrange_bodies([first, second])
    assert depths(persons) == [[5] * 15 + [3] * 15, [0] * 30]


def test_a_third_body_at_the_same_time_is_left_out():
    bodies = [make_body(20, sway=sway, at=at) for sway, at in ((0.4, 5), (0.3, 4), (0.1, 3))]
    assert depths(arrange_bodies(bodies)) == [[5] * 20, [4] * 20]


def test_the_second_slot_counts_as_taken_from_the_start():
    first = make_body(60, sway=0.4, at=5)
    late = make_body(20, start=40, sway=0.3, at=4)
    early = make_body(20, start=0, sway=0.1, at=3)  # meets nobody in slot 1, but its hull
    assert depths(arrange_bodies([first, late, early])) == [[5] * 60, [0] * 40 + [4] * 20]


def test_empty_frames_at_both_ends_go():
    first, second = make_body(12, start=3, sway=0.4, at=5), make_body(12, start=4, at=3)
    for body in (first, second):
        body.joints[-1] = 0
    assert depths(arrange_bodies([first, second])) == [[5] * 11 + [0], [0] + [3] * 11]


def test_nothing_left_after_trimming_is_dropped():
    bodies = [TrackedBody(0, np.full((12, 25, 3), 1e-6, np.float32))] * 2
    assert arrange_bodies(bodies) == "no_body"


def test_slots_are_exchanged_when_the_first_is_empty_at_the_start():
    late, early = make_body(20, start=10, sway=0.4, at=5), make_body(20, at=3)
    assert depths(arrange_bodies([early, late])) == [[3] * 20 + [0] * 10, [0] * 10 + [5] * 20]
