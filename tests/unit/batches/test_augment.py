import math
import random
from dataclasses import replace

import numpy as np
import pytest
import torch

from protogcn.batches.augment import (
    Augmentation,
    AugmentationDraws,
    apply_augmentation,
    difference,
    draw_augmentation,
    mirrored,
    rotation_matrices,
    turn,
    turn_by_parts,
)
from protogcn.batches.sampling import FrameDraws, scoring_frames, training_frames
from protogcn.config.resolved import MODALITIES
from protogcn.data.bones import compute_modality
from protogcn.data.preparation import prepare

# The released settings of the golden arrays: what else than rotation each stream uses.
SWAPPED = {"ntu60_xsub_b", "ntu60_xsub_km"}
DROPPED = {"ntu120_xsub_k", "ntu60_xview_km"}
# Rows where a dropped limb borders on the rest: zero here, minus the partner there (see the docs).
BORDER = {"k": [5, 12, 13, 9, 16, 17], "km": [5, 12, 13, 9, 16, 17]}


NO_DRAWS = AugmentationDraws(
    angles=torch.zeros(6, 3),
    swapped=torch.zeros(6, dtype=torch.bool),
    limb=torch.full((6,), -1),
    mirrored=torch.zeros(6, dtype=torch.bool),
)


def released_draws(key, total, seeds):
    """Redraw what the released code draws, from numpy's and Python's generators of old."""
    of_numpy, of_python = np.random.RandomState(seeds[0]), random.Random(seeds[1])
    angles = of_numpy.uniform(-0.2, 0.2, size=3)
    swapped = key in SWAPPED and of_python.random() < 0.5
    limb = of_python.randint(0, 3) if key in DROPPED and of_python.random() < 0.2 else -1
    of_numpy.rand()
    skips = np.ones(101)
    skips[of_numpy.choice(101, total - 100, replace=False)] = 0
    draws = AugmentationDraws(
        torch.tensor(angles[None]),
        torch.tensor([swapped]),
        torch.tensor([limb]),
        torch.tensor([False]),
    )
    return draws, torch.tensor(skips[None])


@pytest.mark.parametrize(
    "name",
    [
        "seed11_ntu60_xsub_j",
        "seed11_ntu60_xsub_b",
        "seed11_ntu60_xsub_km",
        "seed11_ntu120_xsub_k",
        "seed11_ntu60_xview_km",
        "seed11_ntu60_xview_bm",
        "np11_py1_ntu120_xsub_k",
        "np11_py1_ntu60_xview_km",
    ],
)
def test_released_draws_give_the_released_training_crops(golden, ntu25, name):
    seeds = (11, 1) if name.startswith("np11_py1_") else (11, 11)
    key = name.removeprefix("np11_py1_").removeprefix("seed11_")
    modality = key.split("_")[-1]
    joints = prepare(golden["in_A"], "centred", ntu25).astype(np.float32)
    frames = joints.transpose(1, 0, 2, 3)  # (T, M, V, C)
    values = torch.tensor(compute_modality(frames, modality, ntu25, [len(frames) - 1]))
    draws, skips = released_draws(key, len(frames), seeds)
    chosen = training_frames(
        torch.tensor([len(frames)]), FrameDraws(torch.zeros(1), skips, torch.zeros(1, 100))
    )
    bodies = values[chosen[0]].transpose(0, 1).contiguous()  # (M, L, V, C)
    strength = Augmentation(0.2, float(key in SWAPPED), float(key in DROPPED))
    draws = draws.of_bodies(np.zeros(2, int), 2)
    found = apply_augmentation(bodies, draws, strength, ntu25).numpy()[None]
    expected = golden[f"train_{name}_A"].copy()
    if int(draws.limb[0]) >= 0:
        limb = ntu25.limbs[int(draws.limb[0])]
        assert not found[..., list(limb), :].any()
        border = [joint for joint in BORDER[modality] if joint in limb]
        expected[..., border, :] = 0
    np.testing.assert_allclose(found, expected, rtol=0, atol=2e-6)


def test_the_golden_arrays_hold_a_swap_and_a_drop():
    """So that the test above tests both."""
    assert bool(released_draws("ntu60_xsub_b", 126, (11, 11))[0].swapped)
    assert int(released_draws("ntu120_xsub_k", 126, (11, 1))[0].limb) >= 0


def coco_values(golden, modality, skeleton):
    """The j, b or k values (2, T, 20, 3) of a 2-D clip: x, y, score; three joints are added."""
    positions = golden["in_E_kp"][:2].astype(np.float32)
    values = np.concatenate([positions, golden["in_E_score"][:2, ..., None]], axis=-1)
    mid_hip, mid_shoulder = (values[..., [11, 5], :] + values[..., [12, 6], :]).transpose(
        2, 0, 1, 3
    ) / 2
    added = np.stack([mid_hip, (mid_hip + mid_shoulder) / 2, mid_shoulder], axis=-2)
    values = np.concatenate([values, added], axis=-2)
    match modality:
        case "j":
            return torch.from_numpy(values)
        case "b":  # the score of a bone is the mean of its ends'
            partners = values[..., skeleton.bone_partners, :]
            bones = values - partners
            bones[..., 2] = (values[..., 2] + partners[..., 2]) / 2
            return torch.from_numpy(bones)
    return torch.from_numpy(values - values[..., skeleton.two_step_partners, :])


@pytest.mark.parametrize("modality", MODALITIES)
def test_released_draws_give_the_released_2d_training_crops(golden, coco20, modality):
    """Seed 4: the mirror fires. Motion is the difference of the mirrored, sampled frames."""
    generator = np.random.RandomState(4)
    generator.rand()
    skipped = np.zeros(101, int)
    skipped[generator.choice(101, 37, replace=False)] = 1
    assert generator.rand() < 0.5
    frames = np.arange(100) + skipped.cumsum()[:100]
    strength = Augmentation(0, 0, 0, mirror=0.5, sampled_difference=modality.endswith("m"))
    found = apply_augmentation(
        coco_values(golden, modality[0], coco20)[:, frames],
        replace(NO_DRAWS, mirrored=torch.tensor([True, True])),
        strength,
        coco20,
        mirror_widths=torch.full((2,), 320.0 if modality[0] == "j" else 0.0),
    )
    np.testing.assert_array_equal(found.numpy(), golden[f"train2d_seed4_{modality}_E"][0])


@pytest.mark.parametrize("modality", ["jm", "bm", "km"])
def test_motion_of_one_2d_crop_is_the_released_one(golden, coco20, modality):
    frames = scoring_frames(137, 100, 1)[0]
    found = difference(coco_values(golden, modality[0], coco20)[:, frames])
    np.testing.assert_array_equal(found.numpy(), golden[f"val2d_{modality}_E"][0])


@pytest.mark.parametrize("modality", ["jm", "km"])
def test_motion_of_ten_2d_crops_goes_on_from_crop_to_crop_as_released(golden, coco20, modality):
    frames = scoring_frames(137, 100, 10)
    crops = coco_values(golden, modality[0], coco20)[:, frames]  # (M, crops, L, V, C)
    following = torch.cat([torch.arange(2, 20), torch.tensor([-1, -1])])
    found = difference(crops.transpose(0, 1).flatten(0, 1), following)
    expected = golden[f"test2d_{modality}_E_lastframes"]  # (crops, M, V, C)
    np.testing.assert_array_equal(found[:, -1].unflatten(0, (10, 2)).numpy(), expected)


def test_mirror_skips_missing_joints_and_bodies_that_were_not_drawn(toy5):
    bodies = torch.tensor([[0.0, 9.0, 1.0], [3.0, 9.0, 1.0], [0.0, 9.0, 1.0], [10.0, 9.0, 0.5]])
    bodies = torch.cat([bodies, torch.zeros(1, 3)]).repeat(2, 1, 1, 1)  # (2, 1, 5, 3)
    draws = replace(NO_DRAWS, mirrored=torch.tensor([True, False]))
    found = apply_augmentation(
        bodies.clone(),
        draws,
        Augmentation(0, 0, 0, mirror=1),
        toy5,
        mirror_widths=torch.tensor([100.0, 100.0]),
    )
    assert found[0, 0, :, 0].tolist() == [0, 97, 90, 0, 0]
    assert found[0, 0, :, 1].tolist() == [9, 9, 9, 9, 0]
    assert torch.equal(found[1], bodies[1])


def test_clean_swap_is_a_mirror_image_and_the_released_one_is_not(toy5):
    bodies = torch.rand(1, 4, 5, 3)
    draws = replace(NO_DRAWS, swapped=torch.tensor([True]))
    order = [0, 1, 3, 2, 4]
    for mirrors, sign in ((False, 1.0), (True, -1.0)):
        strength = Augmentation(0, 1, 0, swap_mirrors=mirrors)
        found = apply_augmentation(bodies.clone(), draws, strength, toy5)
        assert torch.equal(found[..., 0], sign * bodies[..., order, 0])
        assert torch.equal(found[..., 1:], bodies[..., order, 1:])


def test_bones_mirrored_about_zero_are_the_bones_of_mirrored_joints(coco20):
    joints = torch.rand(3, 4, 20, 3, dtype=torch.float64) + 0.1
    order = torch.from_numpy(coco20.swap)
    partners = coco20.bone_partners.tolist()
    turned = mirrored(joints, torch.tensor([5.0, 6.0, 7.0]), order)
    expected = turned - turned[..., partners, :]
    found = mirrored(joints - joints[..., partners, :], torch.zeros(3), order)
    torch.testing.assert_close(found, expected)


def test_rotation_about_z_turns_x_to_minus_y():
    turn = rotation_matrices(torch.tensor([[0.0, 0.0, math.pi / 2]]))[0]
    assert torch.allclose(
        turn @ torch.tensor([1.0, 0.0, 0.0]), torch.tensor([0.0, -1.0, 0.0]), atol=1e-6
    )


def test_rotation_keeps_lengths_and_handedness():
    turns = rotation_matrices(torch.rand(50, 3, dtype=torch.float64) * 6)
    assert torch.allclose(turns @ turns.mT, torch.eye(3, dtype=torch.float64).expand(50, 3, 3))
    assert torch.allclose(torch.linalg.det(turns), torch.ones(50, dtype=torch.float64))


@pytest.fixture
def bodies():
    return torch.rand(6, 4, 5, 3, generator=torch.Generator().manual_seed(1))


def test_nothing_switched_on_changes_nothing(bodies, toy5):
    off = Augmentation(0, 0, 0)
    draws = draw_augmentation(6, off, 2, generator=torch.Generator().manual_seed(0))
    assert torch.equal(apply_augmentation(bodies.clone(), draws, off, toy5), bodies)


def test_every_device_turns_alike(bodies):
    turns = rotation_matrices(torch.rand(6, 3))
    torch.testing.assert_close(turn_by_parts(bodies, turns), turn(bodies, turns))


def test_swap_exchanges_left_and_right_of_the_drawn_bodies_only(bodies, toy5):
    swapped = torch.tensor([True, False, True, False, False, True])
    draws = replace(NO_DRAWS, swapped=swapped)
    found = apply_augmentation(bodies.clone(), draws, Augmentation(0, 0.5, 0), toy5)
    assert torch.equal(found[0], bodies[0][..., [0, 1, 3, 2, 4], :])
    assert torch.equal(found[1], bodies[1])


def test_limb_drop_zeroes_the_drawn_limb_in_all_frames(bodies, toy5):
    draws = replace(NO_DRAWS, limb=torch.tensor([0, 1, -1, -1, -1, -1]))
    found = apply_augmentation(bodies.clone(), draws, Augmentation(0, 0, 0.2), toy5)
    assert not found[0][..., 2, :].any()
    assert not found[1][..., 3, :].any()
    assert torch.equal(found[2], bodies[2])
    assert torch.equal(found[0][..., [0, 1, 3, 4], :], bodies[0][..., [0, 1, 3, 4], :])


def test_bodies_of_a_clip_share_its_draws_and_further_rows_stay_as_they_are(bodies, toy5):
    strength = Augmentation(0.5, 0.9, 0.9)
    draws = draw_augmentation(2, strength, 2, generator=torch.Generator().manual_seed(2))
    alike = bodies[:1].repeat(4, 1, 1, 1)
    found = apply_augmentation(
        alike.clone(), draws.of_bodies(np.array([0, 1, 1]), 4), strength, toy5
    )
    assert torch.equal(found[1], found[2])
    assert not torch.equal(found[0], found[1])
    assert torch.equal(found[3], alike[3])


def test_draws_have_their_probabilities_and_ranges():
    strength = Augmentation(0.2, 0.5, 0.3, mirror=0.4)
    draws = draw_augmentation(20_000, strength, 4, generator=torch.Generator().manual_seed(0))
    assert float(draws.angles.abs().max()) <= 0.2
    assert float(draws.angles.abs().max()) > 0.19
    assert abs(float(draws.swapped.float().mean()) - 0.5) < 0.02
    assert abs(float(draws.mirrored.float().mean()) - 0.4) < 0.02
    shares = [float((draws.limb == limb).float().mean()) for limb in range(-1, 4)]
    np.testing.assert_allclose(shares, [0.7, 0.075, 0.075, 0.075, 0.075], atol=0.02)
