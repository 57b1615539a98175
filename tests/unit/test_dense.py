import numpy as np
import pytest
import torch

from protogcn.bodies import all_bodies, body_rows, pack_bodies
from protogcn.dense import dense


@pytest.mark.parametrize("multiple", [1, 4])
def test_packed_bodies_come_back_as_the_clips_they_are_of(multiple):
    persons = np.array([1, 2, 0, 1])
    clips = torch.rand(4, 2, 3, 5, 3)
    clips *= torch.from_numpy(np.arange(2) < persons[:, None])[..., None, None, None]
    assert torch.equal(
        dense(pack_bodies(clips, body_rows(persons, 2, multiple=multiple)), 2), clips
    )
    assert torch.equal(dense(all_bodies(clips), 2), clips)
