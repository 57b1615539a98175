"""The mean pose of a clip -> numbers that tell how its joints lie to each other.

Persistent homology of dimension 0: of a cloud of points, one for each joint, the scales at which
parts of it become one, which are the edges of its minimum spanning tree. Source: BlockGCN (Zhou et
al., CVPR 2024), topology encoding. Shapes: N clips, V joints, E = V - 1 edges, F elements.
"""

import torch
from torch import Tensor, nn

ELEMENTS = 64


def deaths_of(poses: Tensor) -> tuple[Tensor, Tensor]:
    """Return the edges of the spanning tree, sorted, and the largest distance of two joints.

    A joint's point is the row of its distances to all joints.

    Args:
        poses: (N, V, C) positions.

    Returns:
        (N, E) and (N,), in units of the positions.
    """
    between = _distances(poses)
    return _spanning_tree(_distances(between)).sort(dim=1)[0], between.flatten(1).amax(1)


def _distances(points: Tensor) -> Tensor:
    """(N, V, C) -> (N, V, V); torch.cdist would tie compiled and exported code to one N."""
    return (points.unsqueeze(2) - points.unsqueeze(1)).square().sum(3).sqrt()


def _spanning_tree(distances: Tensor) -> Tensor:
    """(N, V, V) -> the E edges of each minimum spanning tree (N, E), by Prim's algorithm."""
    num_clips, num_joints = distances.shape[:2]
    clips = torch.arange(num_clips, device=distances.device)
    nearest = distances[:, 0].clone()  # (N, V) of each joint, to the tree
    nearest[:, 0] = torch.inf
    edges = []
    for _ in range(num_joints - 1):
        edge, joint = nearest.min(dim=1)  # (N,)
        edges.append(edge)
        reached = torch.isinf(nearest)
        nearest = torch.minimum(nearest, distances[clips, joint]).masked_fill(reached, torch.inf)
        nearest[clips, joint] = torch.inf
    return torch.stack(edges, dim=1)


class StructureElements(nn.Module):
    """Learned bumps over the edges' lengths, summed up: (N, F) numbers of each clip."""

    def __init__(self):
        super().__init__()
        self.centres = nn.Parameter(torch.rand(ELEMENTS, 2))  # of birth and death
        self.sharpness = nn.Parameter(torch.full((ELEMENTS, 2), 3.0))

    def forward(self, poses: Tensor, *, released: bool) -> Tensor:
        """Mean poses (N, V, C) -> (N, F).

        Args:
            poses: positions of the joints.
            released: as the released code does it: lengths relative to the largest distance in the
                whole batch, and edges of length 0 do not count, but fill up a batch's clips to the
                same number. Else relative to the clip's own, and every edge counts.
        """
        deaths, largest = deaths_of(poses.detach())
        scale = largest.amax(0).expand_as(largest) if released else largest
        deaths = deaths / torch.where(scale > 0, scale, 1).unsqueeze(1)
        none = (deaths == 0).sum(1)  # (N,)
        births, ends = self.centres.unbind(1)
        sharp = self.sharpness.square()
        offset = sharp[:, 0] * births.square()  # (F,)
        bumps = (-(offset + sharp[:, 1] * (ends - deaths.unsqueeze(2)).square())).exp()  # (N, E, F)
        if released:
            counted = (deaths > 0).to(bumps.dtype).unsqueeze(2)
            return (bumps * counted).sum(1) + (none - none.amin(0)).unsqueeze(1)
        return bumps.sum(1)
