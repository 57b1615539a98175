"""Text alignment: features of a clip's body parts drawn to embeddings of texts about its class.

Source: GAP (Xiang et al., ICCV 2023), as its released code computes it, with fixed text embeddings:
the released code trains the text encoder too. Shapes: N clips, B bodies, T frames, V joints, C
channels, K classes, D numbers of an embedding, 5 kinds of text: of the whole body and 4 parts.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from protogcn.batches.parallel import gathered_rows, num_processes
from protogcn.models.add_on import AddOn, StepView
from protogcn.models.norms import at_least_float32

_SHARPNESS = 10  # of the wanted distribution over the clips of a batch
_FIRST_SCALE = math.log(1 / 0.07)  # used as it is, without CLIP's exponential


class TextEmbeddings(NamedTuple):
    """What texts about the classes say, as a text encoder gives it.

    Attributes:
        parts: (4, K, D), of head, hand, hip and foot.
        synonyms: (R, D), names of the classes.
        synonym_class: (R,) the class of each; every class has one at least.
    """

    parts: Tensor
    synonyms: Tensor
    synonym_class: Tensor


class TextAlignment(AddOn):
    """Five linear maps of pooled features, each compared with the texts of the batch's classes."""

    term = "text"

    def __init__(
        self,
        channels: int,
        block: int,
        parts: Sequence[Sequence[int]],
        num_joints: int,
        texts: TextEmbeddings,
        *,
        weight: float = 0.8,
    ):
        """Draw the maps from torch's global generator.

        Args:
            channels: C of the last block.
            block: the last block's number.
            parts: the joints of head, hand, hip and foot.
            num_joints: V.
            texts: the embeddings, which are constant.
            weight: of the loss.
        """
        super().__init__()
        self.weight = weight
        self.blocks = (block,)
        size = texts.parts.shape[2]
        self.project = nn.ModuleList(nn.Linear(channels, size) for _ in range(5))
        nn.init.normal_(self.project[0].weight, std=(2 / size) ** 0.5)
        nn.init.zeros_(self.project[0].bias)
        self.scales = nn.Parameter(torch.full((5,), _FIRST_SCALE))
        members = torch.zeros(5, num_joints)
        for row, joints in zip(members, [range(num_joints), *parts], strict=True):
            row[list(joints)] = 1
        order = texts.synonym_class.argsort(stable=True)
        counts = texts.synonym_class.bincount(minlength=texts.parts.shape[1])
        buffers = {
            "members": members,
            "parts": texts.parts.float(),
            "synonyms": texts.synonyms.float()[order],
            "first_synonym": counts.cumsum(0) - counts,
            "num_synonyms": counts,
        }
        for name, values in buffers.items():
            self.register_buffer(name, values, persistent=False)

    def forward(self, step: StepView) -> Tensor:
        """Return the mean over the five kinds; of several processes each has an equal share."""
        features = step.features[self.blocks[0]]  # (B, T, V, C)
        kind = at_least_float32(features.dtype)
        with torch.autocast(features.device.type, enabled=False):
            pooled = step.bodies.mean_over_persons(features.mean(1, dtype=kind))  # (N, V, C)
            members = self.members.to(pooled.dtype)
            of_kinds = (members @ pooled / members.sum(1, keepdim=True)).unbind(1)  # 5 of (N, C)
            projected = [
                project(each) for project, each in zip(self.project, of_kinds, strict=True)
            ]
            seen = torch.stack(projected, dim=1)  # (N, 5, D)
            told = self._texts(step).to(seen.dtype)  # (N, 5, D)
            both = gathered_rows(torch.stack([seen, told]).transpose(0, 1))  # (N, 2, 5, D)
            labels = gathered_rows(step.labels)
            losses = _divergences(*F.normalize(both, dim=3, eps=0).unbind(1), labels, self.scales)
            return losses.mean() / num_processes()

    def _texts(self, step: StepView) -> Tensor:
        """Return (N, 5, D): a synonym of each clip's class, drawn, and the texts of its parts."""
        labels = step.labels
        drawn = (step.uniform(1).squeeze(1) * self.num_synonyms[labels]).long()
        synonyms = self.synonyms[self.first_synonym[labels] + drawn]  # (N, D)
        return torch.cat([synonyms.unsqueeze(1), self.parts[:, labels].transpose(0, 1)], dim=1)


def _divergences(seen: Tensor, told: Tensor, labels: Tensor, scales: Tensor) -> Tensor:
    """Return (5, 2) the Kullback-Leibler divergences of clips to texts and of texts to clips.

    Args:
        seen: (N, 5, D) directions of the clips.
        told: (N, 5, D) directions of the texts.
        labels: (N,), of which the wanted distribution follows.
        scales: (5,), of the similarities.
    """
    similar = scales[:, None, None] * torch.einsum("nbd,mbd->bnm", seen, told)  # (5, N, N)
    same = (labels.unsqueeze(1) == labels).to(seen.dtype)
    wanted = F.log_softmax(_SHARPNESS * same, dim=1)  # symmetric
    ways = torch.stack([similar, similar.transpose(1, 2)], dim=1).log_softmax(3)  # (5, 2, N, N)
    return (wanted.exp() * (wanted - ways)).sum((2, 3)) / len(labels)
