"""The clips of one modality in memory, and crops gathered from them in one batched call.

Shapes: F frames of all clips end to end, N clips of a batch, M persons, T frames of a crop,
V joints, C channels.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from protogcn.arrays import open_array
from protogcn.clip_table import ClipTable
from protogcn.config import Run
from protogcn.errors import ContractError

_SHARE_OF_MEMORY = 0.6  # of the device's free memory that the clips may take


@dataclass(frozen=True)
class ClipStore:
    """A dataset's frames and where each clip lies in them.

    Attributes:
        frames: (F, M, V, C) float32, on ``device`` if they fit there, else in host memory.
        first_frames: (all clips,) row of each clip's first frame.
        num_frames: (all clips,) length of each clip.
        labels: (all clips,) class numbers, on ``device``.
        table: ids and sides of the same clips.
        digest: SHA-256 of the frames.
        device: where crops are wanted.
    """

    frames: Tensor
    first_frames: Tensor
    num_frames: Tensor
    labels: Tensor
    table: ClipTable
    digest: str
    device: torch.device

    @classmethod
    def load(
        cls, values_path: Path, clips_path: Path, run: Run, device: torch.device
    ) -> "ClipStore":
        """Read the modality of a run.

        Raises:
            ContractError: a file is damaged, the two do not belong together, or they are not of
                this run's dataset, modality and preparation.
        """
        values, trailer = open_array(values_path)
        table = ClipTable.load(clips_path)
        if trailer["inputs"].get("clips") != table.digest:
            raise ContractError(f"{clips_path}: is not the table {values_path} was written with.")
        expected = {
            "modality": run.modality,
            "preparation": run.settings["preparation"],
            "shape of a frame": [run.dataset.persons, run.dataset.skeleton.num_joints, 3],
        }
        found = {key: trailer["inputs"].get(key) for key in ("modality", "preparation")}
        found["shape of a frame"] = list(values.shape[1:])
        if found != expected:
            raise ContractError(
                f"{values_path}: holds {found}, but run {run.name} needs {expected}; remove it and"
                " run again."
            )
        frames = torch.from_numpy(values)
        if device.type == "cuda":
            free, _ = torch.cuda.mem_get_info(device)
            if values.nbytes <= _SHARE_OF_MEMORY * free:
                frames = frames.to(device)
        where = frames.device
        return cls(
            frames=frames,
            first_frames=torch.tensor(table.first_frames, device=where),
            num_frames=torch.tensor(table.num_frames, device=where),
            labels=torch.tensor(table.labels, device=device),
            table=table,
            digest=trailer["sha256"],
            device=device,
        )

    def crops(self, clips: Tensor, frames: Tensor) -> Tensor:
        """Gather one crop of each clip.

        Args:
            clips: (N,) rows of the clip table, on the device of ``self.frames``.
            frames: (N, T) frame numbers within each clip.

        Returns:
            (N, M, T, V, C) on ``self.device``.
        """
        rows = self.first_frames[clips][:, None] + frames  # (N, T)
        crops = self.frames[rows].transpose(1, 2)  # (N, M, T, V, C)
        return crops.to(self.device, non_blocking=True)

    def rows(self, split: str, side: str) -> np.ndarray:
        """Return the rows of the clip table on one side of a split.

        Raises:
            ContractError: the table has no such split, or nothing on that side.
        """
        if split not in self.table.sides:
            raise ContractError(
                f"the clip table has no split {split}, only {', '.join(self.table.sides)}."
            )
        rows = self.table.on_side(split, side)
        if not len(rows):
            raise ContractError(f"split {split} has no {side} clip.")
        return rows
