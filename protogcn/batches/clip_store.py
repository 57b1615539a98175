"""The clips of one modality in memory, and bodies gathered from them in one batched call.

Shapes: F frames of all clips end to end, N clips of a batch, M person slots, R real bodies, B rows
of a batch, T frames of a crop, V joints, C channels.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from protogcn.batches.bodies import Bodies, body_rows
from protogcn.batches.device import to_device
from protogcn.errors import ConfigError, ContractError
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
        positions: (F, M, V, C), the joints of the same frames, for a network that reads them too
            (they may be the frames themselves); None for others.
        positions_digest: their SHA-256.
    """

    frames: Tensor
    table: ClipTable
    digest: str
    device: torch.device
    ahead: bool = False
    mirror_widths: np.ndarray | None = None
    positions: Tensor | None = None
    positions_digest: str | None = None

    @classmethod
    def load(
        cls,
        values_path: Path,
        clips_path: Path,
        run: "Run",
        device: torch.device,
        positions_path: Path | None = None,
    ) -> "ClipStore":
        """Read the modality of a run, and the positions if its network reads them.

        Args:
            values_path: the file of the modality.
            clips_path: the clip table of the same dataset.
            run: what reads it.
            device: where the network is.
            positions_path: the file of positions, which may be that of the modality; read only if
                the network reads them.

        Raises:
            ConfigError: the network reads positions, and their file is not given.
            ContractError: a file is damaged, the files do not belong together, or they are not of
                this run's dataset, modality and preparation.
        """
        table = ClipTable.load(clips_path)
        wanted = {run.stored_modality: values_path}
        if run.reads_positions and run.stored_modality != "j":
            if positions_path is None:
                raise ConfigError(
                    f"run {run.name}: {run.network['network']} reads the positions of the joints"
                    f" besides its modality; expected --positions, the j.npy beside {values_path}."
                )
            wanted["j"] = positions_path
        arrays, digests = {}, {}
        for modality, path in wanted.items():
            arrays[modality], digests[modality] = _read(table, path, run, modality)
        if table.persons.max() > run.dataset.persons:
            raise ContractError(
                f"{clips_path}: a clip has {table.persons.max()} persons, expected at most"
                f" {run.dataset.persons}."
            )
        if device.type == "cuda":
            free, _ = torch.cuda.mem_get_info(device)
            if sum(each.nbytes for each in arrays.values()) <= _SHARE_OF_MEMORY * free:
                arrays = {modality: each.to(device) for modality, each in arrays.items()}
        frames = arrays[run.stored_modality]
        ahead = frames.device.type != device.type
        mirror_widths = None
        if table.widths is not None:
            of_positions = (
                table.widths if run.stored_modality == "j" else np.zeros_like(table.widths)
            )
            mirror_widths = of_positions.astype(np.float32)
        store = cls(frames, table, digests[run.stored_modality], device, ahead, mirror_widths)
        if not run.reads_positions:
            return store
        return replace(store, positions=arrays["j"], positions_digest=digests["j"])

    def crops(self, clips: np.ndarray, frames: Tensor, *, multiple: int = 1) -> Bodies:
        """Gather one crop of each clip: its real bodies only, or with positions all its slots.

        Args:
            clips: (N,) rows of the clip table.
            frames: (N, T) frame numbers within each clip, on the host.
            multiple: as in ``body_rows``.

        Returns:
            The bodies on ``self.device``, the rows that hold no real one zero.
        """
        num_slots = self.frames.shape[1]
        persons = self.table.persons[clips]
        if self.positions is not None:  # a network that reads them tells empty slots apart
            persons, multiple = np.full_like(persons, num_slots), 1
        rows = body_rows(persons, num_slots, multiple=multiple)
        places = torch.from_numpy(self.table.first_frames[clips])[:, None] + frames  # (N, T)
        places = places[torch.from_numpy(rows.clips)] * num_slots  # (R, T)
        places += torch.from_numpy(rows.slots)[:, None]
        places = to_device(places, self.frames.device)
        bodies = rows.with_values(self._gathered(self.frames, places, rows.num_rows))
        if self.positions is not None:
            positions = self._gathered(self.positions, places, rows.num_rows)
            bodies = bodies._replace(positions=positions)
        return bodies

    def _gathered(self, frames: Tensor, places: Tensor, num_rows: int) -> Tensor:
        """Return (num_rows, T, V, C) on ``self.device``: the frames at places (R, T), then zeros.

        A place is the number of a frame's person slot.
        """
        num_real, length = places.shape
        # Pinned memory is copied without waiting; torch reuses it after the copy.
        values = torch.empty(
            (num_rows, length, *frames.shape[2:]),
            device=frames.device,
            pin_memory=frames.device.type != self.device.type,
        )
        torch.index_select(
            frames.flatten(0, 1).flatten(1),  # (F * M, V * C)
            0,
            places.flatten(),
            out=values[:num_real].flatten(0, 1).flatten(1),
        )
        values[num_real:] = 0
        return values.to(self.device, non_blocking=True)

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


def _read(table: ClipTable, path: Path, run: "Run", modality: str) -> tuple[Tensor, str]:
    """Return the frames of a modality as a run prepares them, (F, M, V, C), and their SHA-256."""
    values, trailer = table.open_array(path)
    expected = {
        "modality": modality,
        "preparation": run.settings["preparation"],
        "shape of a frame": [run.dataset.persons, run.dataset.skeleton.num_joints, 3],
    }
    found = {key: trailer["inputs"].get(key) for key in ("modality", "preparation")}
    found["shape of a frame"] = list(values.shape[1:])
    if found != expected:
        raise ContractError(
            f"{path}: holds {found}, but run {run.name} needs {expected}; remove it and run again."
        )
    return torch.from_numpy(values), trailer["sha256"]
