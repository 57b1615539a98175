from dataclasses import replace

import numpy as np
import pytest
import torch

from protogcn.batches.augment import Augmentation, draw_augmentation, rotation_matrices
from protogcn.batches.batch import scoring_batch, training_batch
from protogcn.batches.bodies import pack_bodies
from protogcn.batches.sampling import draw_frames, scoring_frames, training_frames
from tests.made.nano import SKELETON, nano_run, store_of
from tests.made.network_settings import network_settings

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


@pytest.fixture
def with_positions(data):
    """Bones, and positions besides; every slot of a clip has its row."""
    network = network_settings("blockgcn", width=8, blocks=1, downsample=[])
    return store_of(data, run=replace(nano_run(), modality="b", network=network))


@pytest.mark.parametrize("multiple", [1, 8])
def test_positions_are_changed_like_the_modality(data, store, with_positions, multiple):
    """The training crops of bones and of joints, which the streams without positions have too."""
    found, labels = training_batch_of(with_positions, multiple)
    bones, _ = training_batch_of(store_of(data, "b.npy", replace(nano_run(), modality="b")))
    joints, expected_labels = training_batch_of(store)
    bones.values[:, :, SKELETON.root] = joints.values[:, :, SKELETON.root]
    assert found.multiplicity is None
    assert found.positions.shape == found.values.shape == (14, LENGTH, 5, 3)
    real = torch.from_numpy(np.arange(2) < store.table.persons[CLIPS][:, None]).flatten()
    bones = bones.values[: real.sum()]
    torch.testing.assert_close(found.values[real], bones, rtol=0, atol=1e-5)
    assert torch.equal(found.positions[real], joints.values[: real.sum()])
    assert not found.positions[~real].any()
    assert torch.equal(labels, expected_labels)
    assert found.persons.tolist() == [0, 1] * 7
    assert torch.equal(found.person_weights, torch.eye(7).repeat_interleave(2, dim=1) / 2)


def test_positions_are_never_differenced(store, with_positions):
    """Of motions that are differences of sampled frames, in training and at test time."""
    view = replace(with_positions.view, motion="sampled")
    with_positions = replace(with_positions, view=view)
    strength = replace(STRENGTH, sampled_difference=True)
    motions, _ = training_batch_of(with_positions, strength=strength)
    still, _ = training_batch_of(replace(with_positions, view=replace(view, motion="none")))
    assert torch.equal(motions.positions, still.positions)
    assert not motions.values[:, -1].any()
    frames = np.arange(LENGTH)[None, None].repeat(7, 0) % store.table.num_frames[CLIPS, None, None]
    scored = scoring_batch(with_positions, CLIPS, frames, sampled_difference=True)
    expected = scoring_batch(store, CLIPS, frames)
    assert torch.equal(
        scored.mean_over_persons(scored.positions), expected.mean_over_persons(expected.values)
    )


def test_mirrored_positions_have_the_widths_of_their_images(with_positions):
    """And bones are those of the mirrored joints."""
    widths = np.arange(24, dtype=np.float32) + 100
    store = replace(with_positions, mirror_widths=widths)
    plain, _ = training_batch_of(store, strength=Augmentation(0, 0, 0))
    found, _ = training_batch_of(store, strength=Augmentation(0, 0, 0, mirror=1.0))
    order = SKELETON.swap.tolist()
    x = plain.positions[..., order, 0]
    wide = torch.from_numpy(widths[CLIPS].repeat(2)).float()[:, None, None]
    expected = torch.where(x == 0, x, wide - x)
    assert torch.equal(found.positions[..., 0], expected)
    bones = found.positions - found.positions[..., list(SKELETON.parents), :]
    bones[..., SKELETON.root, :] = found.positions[..., SKELETON.root, :]
    assert torch.equal(found.values, bones)


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
