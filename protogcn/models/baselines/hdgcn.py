"""HD-GCN: graphs between groups of joints at growing distances from a root, weighed by attention.

Source: HD-GCN (Lee et al., ICCV 2023), as its released code computes it. Shapes: B bodies, C
channels, R reduced channels, T frames, V joints, L layers of the hierarchy.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from protogcn.config.skeleton import Skeleton
from protogcn.config.trunk import trunk_root
from protogcn.models.baselines.ctrgcn import FourBranches, draw_as_authors, draw_by_fan_out
from protogcn.models.baselines.graph_network import BlockSize, GraphNetwork, NetworkSize
from protogcn.models.baselines.hierarchies import hierarchy, hierarchy_graphs
from protogcn.models.compiled_sums import activate_sum
from protogcn.models.norms import (
    ChannelsLastNorm,
    PersonNorm,
    Shortcut,
    at_least_float32,
    map_and_norm,
)

_NEAREST_JOINTS, _NEAREST_LAYERS = 5, 3
_SLOPE = 0.2  # of the activation below 0


class HDGCN(GraphNetwork):
    """The network of one stream, for one root of the trunk."""

    def __init__(self, skeleton: Skeleton, size: NetworkSize, *, root: int):
        """Draw the initial weights from torch's global generator.

        Args:
            skeleton: the joint layout.
            size: of the network.
            root: which joint of ``trunk_roots`` the hierarchy starts from, counted from 1.

        Raises:
            ConfigError: the trunk has fewer joints.
        """
        groups = hierarchy(skeleton, trunk_root("model.root", skeleton, root))
        super().__init__(
            size.of_blocks(),
            size.num_classes,
            input_norm=PersonNorm(size.num_persons, skeleton.num_joints * size.channels),
            spatial=lambda each: HierarchyGraph(each, groups, skeleton.num_joints),
            temporal=lambda each: FourBranches(each, activated=False),
        )
        draw_as_authors(self, of_graphs=True)


class HierarchyGraph(nn.Module):
    """Spatial part: each layer of the hierarchy mixes the joints in four ways."""

    def __init__(self, size: BlockSize, groups: list[list[int]], num_joints: int):
        super().__init__()
        in_channels, out_channels = size.in_channels, size.out_channels
        graphs = hierarchy_graphs(groups, num_joints)
        self.layers, self.reduced = len(graphs), out_channels // 4
        reduced = self.layers * self.reduced
        self.graph = nn.Parameter(graphs)
        self.reduce = nn.Linear(in_channels, reduced)
        self.reduce_norm = ChannelsLastNorm(reduced)
        self.branch = nn.Linear(self.reduced, 3 * reduced)  # layer, then way, then channel
        self.branch_norm = ChannelsLastNorm(3 * reduced)
        self.edge = EdgeConvolution(self.reduced, self.layers, _NEAREST_JOINTS)
        self.attend = None  # the first block adds the layers up
        if size.number > 1:
            self.attend = LayerAttention(out_channels, groups, num_joints)
        self.norm = ChannelsLastNorm(out_channels)
        self.shortcut = Shortcut(in_channels, out_channels, mapped=in_channels != out_channels)
        for layer in (self.reduce, self.branch):
            draw_by_fan_out(layer, self.reduced)
        nn.init.constant_(self.norm.weight, 1e-6)  # a block starts as its shortcuts

    def forward(self, features: Tensor, multiplicity: Tensor | None = None) -> Tensor:
        """(B, T, V, C) -> (B, T, V, C')."""
        reduced = map_and_norm(
            self.reduce, self.reduce_norm, features, multiplicity, activated=True
        )
        layers = reduced.unflatten(3, (self.layers, self.reduced)).transpose(2, 3)
        parts = [self._mixed(layers, multiplicity), self._near(layers, multiplicity)]
        stacked = torch.cat(parts, dim=4)  # (B, T, V, L, C')
        if self.attend is None:
            merged = stacked.sum(3)
        else:
            weights = self.attend(stacked, multiplicity).to(stacked.dtype)  # (B, L, C')
            merged = torch.einsum("btvlc,blc->btvc", stacked, weights)
        normed = self.norm(merged, multiplicity)
        return activate_sum(normed + self.shortcut(features, multiplicity))

    def _mixed(self, layers: Tensor, multiplicity: Tensor | None) -> Tensor:
        """(B, T, L, V, R) -> the three ways of each layer's graph, (B, T, V, L, 3 R)."""
        mixed = self.graph.flatten(1, 2).to(layers.dtype) @ layers  # (B, T, L, 3 V, R)
        mixed = mixed.unflatten(3, (3, -1))  # (B, T, L, 3, V, R)
        weight = self.branch.weight.view(self.layers, 3, self.reduced, self.reduced)
        mapped = mixed @ weight.transpose(2, 3)
        mapped = mapped.movedim(4, 2).flatten(3) + self.branch.bias  # (B, T, V, L * 3 * R)
        return self.branch_norm(mapped, multiplicity).unflatten(3, (self.layers, -1))

    def _near(self, layers: Tensor, multiplicity: Tensor | None) -> Tensor:
        """(B, T, L, V, R) -> what joints with like features give, (B, T, V, L, R)."""
        means = layers.mean(1, dtype=at_least_float32(layers.dtype))  # (B, L, V, R)
        with torch.autocast(means.device.type, enabled=False):
            near = self.edge(means, multiplicity)  # (B, L, V, R)
        near = near.transpose(1, 2).unsqueeze(1).to(layers.dtype)
        return near.expand(-1, layers.shape[1], -1, -1, -1)


class EdgeConvolution(nn.Module):
    """Of nodes in each of some layers: the maximum over each one's nearest, by their features."""

    def __init__(self, channels: int, layers: int, nearest: int):
        super().__init__()
        self.nearest = nearest
        self.map = nn.Linear(2 * channels, layers * channels, bias=False)
        self.norm = ChannelsLastNorm(layers * channels)
        nn.init.normal_(self.map.weight, std=(2 / channels) ** 0.5)

    def forward(self, nodes: Tensor, multiplicity: Tensor | None) -> Tensor:
        """(B, L, V, R) -> (B, L, V, R)."""
        num_layers, num_nodes, channels = nodes.shape[1:]
        places = nodes.detach()
        distances = (places.unsqueeze(3) - places.unsqueeze(2)).square().sum(4)  # (B, L, V, V)
        nearest = min(self.nearest, num_nodes)
        indices = distances.topk(nearest, dim=3, largest=False)[1]  # (B, L, V, k)
        # A map of (neighbour - node, node) is one of the neighbour plus one of the node.
        weight = self.map.weight.view(num_layers, channels, 2, channels)
        of_neighbour, of_node = weight.unbind(2)  # (L, R, R)
        given = nodes @ of_neighbour.transpose(1, 2)
        kept = nodes @ (of_node - of_neighbour).transpose(1, 2)
        places = indices.flatten(2).unsqueeze(3).expand(-1, -1, -1, channels)
        edges = given.gather(2, places).unflatten(2, (num_nodes, nearest)) + kept.unsqueeze(3)
        edges = edges.movedim(1, 3)  # (B, V, k, L, R)
        normed = self.norm(edges.flatten(3), multiplicity).view(edges.shape)
        return F.leaky_relu(normed, _SLOPE).amax(2).transpose(1, 2)


class LayerAttention(nn.Module):
    """What each layer counts in each channel, from the joints that it joins."""

    members: Tensor

    def __init__(self, channels: int, groups: list[list[int]], num_joints: int):
        super().__init__()
        reduced = channels // 4
        self.reduce = nn.Linear(channels, reduced)
        self.reduce_norm = ChannelsLastNorm(reduced)
        self.edge = EdgeConvolution(reduced, 1, _NEAREST_LAYERS)
        self.expand = nn.Linear(reduced, channels)
        draw_by_fan_out(self.reduce, reduced)
        members = torch.zeros(len(groups) - 1, num_joints)
        for row, near, far in zip(members, groups, groups[1:], strict=False):
            row[[*near, *far]] = 1
        self.register_buffer("members", members, persistent=False)

    def forward(self, stacked: Tensor, multiplicity: Tensor | None) -> Tensor:
        """(B, T, V, L, C) -> (B, L, C), between 0 and 1."""
        largest = stacked.amax(1).to(at_least_float32(stacked.dtype))  # (B, V, L, C)
        with torch.autocast(largest.device.type, enabled=False):
            reduced = F.relu(self.reduce_norm(self.reduce(largest), multiplicity))
            members = self.members.to(reduced.dtype)
            sums = torch.einsum("lv,bvlr->blr", members, reduced)
            means = sums / members.sum(1, keepdim=True)
            edges = self.edge(means.unsqueeze(1), multiplicity).squeeze(1)  # (B, L, R)
            return self.expand(edges).sigmoid()
