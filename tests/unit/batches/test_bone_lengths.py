import json

import pytest
import torch

from protogcn.batches.bone_lengths import alike_on_both_sides, draw_lengths, stretch_bones
from protogcn.config.skeleton import built_in_skeletons
from tests.conftest import GOLDEN
from tests.made.golden_network import golden_clips

NTU, COCO = (built_in_skeletons()[name] for name in ("ntu25", "coco20"))


def test_bones_are_those_of_the_released_code():
    expected = json.loads((GOLDEN / "frhead.json").read_text())["bone_scale"]
    bodies = golden_clips(25, 1, 4, empty=())[0].float()
    bodies[1, 3] = 0
    factors, parents = torch.ones(1, 25), NTU.parents_from(0)
    bones = expected["bone_order_parent_child_0based"]
    for draw, (parent, child) in zip(expected["draws_in_bone_order"], bones, strict=True):
        assert parents[child] == parent
        factors[0, child] = 1 + draw
    found = stretch_bones(bodies, alike_on_both_sides(factors, NTU).expand(2, 25), NTU)
    assert found.sum().item() == pytest.approx(expected["sum"], abs=1e-6)
    assert found.norm().item() == pytest.approx(expected["l2"], abs=1e-6)
    shown = torch.tensor(expected["person0_frame2_joints_0_7_11_19_21_23"])
    torch.testing.assert_close(found[0, 2, [0, 7, 11, 19, 21, 23]], shown, rtol=0, atol=1e-6)
    assert not found[1, 3].any()


@pytest.mark.parametrize("skeleton", [NTU, COCO], ids=lambda each: each.name)
def test_both_sides_are_changed_alike(skeleton):
    factors = draw_lengths(500, 0.2, skeleton, generator=torch.Generator().manual_seed(0))
    assert torch.equal(factors[:, skeleton.swap], factors)
    middle = next(joint for joint, other in enumerate(skeleton.swap) if joint == other)
    left = skeleton.pairs[-1][0]
    assert 0.8 <= factors.min() <= factors.max() <= 1.2
    assert factors[:, left].std() < factors[:, middle].std()  # a mean of two


def test_scores_stay_in_two_dimensions():
    poses = torch.rand(1, 2, 20, 3)
    factors = torch.full((1, 20), 1.5)
    found = stretch_bones(poses, factors, COCO)
    root = COCO.root
    assert torch.equal(found[..., 2], poses[..., 2])
    expected = poses[:, :, [root]] + 1.5 * (poses - poses[:, :, [root]])
    torch.testing.assert_close(found[..., :2], expected[..., :2])
