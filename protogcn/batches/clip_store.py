"""The clips of one modality in memory, and bodies gathered from them in one batched call.

Shapes: F frames of all clips end to end, N clips of a batch, M person slots, R real bodies, B rows
of a batch, T frames of a crop, V joints, C channels.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from protogcn.batches.bodies import Bodies, body_rows
from protogcn.batches.device import to_device
from protogcn.batches.views import CropView
from protogcn.data.scale import Scale, scale_of
from protogcn.data.sides import without_clips
from protogcn.errors import ContractError
from protogcn.files.clip_table import ClipTable

if TYPE_CHECKING:  # gathering clips needs nothing that reading a config does
    from protogcn.config.resolved import Run

_SHARE_OF_MEMORY = 0.6  # of the device's free memory that the clips may take


@dataclass(frozen=True)
class ClipStore:
    """A dataset's frames and where each clip lies in them.

    Attributes:
        frames: (F, M, V, C) float32, on ``device`` if they fit there, else in host memory.
        table: ids, labels and places of the same clips.
        digest: SHA-256 of the frames.
        device: where a network reads them.
        ahead: whether a thread should gather batches one ahead: the frames are not on ``device``.
        mirror_widths: (N,) pixels, a mirrored x becomes width - x; 0 for bones and motions; None
            for 3-D data.
        view: what the frames, then joints, become in a batch; None: they are the modality.
        every_slot: every person slot has a row, also an empty one: a network tells them apart.
        copy_person: the only person of a clip is in every slot.
        scale: what bodies and clips of the dataset measure; None in files of older versions.
        copies: how many there are across the run's split: ``groups`` of equal clips, and ``test
            clips`` in them; None in files of older versions.
    """

    frames: Tensor
    table: ClipTable
    digest: str
    device: torch.device
    ahead: bool = False
    mirror_widths: np.ndarray | None = None
    view: CropView | None = None
    every_slot: bool = False
    copy_person: bool = False
    scale: Scale | None = None
    copies: Mapping[str, int] | None = None

    @classmethod
    def load(
        cls, values_path: Path, clips_path: Path, run: "Run", device: torch.device
    ) -> "ClipStore":
        """Read the modality of a run.

        Raises:
            ContractError: a file is damaged, the two do not belong together, or they are not of
                this run's dataset, modality and preparation.
        """
        table = ClipTable.load(clips_path)
        values, trailer = table.open_array(values_path)
        expected = {
            "modality": run.stored_modality,
            "preparation": run.settings["preparation"],
            "shape of a frame": [run.dataset.persons, run.dataset.skeleton.num_joints, 3],
        }
        found = {key: trailer["inputs"].get(key) for key in ("modality", "preparation")}
        found["shape of a frame"] = list(values.shape[1:])
        if "parents" in trailer["inputs"]:  # older files do not say
            expected["parents"] = list(run.dataset.skeleton.parents)
            found["parents"] = trailer["inputs"]["parents"]
        if found != expected:
            raise ContractError(
                f"{values_path}: holds {found}, but run {run.name} needs {expected}; remove it and"
                " run again."
            )
        if table.persons.max() > run.dataset.persons:
            raise ContractError(
                f"{clips_path}: a clip has {table.persons.max()} persons, expected at most"
                f" {run.dataset.persons}."
            )
        frames = torch.from_numpy(values)
        if device.type == "cuda":
            free, _ = torch.cuda.mem_get_info(device)
            if values.nbytes <= _SHARE_OF_MEMORY * free:
                frames = frames.to(device)
        ahead = frames.device.type != device.type
        mirror_widths = None
        if table.widths is not None:
            of_positions = (
                table.widths if run.stored_modality == "j" else np.zeros_like(table.widths)
            )
            mirror_widths = of_positions.astype(np.float32)
        scale = scale_of(trailer["inputs"])
        copies = trailer["inputs"].get("copies", {}).get(run.split)
        store = cls(
            frames,
            table,
            trailer["sha256"],
            device,
            ahead,
            mirror_widths,
            scale=scale,
            copies=copies,
        )
        return store.read_by(run)

    def read_by(self, run: "Run") -> "ClipStore":
        """Return these clips as a run's network reads them."""
        return replace(
            self,
            view=CropView.of(run),
            every_slot=run.reads_positions,
            copy_person=run.option("copy_person"),
        )

    def crops(self, clips: np.ndarray, frames: Tensor, *, multiple: int = 1) -> Bodies:
        """Gather one crop of each clip, its real bodies only.

        Args:
            clips: (N,) rows of the clip table.
            frames: (N, T) frame numbers within each clip, on the host; a floating-point number
                between two is the place between these frames.
            multiple: as in ``body_rows``.

        Returns:
            The bodies on ``self.device``, the rows that hold no real one zero.
        """
        num_slots, persons = self.frames.shape[1], self.table.persons[clips]
        whole = self.every_slot or self.copy_person
        occupied = np.full_like(persons, num_slots) if whole else persons
        multiple = 1 if self.every_slot else multiple  # nothing is left to fill up
        rows = body_rows(occupied, num_slots, multiple=multiple)
        slots = rows.slots % persons[rows.clips] if self.copy_person else rows.slots
        num_real, of_rows = len(rows.clips), torch.from_numpy(rows.clips)
        first = torch.from_numpy(self.table.first_frames[clips])[:, None]
        places = (frames + first)[of_rows]  # (R, T)
        # Pinned memory is copied without waiting; torch reuses it after the copy.
        values = torch.empty(
            (rows.num_rows, frames.shape[1], *self.frames.shape[2:]),
            device=self.frames.device,
            pin_memory=self.frames.device.type != self.device.type,
        )
        real = values[:num_real]
        if places.is_floating_point():
            before = places.floor()
            share = (places - before).to(real.dtype)[..., None, None]  # (R, T, 1, 1)
            self._gather(before.long(), slots, out=real)
            after = torch.empty_like(real)
            self._gather(places.ceil().long(), slots, out=after)
            real.lerp_(after, to_device(share, self.frames.device))
        else:
            self._gather(places, slots, out=real)
        values[num_real:] = 0
        return rows.with_values(values.to(self.device, non_blocking=True))

    def _gather(self, places: Tensor, slots: np.ndarray, *, out: Tensor) -> None:
        """Copy frames (R, T), counted over all clips, of one slot each into (R, T, V, C)."""
        rows = places * self.frames.shape[1] + torch.from_numpy(slots)[:, None]
        torch.index_select(
            self.frames.flatten(0, 1).flatten(1),  # (F * M, V * C)
            0,
            to_device(rows.flatten(), self.frames.device),
            out=out.flatten(0, 1).flatten(1),
        )

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
            raise ContractError(f"{without_clips(split, side)}.")
        return rows
