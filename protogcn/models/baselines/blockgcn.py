"""BlockGCN: heads of fixed graphs by hop distance, and the topology of a clip's mean pose.

Source: BlockGCN (Zhou et al., CVPR 2024), as its released code computes it. Shapes: B bodies, C
channels, T frames, V joints, S subsets, H heads, N clips.
"""

from collections.abc import Collection

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from protogcn.batches.bodies import Bodies
from protogcn.config.skeleton import Skeleton
from protogcn.models.baselines.ctrgcn import FourBranches, draw_as_authors, draw_by_fan_out
from protogcn.models.baselines.graph_network import BlockSize, GraphNetwork, NetworkSize
from protogcn.models.baselines.graphs import hop_distances
from protogcn.models.baselines.infogcn import JointEmbedding
from protogcn.models.baselines.mean_pose import ELEMENTS, StructureElements
from protogcn.models.compiled_sums import activate_sum
from protogcn.models.norms import ChannelsLastNorm, Shortcut, at_least_float32

NUM_SUBSETS, NUM_HEADS = 3, 8
_TINY = 1e-4


class BlockGCN(GraphNetwork):
    """The network of one stream; it reads the positions of the joints besides.

    Every body needs its own row, also an empty one: it has the encoding of its clip. A process
    without a clip has one row that counts for nothing.
    """

    def __init__(self, skeleton: Skeleton, size: NetworkSize, *, encoding: str):
        """Draw the initial weights from torch's global generator.

        Args:
            skeleton: the joint layout.
            size: of the network; the width doubles once, at the first block that halves the frames.
            encoding: ``released``, in which the logits of a clip depend on the batch it is in, or
                ``clean``.
        """
        sizes = _sizes(size)
        hops = hop_distances(skeleton)
        super().__init__(
            sizes,
            size.num_classes,
            input_norm=JointEmbedding(size, skeleton.num_joints),
            spatial=lambda each: HopGraph(each, hops),
            temporal=lambda each: FourBranches(each, activated=False),
        )
        self.released = encoding == "released"
        self.axes = 2 if skeleton.in_image else size.channels  # a score is no coordinate
        self.elements = StructureElements()
        self.encodings = nn.ModuleList(_Encoding(each.in_channels) for each in sizes)
        draw_as_authors(self, of_graphs=True)

    def _features(self, bodies: Bodies, wanted: Collection[int]) -> dict[int, Tensor]:
        topology, multiplicity = self._topology_of_rows(bodies), bodies.multiplicity  # (B, F), (B,)
        features = self.input_norm(bodies)
        kept = {0: features} if 0 in wanted else {}
        for number, (block, encode) in enumerate(zip(self.blocks, self.encodings, strict=True), 1):
            encoded = encode(topology, multiplicity).to(features.dtype)  # (B, C)
            features = block(features + encoded[:, None, None], multiplicity)
            if number in wanted:
                kept[number] = features
        return kept | {len(self.blocks): features}

    def _topology_of_rows(self, bodies: Bodies) -> Tensor:
        """Return (B, F), the topology of the clip of each row; released: of another clip."""
        topology, slots = self.topology(bodies), self.input_norm.norm.num_persons
        rows = topology.repeat(slots, 1) if self.released else topology.repeat_interleave(slots, 0)
        return rows[: bodies.values.shape[0]]  # all of them, if there is a clip

    def topology(self, bodies: Bodies) -> Tensor:
        """Return (N, F), what the mean pose of each clip's bodies is like."""
        kind = at_least_float32(bodies.positions.dtype)
        with torch.autocast(bodies.positions.device.type, enabled=False):
            of_bodies = bodies.positions.mean(1, dtype=kind)  # (B, V, C)
            # Not by len(), which would tie an exported network to one number of clips.
            has_clips = bodies.person_weights.shape[0] > 0
            poses = bodies.mean_over_persons(of_bodies) if has_clips else of_bodies
            return self.elements(poses[..., : self.axes], released=self.released)


class _Encoding(nn.Module):
    """What the topology of a clip adds to every frame and joint of its bodies."""

    def __init__(self, channels: int):
        super().__init__()
        self.map = nn.Linear(ELEMENTS, channels)
        self.norm = ChannelsLastNorm(channels)

    def forward(self, topology: Tensor, multiplicity: Tensor | None) -> Tensor:
        """(B, F) -> (B, C)."""
        with torch.autocast(topology.device.type, enabled=False):
            return F.relu(self.norm(self.map(topology), multiplicity))


class HopGraph(nn.Module):
    """Spatial part: each head of channels mixes the joints along its own graphs.

    A graph is a free matrix plus one number for each distance of two joints, both normed.
    """

    def __init__(self, size: BlockSize, hops: Tensor):
        super().__init__()
        in_channels, out_channels, joints = size.in_channels, size.out_channels, len(hops)
        self.graph = nn.Parameter(torch.eye(joints).repeat(NUM_SUBSETS, NUM_HEADS, 1, 1))
        self.by_hops = nn.Parameter(torch.zeros(NUM_SUBSETS, NUM_HEADS, int(hops.max()) + 1))
        self.register_buffer("hops", hops, persistent=False)
        self.expand = nn.Linear(in_channels // NUM_HEADS, NUM_SUBSETS * out_channels)
        self.norm = ChannelsLastNorm(out_channels)
        self.shortcut = Shortcut(in_channels, out_channels, mapped=in_channels != out_channels)
        draw_by_fan_out(self.expand, out_channels)

    def forward(self, features: Tensor, multiplicity: Tensor | None = None) -> Tensor:
        """(B, T, V, C) -> (B, T, V, C')."""
        heads = features.unflatten(3, (NUM_HEADS, -1)).transpose(2, 3)  # (B, T, H, V, c)
        weight = self.expand.weight.view(NUM_SUBSETS, NUM_HEADS, -1, heads.shape[4])
        weight = weight.permute(1, 3, 0, 2).flatten(2)  # (H, c, S * c')
        mapped = (heads @ weight).unflatten(4, (NUM_SUBSETS, -1))  # (B, T, H, V, S, c')
        mapped = mapped.transpose(3, 4).flatten(3, 4)  # (B, T, H, S * V, c')
        graphs = self.graphs().permute(1, 3, 0, 2).flatten(2)  # (H, V, S * V)
        mixed = (graphs.to(mapped.dtype) @ mapped).transpose(2, 3).flatten(3)  # (B, T, V, C')
        bias = self.expand.bias.view(NUM_SUBSETS, -1).sum(0)
        normed = self.norm(mixed + bias, multiplicity)
        return activate_sum(normed + self.shortcut(features, multiplicity))

    def graphs(self) -> Tensor:
        """Return (S, H, V, V), what joint v gives to joint w."""
        by_hops = self.by_hops[:, :, self.hops]
        return sum(
            each / (each.norm(dim=2, keepdim=True) + _TINY) for each in (self.graph, by_hops)
        )


def _sizes(size: NetworkSize) -> list[BlockSize]:
    sizes, channels, has_doubled = [], size.width, False
    for number in range(1, size.blocks + 1):
        stride = 2 if number in size.downsample else 1
        out_channels = channels * 2 if stride == 2 and not has_doubled else channels
        has_doubled = has_doubled or stride == 2
        sizes.append(BlockSize(number, channels, out_channels, stride))
        channels = out_channels
    return sizes
