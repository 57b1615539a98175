import numpy as np
import pytest
import torch

from protogcn.batches.bodies import all_bodies, body_rows, pack_bodies

PERSONS = np.array([2, 1, 1])


def test_real_bodies_come_first_and_empty_slots_of_a_person_share_one_row():
    rows = body_rows(PERSONS, 2)
    assert rows.clips.tolist() == [0, 0, 1, 2]
    assert rows.persons.tolist() == [0, 1, 0, 0, 1]
    assert rows.num_rows == 5
    assert rows.multiplicity.tolist() == [1, 1, 1, 1, 2]
    assert rows.person_weights.tolist() == [
        [0.5, 0.5, 0, 0, 0],
        [0, 0, 0.5, 0, 0.5],
        [0, 0, 0, 0.5, 0.5],
    ]


def test_batch_without_empty_slots_needs_no_counts():
    rows = body_rows(np.array([2, 2]), 2)
    assert rows.multiplicity is None
    assert rows.num_rows == 4


@pytest.mark.parametrize(("multiple", "expected"), [(1, 5), (2, 6), (4, 6), (8, 6)])
def test_rows_are_filled_up_to_a_multiple_but_never_beyond_all_slots(multiple, expected):
    rows = body_rows(PERSONS, 2, multiple=multiple)
    assert rows.num_rows == expected
    assert rows.multiplicity.sum() == 6  # a row that only fills counts as none
    np.testing.assert_array_equal(rows.person_weights.sum(axis=1), 1)


def test_fixed_shapes_always_have_counts():
    assert body_rows(np.array([2, 2]), 2, multiple=4).multiplicity.tolist() == [1, 1, 1, 1]


def test_clip_without_persons_is_made_of_the_empty_rows_of_its_slots():
    rows = body_rows(np.array([0, 1]), 2)
    assert rows.persons.tolist() == [0, 0, 1]
    assert rows.person_weights.tolist() == [[0, 0.5, 0.5], [0.5, 0, 0.5]]
    assert rows.multiplicity.tolist() == [1, 1, 2]


@pytest.mark.parametrize("multiple", [1, 4])
def test_mean_over_persons_equals_that_of_all_bodies(multiple):
    clips = torch.randn(3, 2, 4, 5, 3)
    clips[1:, 1] = 0
    packed = pack_bodies(clips, PERSONS, multiple=multiple)
    for bodies in (packed, all_bodies(clips)):
        found = bodies.mean_over_persons(bodies.values)
        torch.testing.assert_close(found, clips.mean(1))
