"""The yardstick: ProtoGCN operation by operation, as the released code computes it.

Nothing is reordered, merged, batched or left out, so that it is the oracle of what the package's
network computes and the other side of every ratio of speed. Its state dict has the released keys,
and the memory bank. Shapes: N clips, M persons, C channels, T frames, V joints, K classes,
H features of a class.
"""

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from benchmarks.yardstick.blocks import Block
from protogcn.models.loss import Loss


class PlainProtoGCN(nn.Module):
    """The network of one stream, with the settings of ``protogcn.models.protogcn.ProtoGCN``."""

    def __init__(
        self,
        *,
        num_classes: int,
        num_joints: int,
        channels: int = 3,
        width: int = 96,
        blocks: int = 10,
        downsample: Sequence[int] = (5, 8),
        subsets: int = 8,
        prototypes: int = 400,
        contrast_weight: float = 0.2,
        contrast_features: int = 256,
        dropout: float = 0.1,
    ):
        super().__init__()
        self.contrast_weight = contrast_weight
        self.backbone = Backbone(
            num_joints,
            channels,
            width,
            [2 if number in downsample else 1 for number in range(1, blocks + 1)],
            subsets=subsets,
            prototypes=prototypes,
            dropout=dropout,
        )
        out_channels = self.backbone.post.out_channels
        self.cls_head = Head(out_channels, num_joints**2, num_classes, contrast_features)

    def forward(self, clips: Tensor) -> Tensor:
        """(N, M, T, V, C) -> logits (N, K); the prototypes are computed, and not used, as well."""
        features, _ = self.backbone(clips)
        return self.cls_head(features)

    def loss(self, clips: Tensor, labels: Tensor) -> Loss:
        """Clips (N, M, T, V, C), labels (N,) -> cross entropy plus the weighted contrast."""
        features, vectors = self.backbone(clips)
        logits = self.cls_head(features)
        cross_entropy = F.cross_entropy(logits, labels)
        contrast = self.cls_head.csc_loss(vectors, logits, labels)
        return Loss(
            total=cross_entropy + self.contrast_weight * contrast,
            parts={"cross_entropy": cross_entropy.detach(), "contrast": contrast.detach()},
            logits=logits.detach(),
        )


class Backbone(nn.Module):
    """All blocks, and the prototype reconstruction of the last one's relations."""

    def __init__(
        self,
        num_joints: int,
        channels: int,
        width: int,
        strides: Sequence[int],
        *,
        subsets: int,
        prototypes: int,
        dropout: float,
    ):
        super().__init__()
        self.data_bn = nn.BatchNorm1d(num_joints * channels)
        topology = 0.04 + 0.02 * torch.randn(subsets, num_joints, num_joints)
        outs = [width * math.prod(strides[: number + 1]) for number in range(len(strides))]
        ins = [channels, *outs[:-1]]
        self.gcn = nn.ModuleList(
            Block(ins[number], outs[number], topology, stride, residual=number > 0)
            for number, stride in enumerate(strides)
        )
        self.prn = Prototypes(outs[-1], prototypes, dropout)
        self.post = nn.Conv2d(outs[-1], outs[-1], 1)
        self.bn = nn.BatchNorm2d(outs[-1])
        self.relu = nn.ReLU()

    def forward(self, clips: Tensor) -> tuple[Tensor, Tensor]:
        """(N, M, T, V, C) -> features (N, M, C, T, V) and reconstructed relations (N, V * V)."""
        n, m, t, v, c = clips.shape
        x = clips.permute(0, 1, 3, 4, 2).reshape(n * m, v * c, t)
        x = self.data_bn(x).reshape(n * m, v, c, t).permute(0, 2, 3, 1)  # (NM, C, T, V)
        graphs = []
        for block in self.gcn:
            x, graph = block(x)
            graphs.append(graph)
        x = x.reshape(n, m, *x.shape[1:])  # (N, M, C, T, V)

        graph = graphs[-1].reshape(n, m, -1, v * v).mean(1)  # (N, C, V * V)
        rebuilt = []
        for number in range(n):
            pairs = self.prn(graph[number].permute(1, 0))  # (V * V, C)
            rebuilt.append(pairs.permute(1, 0).reshape(-1, v, v))
        graph = torch.stack(rebuilt)  # (N, C, V, V)
        graph = self.relu(self.bn(self.post(graph)))
        return x, graph.mean(1).reshape(n, v * v)


class Prototypes(nn.Module):
    """Rebuild the relations of one clip from prototypes."""

    def __init__(self, channels: int, num_prototypes: int, dropout: float):
        super().__init__()
        self.query_matrix = nn.Linear(channels, num_prototypes, bias=False)
        self.memory_matrix = nn.Linear(num_prototypes, channels, bias=False)
        self.softmax = nn.Softmax(dim=-1)
        self.dropout = nn.Dropout(dropout)

    def forward(self, pairs: Tensor) -> Tensor:
        """(V * V, C) -> (V * V, C)."""
        return self.dropout(self.memory_matrix(self.softmax(self.query_matrix(pairs))))


class Head(nn.Module):
    """Means and one linear map; holds the contrastive loss."""

    def __init__(self, channels: int, num_relations: int, num_classes: int, contrast_features: int):
        super().__init__()
        self.csc_loss = Contrast(num_relations, num_classes, contrast_features)
        self.fc_cls = nn.Linear(channels, num_classes)
        nn.init.normal_(self.fc_cls.weight, std=0.01)
        nn.init.zeros_(self.fc_cls.bias)

    def forward(self, features: Tensor) -> Tensor:
        """(N, M, C, T, V) -> logits (N, K)."""
        return self.fc_cls(features.mean((-2, -1)).mean(1))


class Contrast(nn.Module):
    """Class-specific contrastive loss; the bank is a buffer here, (H, K)."""

    bank: Tensor

    def __init__(self, num_relations: int, num_classes: int, features: int):
        super().__init__()
        self.cl_fc = nn.Linear(num_relations, features)
        self.register_buffer("bank", torch.randn(features, num_classes))

    def forward(self, vectors: Tensor, logits: Tensor, labels: Tensor) -> Tensor:
        """Vectors (N, V * V), logits (N, K), labels (N,) -> a scalar."""
        features = self.cl_fc(vectors)  # (N, H)
        num_classes = logits.shape[1]
        found = F.one_hot(logits.argmax(1), num_classes)
        hits = (found * F.one_hot(labels, num_classes)).to(features.dtype)  # (N, K)
        counts = hits.sum(0, keepdim=True)  # (1, K)
        means = features.t() @ hits / counts.clamp(min=1)  # (H, K)
        share = 0.1 * (counts > 0).to(features.dtype)  # (1, K)
        bank = self.bank * (1 - share) + means * share  # (H, K)
        if self.training:
            self.bank = bank.detach()
        cosines = F.normalize(features, dim=1) @ F.normalize(bank, dim=0)  # (N, K)
        return F.cross_entropy(cosines / 0.125, labels)
