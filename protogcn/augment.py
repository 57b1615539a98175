"""Random changes of training crops, for a whole batch at once on its device.

All modalities are linear in the joints, so turning and swapping them equals turning and swapping
the joints first; a dropped limb is zero in the modality itself. Source: the released NTU pipeline
(paper Table 2: random rotation). Shapes: N clips, M persons, T frames, V joints, C channels.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from protogcn.skeleton import Skeleton


@dataclass(frozen=True)
class Augmentation:
    """How likely and how strong the changes are.

    Attributes:
        rotation: largest angle about each axis, radians.
        swap: probability of exchanging left and right joints (coordinates are not mirrored).
        limb_drop: probability of setting one limb to zero.
    """

    rotation: float
    swap: float
    limb_drop: float


@dataclass(frozen=True)
class AugmentationDraws:
    """What is done to each of N clips.

    Attributes:
        angles: (N, 3) radians about x, y and z.
        swapped: (N,) bool.
        limb: (N,) number of the limb to drop, -1 for none.
    """

    angles: Tensor
    swapped: Tensor
    limb: Tensor

    def to(self, device: torch.device) -> "AugmentationDraws":
        """Move the draws to another device."""
        return AugmentationDraws(
            self.angles.to(device), self.swapped.to(device), self.limb.to(device)
        )


def draw_augmentation(
    num_clips: int, strength: Augmentation, num_limbs: int, *, generator: torch.Generator
) -> AugmentationDraws:
    """Draw what is done to each clip, on the generator's device."""
    device = generator.device
    angles = torch.rand(num_clips, 3, generator=generator, device=device) * 2 - 1
    chance = torch.rand(num_clips, 2, generator=generator, device=device)
    limb = torch.randint(max(num_limbs, 1), (num_clips,), generator=generator, device=device)
    return AugmentationDraws(
        angles=angles * strength.rotation,
        swapped=chance[:, 0] < strength.swap,
        limb=torch.where(chance[:, 1] < strength.limb_drop, limb, -1),
    )


def apply_augmentation(
    crops: Tensor, draws: AugmentationDraws, strength: Augmentation, skeleton: Skeleton
) -> Tensor:
    """Turn, swap and drop: (N, M, T, V, 3) -> (N, M, T, V, 3).

    Changes that ``strength`` switches off cost nothing.
    """
    if strength.rotation:
        turned = crops.flatten(1, 3) @ rotation_matrices(draws.angles).mT.to(crops)  # (N, MTV, 3)
        crops = turned.view(crops.shape)
    if strength.swap:
        swapped = crops[..., torch.as_tensor(skeleton.swap, device=crops.device), :]
        crops = torch.where(draws.swapped[:, None, None, None, None], swapped, crops)
    if strength.limb_drop:
        keep = _kept_joints(skeleton).to(crops)[draws.limb]  # (N, V)
        crops = crops * keep[:, None, None, :, None]
    return crops


def rotation_matrices(angles: Tensor) -> Tensor:
    """Return Rz Ry Rx for angles (N, 3) about x, y, z: (N, 3, 3).

    The three factors are the transposes of the right-handed rotations, as released.
    """
    zero, one = torch.zeros_like(angles[:, 0]), torch.ones_like(angles[:, 0])
    (cx, cy, cz), (sx, sy, sz) = angles.cos().unbind(1), angles.sin().unbind(1)
    about_x = torch.stack([one, zero, zero, zero, cx, sx, zero, -sx, cx], dim=1)
    about_y = torch.stack([cy, zero, -sy, zero, one, zero, sy, zero, cy], dim=1)
    about_z = torch.stack([cz, sz, zero, -sz, cz, zero, zero, zero, one], dim=1)
    return about_z.view(-1, 3, 3) @ about_y.view(-1, 3, 3) @ about_x.view(-1, 3, 3)


def _kept_joints(skeleton: Skeleton) -> Tensor:
    """Return (limbs + 1, V): 0 for the joints of a limb; the last row, for no limb, is all 1."""
    keep = torch.ones(len(skeleton.limbs) + 1, skeleton.num_joints)
    for number, limb in enumerate(skeleton.limbs):
        keep[number, list(limb)] = 0
    return keep
