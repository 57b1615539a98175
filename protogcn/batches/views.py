"""The joints of crops -> the modality that a network reads, where no file holds it.

Some networks read joints whatever the modality, and random bone lengths change joints.
Shapes: N clips, B rows of bodies, T frames of a crop, V joints, C channels.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor

from protogcn.batches.augment import difference
from protogcn.batches.bodies import Bodies
from protogcn.batches.device import to_device
from protogcn.config.skeleton import Skeleton

if TYPE_CHECKING:  # batches need nothing that reading a config does
    from protogcn.config.resolved import Run


@dataclass(frozen=True)
class CropView:
    """A modality of crops whose joints are gathered.

    Attributes:
        still: j, b or k, as in ``compute_modality``.
        motion: of what the modality is the difference: of the clip's frames, of the crop's, or not.
        skeleton: the layout.
        with_positions: in the form of BlockGCN: joints are relative to the root, whose own row,
            also among bones, is its position; and the joints themselves are handed on besides.
    """

    still: Literal["j", "b", "k"]
    motion: Literal["none", "clip", "sampled"]
    skeleton: Skeleton
    with_positions: bool = False

    @classmethod
    def of(cls, run: "Run") -> "CropView | None":
        """Return the view of a run; None if a file holds its modality."""
        if not run.reads_joints:
            return None
        return cls(
            still=run.modality_of_input.removesuffix("m"),
            motion=run.settings["difference"] if run.modality.endswith("m") else "none",
            skeleton=run.dataset.skeleton,
            with_positions=run.reads_positions,
        )

    def frames_read(self, frames: Tensor, num_frames: Tensor) -> Tensor:
        """Return the frames to gather for crops of these, (N, T), in clips of this length, (N,).

        For the motion of a clip each frame's successor is read too: (N, 2 T).
        """
        if self.motion != "clip":
            return frames
        return torch.cat([frames, torch.minimum(frames + 1, num_frames[:, None] - 1)], dim=1)

    def __call__(self, bodies: Bodies, following: Tensor | None = None) -> Bodies:
        """Joints of ``frames_read`` -> the modality; ``following`` as in ``difference``."""
        joints = values = bodies.values
        if self.motion == "clip":
            joints, after = joints.chunk(2, dim=1)
            values = after - joints
        elif self.motion == "sampled":
            values = difference(joints, following)
        bodies = bodies._replace(values=self._of_joints(values))
        return bodies._replace(positions=joints) if self.with_positions else bodies

    def _of_joints(self, joints: Tensor) -> Tensor:
        """(B, T, V, C) -> (B, T, V, C), as ``data/bones.py`` does it for whole clips."""
        skeleton, scored = self.skeleton, self.skeleton.in_image
        match self.still:
            case "b":
                partners = skeleton.bone_partners
            case "k":
                partners = skeleton.two_step_partners
            case _ if self.with_positions:
                partners = skeleton.bone_partners * 0 + skeleton.root
            case _:
                return joints
        taken = joints.index_select(2, to_device(torch.from_numpy(partners), joints.device))
        values = joints - taken
        if self.with_positions:
            values[:, :, skeleton.root] = joints[:, :, skeleton.root]
        if scored and self.still == "b":
            values[..., 2] = (joints[..., 2] + taken[..., 2]) / 2
        elif scored and self.still == "j":
            values[..., 2] = joints[..., 2]
        return values
