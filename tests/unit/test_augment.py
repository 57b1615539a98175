import math
import random

import numpy as np
import pytest
import torch

from protogcn.augment import (
    Augmentation,
    AugmentationDraws,
    apply_augmentation,
    draw_augmentation,
    rotation_matrices,
    turn,
    turn_by_parts,
)
from protogcn.modality import compute_modality
from protogcn.preparation import prepare
from protogcn.sampling import FrameDraws, training_frames

# The released settings of the golden arrays: what else than rotation each stream uses.
SWAPPED = {"ntu60_xsub_b", "ntu60_xsub_km"}
DROPPED = {"ntu120_xsub_k", "ntu60_xview_km"}
# Rows where a dropped limb borders on the rest: zero here, minus the partner there (see the docs).
BORDER = {"k": [5, 12, 13, 9, 16, 17], "km": [5, 12, 13, 9, 16, 17]}


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
        torch.tensor(angles[None]), torch.tensor([swapped]), torch.tensor([limb])
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
    draws = AugmentationDraws(torch.zeros(6, 3), swapped, torch.full((6,), -1))
    found = apply_augmentation(bodies.clone(), draws, Augmentation(0, 0.5, 0), toy5)
    assert torch.equal(found[0], bodies[0][..., [0, 1, 3, 2, 4], :])
    assert torch.equal(found[1], bodies[1])


def test_limb_drop_zeroes_the_drawn_limb_in_all_frames(bodies, toy5):
    limbs = torch.tensor([0, 1, -1, -1, -1, -1])
    draws = AugmentationDraws(torch.zeros(6, 3), torch.zeros(6, dtype=torch.bool), limbs)
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
    strength = Augmentation(0.2, 0.5, 0.3)
    draws = draw_augmentation(20_000, strength, 4, generator=torch.Generator().manual_seed(0))
    assert float(draws.angles.abs().max()) <= 0.2
    assert float(draws.angles.abs().max()) > 0.19
    assert abs(float(draws.swapped.float().mean()) - 0.5) < 0.02
    shares = [float((draws.limb == limb).float().mean()) for limb in range(-1, 4)]
    np.testing.assert_allclose(shares, [0.7, 0.075, 0.075, 0.075, 0.075], atol=0.02)
