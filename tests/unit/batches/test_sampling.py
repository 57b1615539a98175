import hashlib
import json

import numpy as np
import pytest
import torch

from protogcn.batches.sampling import FrameDraws, draw_frames, scoring_frames, training_frames
from tests.conftest import GOLDEN

RELEASED = {
    key: value
    for key, value in json.loads((GOLDEN / "sampling.json").read_text()).items()
    if key.endswith("|test")
}


@pytest.mark.parametrize("key", RELEASED)
def test_scoring_frames_equal_the_released_ones(key):
    total, crops = (int(part.split("=")[1]) for part in key.split("|")[1:3])
    spread = key.startswith("UniformSampleFrames|")
    frames = scoring_frames(total, 100, crops, spread=spread)
    text = ",".join(map(str, frames.ravel()))
    assert frames.sum() == RELEASED[key]["sum"]
    assert hashlib.sha256(text.encode()).hexdigest()[:16] == RELEASED[key]["sha256"]
    assert frames[:, :5].tolist() == RELEASED[key]["first5_each_clip"]
    assert frames[:, -1].tolist() == RELEASED[key]["last_each_clip"]


def sample(totals, length, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return training_frames(
        torch.tensor(totals), draw_frames(len(totals), length, generator=generator)
    )


@pytest.mark.parametrize("total", [1, 2, 9, 10, 11, 15, 19, 20, 21, 35, 300])
def test_training_frames_lie_in_the_clip(total):
    frames = sample([total] * 200, 10)
    assert frames.shape == (200, 10)
    assert 0 <= int(frames.min())
    assert int(frames.max()) < total


@pytest.mark.parametrize("total", [10, 11, 15, 19, 20, 21, 300])
def test_clips_as_long_as_the_crop_are_sampled_in_order_without_repetition(total):
    assert (sample([total] * 200, 10).diff(dim=1) > 0).all()


def test_a_clip_as_long_as_the_crop_is_taken_whole():
    assert sample([10], 10)[0].tolist() == list(range(10))


def test_shorter_clips_go_round_in_a_circle():
    frames = sample([4] * 100, 10)
    assert (frames.diff(dim=1) % 4 == 1).all()
    assert set(frames[:, 0].tolist()) == {0, 1, 2, 3}


def test_one_frame_is_sampled_again_and_again():
    assert sample([1], 6)[0].tolist() == [0] * 6


def test_long_clips_give_one_frame_of_each_stretch():
    frames = sample([45] * 300, 10)
    edges = np.arange(11) * 45 // 10
    for place in range(10):
        assert set(frames[:, place].tolist()) == set(range(edges[place], edges[place + 1]))


def test_left_out_frames_are_uniform():
    """A clip of 15 leaves out 5 of 11 places; each frame is taken with its exact probability."""
    frames = sample([15] * 20_000, 10)
    share = torch.bincount(frames.flatten(), minlength=15) / 20_000
    subsets = 0
    expected = np.zeros(15)
    for bits in range(1 << 11):
        chosen = [(bits >> place) & 1 for place in range(11)]
        if sum(chosen) == 5:
            subsets += 1
            expected[np.arange(10) + np.cumsum(chosen)[:10]] += 1
    np.testing.assert_allclose(share, expected / subsets, atol=0.02)


def test_the_places_with_the_lowest_numbers_are_left_out():
    skips = torch.tensor([[0.5, 0.1, 0.9, 0.1, 0.7], [0.0, 0.0, 0.0, 0.0, 0.0]])
    draws = FrameDraws(torch.zeros(2), skips, torch.zeros(2, 4))
    frames = training_frames(torch.tensor([6, 5]), draws)
    assert frames.tolist() == [[0, 2, 3, 5], [1, 2, 3, 4]]


def test_clips_of_all_lengths_in_one_batch_are_sampled_as_each_alone():
    draws = draw_frames(6, 10, generator=torch.Generator().manual_seed(0))
    totals = torch.tensor([3, 10, 15, 45, 19, 20])
    together = training_frames(totals, draws)
    for clip in range(6):
        one = slice(clip, clip + 1)
        alone = FrameDraws(draws.start[one], draws.skips[one], draws.within[one])
        assert torch.equal(training_frames(totals[one], alone)[0], together[clip])


def test_uniform_numbers_next_to_one_stay_in_the_clip():
    nearly = float(np.nextafter(np.float32(1), np.float32(0)))
    draws = FrameDraws(torch.full((2,), nearly), torch.rand(2, 5), torch.full((2, 4), nearly))
    frames = training_frames(torch.tensor([3, 1_000_003]), draws)
    assert int(frames[0].max()) < 3
    assert int(frames[1].max()) < 1_000_003


def test_same_seed_same_frames_other_seed_other_frames():
    totals = [30, 150, 260]
    assert torch.equal(sample(totals, 100, seed=4), sample(totals, 100, seed=4))
    assert not torch.equal(sample(totals, 100, seed=4), sample(totals, 100, seed=5))
