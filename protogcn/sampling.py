"""Which frames of a clip a crop takes: uniform sampling of L frames, in training and at test time.

Source: PYSKL's UniformSampleDecode as ProtoGCN uses it (paper Table 2: uniform sampling, 100
frames). Shapes: N clips, T frames of a clip, L frames of a crop.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

_TEST_SEED = 255  # the released code seeds numpy with it before every test clip


def scoring_frames(num_frames: int, length: int, crops: int) -> np.ndarray:
    """Return the frames of a clip's test crops.

    They depend on the arguments only: numpy's generator of old, seeded with 255 for every clip,
    draws the numbers that the released code draws.

    Returns:
        (crops, L) frame numbers in [0, T).
    """
    generator = np.random.RandomState(_TEST_SEED)
    return np.stack([_one_crop(num_frames, length, generator) for _ in range(crops)])


def _one_crop(num_frames: int, length: int, generator: np.random.RandomState) -> np.ndarray:
    generator.rand()  # the released code draws a share of the clip and always uses all of it
    steps = np.arange(length)
    if num_frames < length:
        return (generator.randint(0, num_frames) + steps) % num_frames
    if num_frames < 2 * length:
        skipped = np.zeros(length + 1, dtype=np.int64)
        skipped[generator.choice(length + 1, num_frames - length, replace=False)] = 1
        return steps + np.cumsum(skipped)[:length]
    edges = np.arange(length + 1) * num_frames // length
    return edges[:-1] + generator.randint(np.diff(edges))


@dataclass(frozen=True)
class FrameDraws:
    """Uniform numbers in [0, 1) that decide the training crops of N clips.

    Attributes:
        start: (N,), where a clip shorter than the crop begins.
        skips: (N, L + 1), which frames a clip of one to two crop lengths leaves out.
        within: (N, L), which frame of its stretch a longer clip takes.
    """

    start: Tensor
    skips: Tensor
    within: Tensor


def draw_frames(num_clips: int, length: int, *, generator: torch.Generator) -> FrameDraws:
    """Draw the numbers for one training crop of each clip, on the generator's device."""
    device = generator.device
    return FrameDraws(
        start=torch.rand(num_clips, generator=generator, device=device),
        skips=torch.rand(num_clips, length + 1, generator=generator, device=device),
        within=torch.rand(num_clips, length, generator=generator, device=device),
    )


def training_frames(num_frames: Tensor, draws: FrameDraws) -> Tensor:
    """Return the frames of one crop of each clip.

    A clip shorter than the crop is played in a circle from a random frame; one of up to twice its
    length leaves frames out at random; a longer one gives a random frame of each of L stretches.

    Args:
        num_frames: (N,) integers, the length of each clip.
        draws: the random numbers.

    Returns:
        (N, L) frame numbers, each in [0, T).
    """
    length = draws.within.shape[1]
    total = num_frames[:, None]  # (N, 1)
    steps = torch.arange(length + 1, device=total.device)

    circle = (_scaled(draws.start[:, None], total) + steps[:-1]) % total  # (N, L)

    rank = draws.skips.argsort(dim=1).argsort(dim=1)  # (N, L + 1)
    skipped = (rank < total - length).cumsum(dim=1)[:, :-1]  # (N, L)
    thinned = steps[:-1] + skipped

    edges = steps * total // length  # (N, L + 1)
    stretched = edges[:, :-1] + _scaled(draws.within, edges.diff(dim=1))

    frames = torch.where(total < 2 * length, thinned, stretched)
    return torch.where(total < length, circle, frames)


def _scaled(uniform: Tensor, count: Tensor) -> Tensor:
    """Turn uniform numbers into integers in [0, count); float32 may round up to the count."""
    return torch.minimum((uniform * count).long(), (count - 1).clamp(min=0))
