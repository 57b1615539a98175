import numpy as np
import pytest
import torch

from protogcn.batches.augment import Augmentation, draw_augmentation, rotation_matrices
from protogcn.batches.batch import scoring_batch, training_batch
from protogcn.batches.bodies import pack_bodies
from protogcn.batches.sampling import draw_frames, scoring_frames, training_frames
from tests.made.nano import SKELETON, store_of

LENGTH = 16
CLIPS = np.array([3, 0, 5, 23, 8, 11, 2])  # with one and two persons; clip 5 has one frame
STRENGTH = Augmentation(0.3, 0.5, 0.4)


@pytest.fixture
def store(data):
    return store_of(data)


def one_clip(store, clip, frames):
    """(M, T, V, C), all person slots, straight from the frames of one clip."""
    first = store.table.first_frames[clip]
    total = store.table.num_frames[clip]
    return store.frames[first : first + total][frames].transpose(0, 1)


def changed(crop, draws, clip, skeleton):
    crop = crop @ rotation_matrices(draws.angles)[clip].T
    if draws.swapped[clip]:
        crop = crop[..., skeleton.swap.tolist(), :]
    if draws.limb[clip] >= 0:
        crop[..., list(skeleton.limbs[int(draws.limb[clip])]), :] = 0
    return crop


def training_batch_of(store, multiple=1, strength=STRENGTH):
    return training_batch(
        store,
        CLIPS,
        SKELETON,
        length=LENGTH,
        strength=strength,
        generator=torch.Generator().manual_seed(3),
        multiple=multiple,
    )


@pytest.mark.parametrize("multiple", [1, 8])
def test_training_batch_equals_clips_with_all_slots_changed_one_by_one(store, multiple):
    generator = torch.Generator().manual_seed(3)
    of_frames = draw_frames(len(CLIPS), LENGTH, generator=generator)
    draws = draw_augmentation(len(CLIPS), STRENGTH, len(SKELETON.limbs), generator=generator)
    assert draws.swapped.any()
    assert (draws.limb >= 0).any()
    frames = training_frames(torch.from_numpy(store.table.num_frames[CLIPS]), of_frames)
    clips = [one_clip(store, clip, frames[row]) for row, clip in enumerate(CLIPS)]
    clips = [changed(crop, draws, row, SKELETON) for row, crop in enumerate(clips)]
    expected = pack_bodies(torch.stack(clips), store.table.persons[CLIPS], multiple=multiple)
    bodies, labels = training_batch_of(store, multiple)
    torch.testing.assert_close(bodies.values, expected.values, rtol=0, atol=1e-6)
    assert torch.equal(bodies.person_weights, expected.person_weights)
    assert torch.equal(bodies.multiplicity, expected.multiplicity)
    assert labels.tolist() == store.table.labels[CLIPS].tolist()


def test_rows_without_a_body_are_zero(store):
    bodies, _ = training_batch_of(store, multiple=8)
    num_real = int(store.table.persons[CLIPS].sum())
    assert len(bodies.values) > num_real
    assert not bodies.values[num_real:].any()


def test_a_batch_leaves_the_frames_of_the_store_alone(store):
    before = store.frames.clone()
    training_batch_of(store, strength=Augmentation(0, 1, 1))
    assert torch.equal(store.frames, before)


@pytest.mark.parametrize("multiple", [1, 8])
def test_scoring_batch_equals_the_test_crops_of_clips_with_all_slots(store, multiple):
    totals = store.table.num_frames[CLIPS]
    frames = np.stack([scoring_frames(int(total), LENGTH, 3) for total in totals])
    crops = [
        one_clip(store, clip, torch.from_numpy(frames[row, crop]))
        for row, clip in enumerate(CLIPS)
        for crop in range(3)
    ]
    persons = store.table.persons[CLIPS].repeat(3)
    expected = pack_bodies(torch.stack(crops), persons, multiple=multiple)
    bodies = scoring_batch(store, CLIPS, frames, multiple=multiple)
    assert torch.equal(bodies.values, expected.values)
    assert torch.equal(bodies.person_weights, expected.person_weights)


def test_sampled_difference_of_test_crops_runs_over_all_crops_of_a_clip(store):
    totals = store.table.num_frames[CLIPS]
    frames = np.stack([scoring_frames(int(total), LENGTH, 3) for total in totals])
    crops = []
    for row, clip in enumerate(CLIPS):
        joined = one_clip(store, clip, torch.from_numpy(frames[row].ravel()))  # (M, 3 L, V, C)
        steps = torch.cat([joined[:, 1:] - joined[:, :-1], torch.zeros_like(joined[:, :1])], 1)
        crops += steps.split(LENGTH, dim=1)
    persons = store.table.persons[CLIPS].repeat(3)
    expected = pack_bodies(torch.stack(crops), persons, multiple=8)
    bodies = scoring_batch(store, CLIPS, frames, sampled_difference=True, multiple=8)
    assert torch.equal(bodies.values, expected.values)
