"""Random changes of training crops, for a whole batch of bodies at once on its device.

All modalities are linear in the joints, so turning and swapping them equals turning and swapping
the joints first; a dropped limb is zero in the modality itself. Source: the released pipelines
(paper Table 2: random rotation). 2-D data is mirrored instead, and its motion is that of the
sampled frames, after the mirror. The mirror skips missing joints, whose x is zero: mirroring bones,
about width 0, equals the bones of mirrored joints only if both ends of a bone exist.
Shapes: N clips, B rows of bodies, T frames, V joints, C channels, the first x.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from protogcn.batches.device import to_device
from protogcn.config.skeleton import Skeleton


@dataclass(frozen=True)
class Augmentation:
    """How likely and how strong the changes are.

    Attributes:
        rotation: largest angle about each axis, radians.
        swap: probability of exchanging left and right joints.
        limb_drop: probability of setting one limb to zero.
        mirror: probability of mirroring left and right: positions and joints.
        sampled_difference: whether each frame becomes its difference to the next of the crop.
        swap_mirrors: whether a swap also changes the sign of x, so that it is a mirror image; the
            released one leaves coordinates alone.
    """

    rotation: float
    swap: float
    limb_drop: float
    mirror: float = 0.0
    sampled_difference: bool = False
    swap_mirrors: bool = False


@dataclass(frozen=True)
class AugmentationDraws:
    """What is done to each of N clips; on the host.

    Attributes:
        angles: (N, 3) radians about x, y and z.
        swapped: (N,) bool.
        limb: (N,) number of the limb to drop, -1 for none.
        mirrored: (N,) bool.
    """

    angles: Tensor
    swapped: Tensor
    limb: Tensor
    mirrored: Tensor

    def of_bodies(self, clips: np.ndarray, num_rows: int) -> "AugmentationDraws":
        """Return the draws of bodies: those of their clips, and no change in further rows.

        Args:
            clips: (R,) the clip that each of the first rows belongs to.
            num_rows: B.
        """
        of = torch.from_numpy(clips)
        return AugmentationDraws(
            _filled(self.angles[of], num_rows, 0),
            _filled(self.swapped[of], num_rows, False),
            _filled(self.limb[of], num_rows, -1),
            _filled(self.mirrored[of], num_rows, False),
        )


def draw_augmentation(
    num_clips: int, strength: Augmentation, num_limbs: int, *, generator: torch.Generator
) -> AugmentationDraws:
    """Draw what is done to each clip, on the host."""
    angles = torch.rand(num_clips, 3, generator=generator) * 2 - 1
    chance = torch.rand(num_clips, 2, generator=generator)
    limb = torch.randint(max(num_limbs, 1), (num_clips,), generator=generator)
    return AugmentationDraws(
        angles=angles * strength.rotation,
        swapped=chance[:, 0] < strength.swap,
        limb=torch.where(chance[:, 1] < strength.limb_drop, limb, -1),
        mirrored=torch.rand(num_clips, generator=generator) < strength.mirror,
    )


def apply_augmentation(
    bodies: Tensor,
    draws: AugmentationDraws,
    strength: Augmentation,
    skeleton: Skeleton,
    *,
    mirror_widths: Tensor | None = None,
) -> Tensor:
    """Change bodies (B, T, V, C) as drawn; changes that ``strength`` switches off cost nothing.

    Args:
        bodies: the crops; they may be changed in place.
        draws: what is done to each of the B bodies.
        strength: which changes there are.
        skeleton: the layout.
        mirror_widths: (R,) on the bodies' device, ``ClipStore.mirror_widths`` of the clip of each
            real body; no others are mirrored.
    """
    device = bodies.device
    if strength.rotation:
        turns = rotation_matrices(draws.angles).to(bodies.dtype)  # (B, 3, 3)
        bodies = turn(bodies, to_device(turns, device))
    if strength.swap:
        chosen = to_device(draws.swapped.nonzero()[:, 0], device)
        exchanged = bodies[chosen].index_select(2, _sides_exchanged(skeleton, device))
        if strength.swap_mirrors:
            exchanged[..., 0].neg_()
        bodies.index_copy_(0, chosen, exchanged)
    if strength.limb_drop:
        keep = _kept_joints(skeleton).to(bodies.dtype)[draws.limb]  # (B, V)
        keep = keep.repeat_interleave(bodies.shape[-1], dim=1)  # (B, V * C), fast to multiply by
        bodies.view(*bodies.shape[:2], -1).mul_(to_device(keep, device)[:, None])
    if strength.mirror:
        chosen = to_device(draws.mirrored.nonzero()[:, 0], device)
        order = _sides_exchanged(skeleton, device)
        bodies.index_copy_(0, chosen, mirrored(bodies[chosen], mirror_widths[chosen], order))
    return difference(bodies) if strength.sampled_difference else bodies


def turn(bodies: Tensor, turns: Tensor) -> Tensor:
    """Turn each body: (B, T, V, 3) with matrices (B, 3, 3) -> (B, T, V, 3)."""
    if bodies.device.type == "cpu":
        return (bodies.flatten(1, 2) @ turns.mT).view(bodies.shape)
    # A GPU may round the factors of a matrix product to 10 bits.
    return turn_by_parts(bodies, turns)


def turn_by_parts(bodies: Tensor, turns: Tensor) -> Tensor:
    """``turn`` as sums of products: exact everywhere, slow on the CPU."""
    x, y, z = bodies.split(1, dim=-1)  # (B, T, V, 1)
    to_x, to_y, to_z = turns[:, None, None].unbind(-1)  # (B, 1, 1, 3)
    return x * to_x + y * to_y + z * to_z


def mirrored(bodies: Tensor, widths: Tensor, order: Tensor) -> Tensor:
    """Mirror bodies (B, T, V, C): x becomes width - x, widths (B,), and sides are exchanged.

    A joint whose x is zero is missing and stays where it is.
    """
    x = bodies[..., 0]  # (B, T, V)
    across = torch.where(x != 0, widths[:, None, None] - x, x)
    return torch.cat([across[..., None], bodies[..., 1:]], dim=-1).index_select(2, order)


def difference(bodies: Tensor, following: Tensor | None = None) -> Tensor:
    """Return the step of each frame to the next: (B, T, V, C) -> (B, T, V, C).

    Args:
        bodies: the crops.
        following: (R,) on the host, the row whose first frame comes after the last frame of each of
            the first R rows, -1 for none: that last step is zero, as it is everywhere without
            ``following``.
    """
    steps = torch.zeros_like(bodies)
    torch.sub(bodies[:, 1:], bodies[:, :-1], out=steps[:, :-1])
    if following is not None:
        rows = (following >= 0).nonzero()[:, 0]
        before, after = to_device(rows, bodies.device), to_device(following[rows], bodies.device)
        steps[:, -1].index_copy_(0, before, bodies[after, 0] - bodies[before, -1])
    return steps


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


def _sides_exchanged(skeleton: Skeleton, device: torch.device) -> Tensor:
    """Return (V,) the joint that takes each joint's place."""
    return to_device(torch.from_numpy(skeleton.swap), device)


def _kept_joints(skeleton: Skeleton) -> Tensor:
    """Return (limbs + 1, V): 0 for the joints of a limb; the last row, for no limb, is all 1."""
    keep = torch.ones(len(skeleton.limbs) + 1, skeleton.num_joints)
    for number, limb in enumerate(skeleton.limbs):
        keep[number, list(limb)] = 0
    return keep


def _filled(values: Tensor, num_rows: int, filling: float) -> Tensor:
    """(R, ...) -> (num_rows, ...)."""
    further = values.new_full((num_rows - len(values), *values.shape[1:]), filling)
    return torch.cat([values, further])
