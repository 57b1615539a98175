"""Refinement heads: clips drawn to their class and away from what it is taken for, at four depths.

Source: FR-Head (Zhou et al., CVPR 2023), as its released code computes it. Shapes: N clips, B
bodies, T frames, V joints, C channels, H features, K classes.
"""

from collections.abc import Mapping
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from protogcn.batches.parallel import gathered, is_parallel
from protogcn.errors import ConfigError
from protogcn.models.add_on import AddOn, StepView
from protogcn.models.loss import mean_cross_entropy
from protogcn.models.norms import ChannelsLastNorm, at_least_float32

FEATURES = 256
_MOMENTUM = 0.9
_SCALE = 0.125  # the temperature, and the weight of the penalties
_TINY = 1e-12
_LAST_WEIGHTS = (0.1, 0.2, 0.5, 1.0)  # of the depths, the deepest last


class RefinementHeads(AddOn):
    """A spatial and a temporal head after the first block, each down-sampling one, and the last."""

    term = "refinement"

    def __init__(
        self,
        sizes: Mapping[int, tuple[int, int]],
        num_joints: int,
        num_classes: int,
        *,
        weight: float = 0.1,
        only_right: bool = False,
    ):
        """Draw the heads from torch's global generator.

        Args:
            sizes: number of a block -> its channels and frames.
            num_joints: V.
            num_classes: K.
            weight: of the loss.
            only_right: the penalties are those of clips that are recognised alone (V1 in the
                released code, else V0).

        Raises:
            ConfigError: more joints or frames than features.
        """
        super().__init__()
        self.weight = weight
        self.blocks = tuple(sizes)
        self.depth_weights = ((_LAST_WEIGHTS[0],) * len(sizes) + _LAST_WEIGHTS)[-len(sizes) :]
        self.heads = nn.ModuleDict()
        for block, (channels, frames) in sizes.items():
            for name, count in (("spatial", num_joints), ("temporal", frames)):
                if count > FEATURES:
                    raise ConfigError(
                        f"model frhead: {count} {'joints' if name == 'spatial' else 'frames'} are"
                        f" more than the {FEATURES} features of a head."
                    )
                self.heads[f"{block}_{name}"] = _Head(channels, count, num_classes, only_right)

    def forward(self, step: StepView) -> Tensor:
        """Return the weighted sum of all heads' losses; their memories move in training mode."""
        total = step.logits.new_zeros(())
        for block, weight in zip(self.blocks, self.depth_weights, strict=True):
            features = step.features[block]  # (B, T, V, C)
            kind = at_least_float32(features.dtype)
            for name, axis in (("spatial", 1), ("temporal", 2)):
                with torch.autocast(features.device.type, enabled=False):
                    pooled = step.bodies.mean_over_persons(features.mean(axis, dtype=kind))
                    total = total + weight * self.heads[f"{block}_{name}"](pooled, step)
        return total


class _ClassMeans(NamedTuple):
    """Of a group of clips: the mean of each class (K, H), 0 without one; (K,) 1 if it has one."""

    means: Tensor
    exists: Tensor


def _cosine(first: Tensor, second: Tensor) -> Tensor:
    """Return the cosine along the last axis."""
    norms = (first.norm(dim=-1) + _TINY) * (second.norm(dim=-1) + _TINY)
    return (first * second).sum(-1) / norms


class _Head(nn.Module):
    """One feature vector for each clip, compared with a memory of one vector for each class."""

    memory: Tensor

    def __init__(self, channels: int, count: int, num_classes: int, only_right: bool):
        super().__init__()
        width = FEATURES // count
        self.only_right = only_right
        self.squeeze = nn.Linear(channels, width)
        self.norm = ChannelsLastNorm(width)
        self.register_buffer("memory", torch.randn(num_classes, FEATURES))
        self.project = nn.Linear(width * count, FEATURES)

    def forward(self, pooled: Tensor, step: StepView) -> Tensor:
        """(N, joints or frames, C) -> the loss, a scalar."""
        squeezed = F.relu(self.norm(self.squeeze(pooled)))  # (N, joints or frames, H / count)
        features = self.project(squeezed.transpose(1, 2).flatten(1))  # (N, H)
        logits, labels = step.logits.detach(), step.labels
        memory, missed, mistaken = self._groups(features, logits, labels)
        if self.training:
            self.memory.copy_(memory.detach())
        similar = _cosine(features.unsqueeze(1), memory)  # (N, K)
        own = F.one_hot(labels, len(memory)).to(features.dtype)  # (N, K)
        # How little the network trusts the right class; the penalties are 0 without such clips.
        doubt = 1 - logits.softmax(1).to(features.dtype).gather(1, labels[:, None]).squeeze(1)
        if self.only_right:
            doubt = doubt * (logits.argmax(1) == labels)
        pull = (_cosine(features, missed.means[labels]) - 1) * doubt * missed.exists[labels]
        push = (_cosine(features, mistaken.means[labels]) + 1) * doubt * mistaken.exists[labels]
        losses = [
            mean_cross_entropy(similar / _SCALE + penalty[:, None] * own, labels, step.bodies.part)
            for penalty in (pull, -push)
        ]
        return losses[0] + losses[1]

    def _groups(
        self, features: Tensor, logits: Tensor, labels: Tensor
    ) -> tuple[Tensor, _ClassMeans, _ClassMeans]:
        """Return the moved memory (K, H), and of each class what is missed and mistaken for it."""
        num_classes = len(self.memory)
        predicted = logits.argmax(1)
        of_label = F.one_hot(labels, num_classes)  # (N, K)
        of_prediction = F.one_hot(predicted, num_classes)
        right = of_label * of_prediction
        groups = torch.stack([right, of_label - right, of_prediction - right]).to(features.dtype)
        sums, counts = groups.transpose(1, 2) @ features, groups.sum(1)  # (3, K, H), (3, K)
        if is_parallel():  # the clips of the whole batch, in one message
            together = gathered(torch.cat([sums, counts.unsqueeze(2)], dim=2)).sum(0)
            sums, counts = together[..., :-1], together[..., -1]
        means = sums / counts.clamp(min=1).unsqueeze(2)
        exists = (counts > 0).to(features.dtype)
        moved = torch.lerp(means[0], self.memory, _MOMENTUM)
        memory = torch.where(exists[0].unsqueeze(1) > 0, moved, self.memory)
        return memory, _ClassMeans(means[1], exists[1]), _ClassMeans(means[2], exists[2])
