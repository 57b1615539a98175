"""A stretch of a clip resized to a crop: the places between frames that it takes, linear in time.

Source: CTR-GCN's input, which most later graph networks have: in training half of a clip or more
(64 frames at least), at test time the middle 95 %.
Shapes: N clips, T frames of a clip, L frames of a crop.
"""

import numpy as np
import torch
from torch import Tensor

_SHORTEST = 64  # frames of a training stretch, if the clip has as many
_SMALLEST_SHARE, _TEST_SHARE = 0.5, 0.95


def draw_stretches(num_clips: int, *, generator: torch.Generator) -> Tensor:
    """Draw (N, 2) numbers in [0, 1) on the host: how long each stretch is, and where it begins."""
    return torch.rand(num_clips, 2, generator=generator)


def training_places(num_frames: Tensor, draws: Tensor, length: int) -> Tensor:
    """Return the places of one random stretch of each clip.

    Args:
        num_frames: (N,) integers, the length of each clip.
        draws: of ``draw_stretches``.
        length: L.

    Returns:
        (N, L) float64 numbers in [0, T - 1]; 2.25 is a quarter of the way from frame 2 to frame 3.
    """
    longest, begin = draws.double().unbind(1)
    share = _SMALLEST_SHARE + (1 - _SMALLEST_SHARE) * longest
    kept = torch.minimum((share * num_frames).long().clamp(min=_SHORTEST), num_frames)
    return _places((begin * (num_frames - kept + 1)).long(), kept, length)


def scoring_places(num_frames: int, length: int) -> np.ndarray:
    """Return the places of a clip's test crop, its middle: (1, L) float64."""
    cut = int((1 - _TEST_SHARE) * num_frames / 2)
    return _places(torch.tensor([cut]), torch.tensor([num_frames - 2 * cut]), length).numpy()


def _places(start: Tensor, kept: Tensor, length: int) -> Tensor:
    """Return the middles of L equal parts of each stretch, none beyond its first and last frame."""
    middles = torch.arange(length, dtype=torch.float64) + 0.5
    places = middles * kept[:, None] / length - 0.5  # (N, L)
    return torch.minimum(places.clamp(min=0), kept[:, None] - 1) + start[:, None]
