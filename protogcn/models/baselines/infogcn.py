"""InfoGCN: attention over the joints of each frame, and a bottleneck in front of the classifier.

Source: InfoGCN (Chi et al., CVPR 2022), as its released code computes it. Shapes: B bodies, C
channels, T frames, V joints, H heads, D features of a head, N clips, Z features of the bottleneck,
K classes.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from protogcn.batches.bodies import Bodies
from protogcn.batches.parallel import gathered, is_parallel, num_processes, of_whole_batch
from protogcn.config.skeleton import Skeleton
from protogcn.models.add_on import StepView
from protogcn.models.baselines.ctrgcn import (
    FourBranches,
    draw_by_fan_out,
    draw_classifier,
    draw_shortcut,
)
from protogcn.models.baselines.graph_network import BlockSize, GraphNetwork, NetworkSize
from protogcn.models.baselines.graphs import ancestor_matrix
from protogcn.models.compiled_sums import activate_sum
from protogcn.models.loss import Loss, loss_of_step
from protogcn.models.norms import ChannelsLastNorm, PersonNorm, Shortcut

NUM_HEADS = 3
PRIOR_WEIGHT, MEAN_WEIGHT = 0.1, 1e-4  # of the two losses of the bottleneck
_PRIOR_GAIN = 3.0
_LARGEST_NOISE = 100.0


class InfoGCN(GraphNetwork):
    """The network of one stream, which reads each joint relative to its k-th ancestor."""

    prior: Tensor

    def __init__(self, skeleton: Skeleton, size: NetworkSize, *, k: int, noise: float):
        """Draw the initial weights from torch's global generator.

        Args:
            skeleton: the joint layout.
            size: of the network.
            k: how many steps up the tree the joint is that another one is read relative to; more
                than the tree is deep is positions.
            noise: of the bottleneck in training.
        """
        sizes = size.of_blocks(size.width)
        super().__init__(
            sizes,
            size.num_classes,
            input_norm=JointEmbedding(
                size, skeleton.num_joints, relative_to=ancestor_matrix(skeleton, k)
            ),
            spatial=lambda each: AttentionGraph(each, skeleton.num_joints),
            temporal=FourBranches,
        )
        self.noise = noise
        for block in self.blocks:
            block.temporal.draw_by_default()
            draw_shortcut(block.shortcut)
        channels = sizes[-1].out_channels
        self.encode, self.mean, self.log_scale = (nn.Linear(channels, channels) for _ in range(3))
        for layer in (self.encode, self.mean, self.log_scale):
            nn.init.xavier_uniform_(layer.weight, gain=2**0.5)
        draw_classifier(self.classify)
        prior = torch.empty(size.num_classes, channels)
        self.register_buffer("prior", nn.init.orthogonal_(prior, gain=_PRIOR_GAIN))

    def loss(self, bodies: Bodies, labels: Tensor) -> Loss:
        """Cross entropy of noisy features, plus how far their means are from the prior and 0."""
        last = len(self.blocks)
        pooled = self._pooled(self._features(bodies, ())[last], bodies)  # (N, Z)
        with torch.autocast(pooled.device.type, enabled=False):
            features = self._noisy(pooled, bodies) if self.training else self._means(pooled)
            logits = self.classify(features)
            prior, mean = self._distances(features, labels)
        step = StepView(bodies, {}, None, logits, labels)
        found = loss_of_step(step, (), smoothing=self.label_smoothing)
        total = found.total + PRIOR_WEIGHT * prior + MEAN_WEIGHT * mean
        return Loss(
            total, found.parts | {"prior": prior.detach(), "mean": mean.detach()}, found.logits
        )

    def _classified(self, pooled: Tensor) -> Tensor:
        with torch.autocast(pooled.device.type, enabled=False):
            return self.classify(self._means(pooled))

    def _means(self, pooled: Tensor) -> Tensor:
        return self.mean(F.relu(self.encode(pooled)))

    def _noisy(self, pooled: Tensor, bodies: Bodies) -> Tensor:
        """(N, Z) -> means with noise, whose size the network chooses for each feature."""
        hidden = F.relu(self.encode(pooled))
        scales = (self.noise * self.log_scale(hidden)).exp().clamp(max=_LARGEST_NOISE)
        drawn = of_whole_batch(
            bodies.part,
            len(pooled),
            lambda rows: torch.randn(rows, pooled.shape[1], device=pooled.device),
        )
        return self.mean(hidden) + drawn.to(pooled.dtype) * scales

    def _distances(self, features: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Features (N, Z), labels (N,) -> two scalars, this process's share of each.

        The squared distance of each class's mean from its row of the prior, averaged over the
        classes of the batch; the norm of the mean of all.
        """
        members = F.one_hot(labels, len(self.prior)).to(features.dtype)  # (N, K)
        sums, counts = members.t() @ features, members.sum(0).unsqueeze(1)  # (K, Z), (K, 1)
        if is_parallel():  # the clips of the whole batch, in one message
            together = gathered(torch.cat([sums, counts], dim=1)).sum(0)
            sums, counts = together[:, :-1], together[:, -1:]
        squares = (sums / counts.clamp(min=1) - self.prior).square()
        present = (counts > 0).to(features.dtype)
        prior = (squares * present).sum() / (present.sum() * features.shape[1])
        mean = (sums.sum(0) / counts.sum()).norm()
        return prior / num_processes(), mean / num_processes()


class JointEmbedding(nn.Module):
    """Joints, mapped, with a vector of each joint, and normed.

    Each person slot and joint has statistics of its own.
    """

    def __init__(self, size: NetworkSize, num_joints: int, *, relative_to: Tensor | None = None):
        """``relative_to``: (V, V), the joint whose position is taken from each; None: none."""
        super().__init__()
        self.embed = nn.Linear(size.channels, size.width)
        self.places = nn.Parameter(torch.randn(num_joints, size.width))
        self.norm = PersonNorm(size.num_persons, num_joints * size.width)
        relative = None if relative_to is None else torch.eye(num_joints) - relative_to
        self.register_buffer("relative", relative)

    def forward(self, bodies: Bodies) -> Tensor:
        """(B, T, V, C) -> (B, T, V, width)."""
        values = bodies.values if self.relative is None else self.relative @ bodies.values
        return self.norm(bodies._replace(values=self.embed(values) + self.places))


class AttentionGraph(nn.Module):
    """Spatial part: in each frame, heads of attention times a learned graph mix the joints."""

    def __init__(self, size: BlockSize, num_joints: int):
        super().__init__()
        in_channels, out_channels = size.in_channels, size.out_channels
        self.width = in_channels // 8  # D
        self.graph = nn.Parameter(torch.eye(num_joints).repeat(NUM_HEADS, 1, 1))
        self.norm_input = nn.LayerNorm(in_channels)
        self.relate = nn.Linear(in_channels, 2 * NUM_HEADS * self.width)
        self.expand = nn.Linear(in_channels, NUM_HEADS * out_channels)  # the head is outermost
        self.norm = ChannelsLastNorm(out_channels)
        self.shortcut = Shortcut(in_channels, out_channels, mapped=in_channels != out_channels)
        nn.init.normal_(self.relate.weight)
        fan = out_channels * in_channels * NUM_HEADS
        nn.init.normal_(self.expand.weight, std=(2 / fan) ** 0.5)
        nn.init.zeros_(self.expand.bias)
        nn.init.constant_(self.norm.weight, 1e-6)  # a block starts as its shortcuts
        for layer in self.shortcut.children():
            if isinstance(layer, nn.Linear):
                draw_by_fan_out(layer, out_channels)

    def forward(self, features: Tensor, multiplicity: Tensor | None = None) -> Tensor:
        """(B, T, V, C) -> (B, T, V, C')."""
        attention = self.attention(features) * self.graph  # (B, T, H, V, V)
        mixed = attention.to(features.dtype) @ features.unsqueeze(2)  # (B, T, H, V, C)
        weight = self.expand.weight.unflatten(0, (NUM_HEADS, -1))  # (H, C', C)
        bias = self.expand.bias.view(NUM_HEADS, -1).sum(0)
        mixed = mixed.transpose(2, 3).flatten(3)  # (B, T, V, H * C)
        expanded = F.linear(mixed, weight.transpose(0, 1).flatten(1), bias)
        normed = self.norm(expanded, multiplicity)
        return activate_sum(normed + self.shortcut(features, multiplicity))

    def attention(self, features: Tensor) -> Tensor:
        """(B, T, V, C) -> what joint v takes from joint w, rows add up to 1, (B, T, H, V, V)."""
        both = self.relate(self.norm_input(features))  # (B, T, V, 2 H D)
        both = both.unflatten(3, (2, NUM_HEADS, self.width)).movedim(2, 4)  # (B, T, 2, H, V, D)
        query, key = both.unbind(2)
        return (query @ key.transpose(3, 4) * self.width**-0.5).softmax(4)
