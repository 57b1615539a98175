"""Which frames of a clip a crop takes: uniform sampling of L frames, in training and at test time.

Source: PYSKL's UniformSampleDecode as ProtoGCN uses it (paper Table 2: uniform sampling, 100
frames). Shapes: N clips, T frames of a clip, L frames of a crop.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

_TEST_SEED = 255  # the released code seeds numpy with it before every test clip


def scoring_frames(num_frames: int, length: int, crops: int, *, spread: bool = False) -> np.ndarray:
    """Return the frames of a clip's test crops.

    They depend on the arguments only: numpy's generator of old, seeded with 255 for every clip,
    draws the numbers that the released code draws.

    Args:
        num_frames: T.
        length: L.
        crops: how many.
        spread: where the crops of a clip shorter than L begin: spread evenly over it (the released
            UniformSampleFrames, of 2-D data and ST-GCN++), or drawn (UniformSampleDecode).

    Returns:
        (crops, L) frame numbers in [0, T).
    """
    if spread and num_frames < length:
        starts = np.arange(crops)
        if num_frames >= crops:
            starts = starts * num_frames // crops
        return (starts[:, None] + np.arange(length)) % num_frames
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
    """Draw the numbers for one training crop of each clip, on the host."""
    return FrameDraws(
        start=torch.rand(num_clips, generator=generator),
        skips=torch.rand(num_clips, length + 1, generator=generator),
        within=torch.rand(num_clips, length, generator=generator),
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
    frames = torch.empty_like(draws.within, dtype=torch.int64)  # (N, L)
    steps = torch.arange(length + 1)
    # Each case for its own clips only: sorting is what costs time.
    short = (num_frames < length).nonzero()[:, 0]
    medium = ((num_frames >= length) & (num_frames < 2 * length)).nonzero()[:, 0]
    long = (num_frames >= 2 * length).nonzero()[:, 0]
    frames[short] = _circle(num_frames[short, None], draws.start[short, None], steps[:-1])
    frames[medium] = _thinned(num_frames[medium, None], draws.skips[medium], steps)
    frames[long] = _stretched(num_frames[long, None], draws.within[long], steps)
    return frames


def _circle(total: Tensor, start: Tensor, steps: Tensor) -> Tensor:
    return (_scaled(start, total) + steps) % total


def _thinned(total: Tensor, skips: Tensor, steps: Tensor) -> Tensor:
    """Leave out the T - L of L + 1 places with the lowest numbers."""
    length = len(steps) - 1
    lowest = (steps < total - length).long()  # (n, L + 1)
    skipped = torch.empty_like(lowest).scatter_(1, skips.argsort(dim=1, stable=True), lowest)
    return steps[:-1] + skipped.cumsum(dim=1)[:, :-1]


def _stretched(total: Tensor, within: Tensor, steps: Tensor) -> Tensor:
    edges = steps * total // (len(steps) - 1)  # (n, L + 1)
    return edges[:, :-1] + _scaled(within, edges.diff(dim=1))


def _scaled(uniform: Tensor, count: Tensor) -> Tensor:
    """Turn uniform numbers into integers in [0, count); float32 may round up to the count."""
    return torch.minimum((uniform * count).long(), (count - 1).clamp(min=0))
