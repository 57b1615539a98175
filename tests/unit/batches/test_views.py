import json

import numpy as np
import pytest
import torch

from protogcn.batches.augment import Augmentation
from protogcn.batches.batch import scoring_batch, training_batch
from protogcn.batches.bodies import all_bodies
from protogcn.batches.views import CropView
from protogcn.config.skeleton import built_in_skeletons
from protogcn.data.bones import compute_modality
from tests.conftest import GOLDEN
from tests.made.golden_network import golden_clips
from tests.unit.batches.test_resizing import store_of_clip

NTU, COCO = (built_in_skeletons()[name] for name in ("ntu25", "coco20"))
INPUTS = json.loads((GOLDEN / "blockgcn.json").read_text())["scaled"]["input_sum_l2"]


@pytest.mark.parametrize("motion", ["clip", "sampled"])
@pytest.mark.parametrize("modality", INPUTS)
def test_streams_of_blockgcn_equal_the_released_ones(modality, motion):
    view = CropView(
        modality[0],
        motion if modality.endswith("m") else "none",
        NTU,
        with_positions=True,
    )
    clips = golden_clips(25, 2).float().double()
    frames = view.frames_read(torch.arange(20)[None], torch.tensor([20]))[0]
    bodies = view(all_bodies(clips[:, :, frames]))
    found = [bodies.values.sum().item(), bodies.values.norm().item()]
    np.testing.assert_allclose(found, INPUTS[modality], rtol=1e-10)
    assert torch.equal(bodies.positions, clips.flatten(0, 1))


@pytest.mark.parametrize("skeleton", [NTU, COCO], ids=lambda each: each.name)
@pytest.mark.parametrize("modality", ["j", "b", "k", "jm", "bm", "km"])
@pytest.mark.parametrize("places", [[[0, 3, 3, 8, 5]], [[0.0, 0.25, 7.5, 8.0, 4.0]]])
def test_a_modality_of_crops_equals_the_crops_of_a_modality(skeleton, modality, places):
    """Also of the places between two frames, and of the last frame, whose motion is zero."""
    clip = torch.rand(1, 9, skeleton.num_joints, 3)
    whole = compute_modality(clip[0].numpy()[:, None], modality, skeleton, [8])
    view = CropView(modality[0], "clip" if modality[1:] else "none", skeleton)
    found, expected = (
        scoring_batch(store, np.array([0]), np.array([places])[0][None]).values
        for store in (
            store_of_clip(clip, view=view),
            store_of_clip(torch.from_numpy(whole).transpose(0, 1)),
        )
    )
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("crops", [1, 2])
def test_differences_of_a_crop_are_those_of_its_positions(crops):
    """Across the borders of crops too, as where positions are read from a file."""
    clip = torch.randn(2, 9, 25, 3)
    frames = np.arange(8).reshape(1, crops, -1)
    settings = {"sampled_difference": True, "across_crops": True}
    with_view = store_of_clip(clip, view=CropView("j", "sampled", NTU))
    found = scoring_batch(with_view, np.array([0]), frames, **settings)
    expected = scoring_batch(store_of_clip(clip), np.array([0]), frames, **settings)
    assert torch.equal(found.values, expected.values)


def test_bones_of_training_crops_are_stretched():
    """The lengths of bones change, the same for both persons and in all frames of a clip."""
    clip = torch.randn(2, 70, 25, 3)
    view = CropView("b", "none", NTU)
    bodies, _ = training_batch(
        store_of_clip(clip, view=view),
        np.array([0, 0]),
        NTU,
        length=48,
        strength=Augmentation(0.3, 0.0, 0.0),
        generator=torch.Generator().manual_seed(0),
        resized=True,
        bone_lengths=0.2,
    )
    plain, _ = training_batch(
        store_of_clip(clip, view=view),
        np.array([0, 0]),
        NTU,
        length=48,
        strength=Augmentation(0.0, 0.0, 0.0),
        generator=torch.Generator().manual_seed(0),
        resized=True,
    )
    ratio = bodies.values.norm(dim=3) / plain.values.norm(dim=3)  # (B, T, V)
    joints = [joint for joint in range(25) if joint != NTU.root]
    assert 0.8 <= ratio[..., joints].min() <= ratio[..., joints].max() <= 1.2
    torch.testing.assert_close(ratio[0, 0], ratio[1, 5], equal_nan=True)  # both persons, all frames
    assert not torch.allclose(ratio[0, 0, joints], ratio[2, 0, joints])  # another clip
