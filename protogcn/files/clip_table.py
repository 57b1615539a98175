"""``clips.csv``: the clips of a prepared dataset, where their frames lie, on which side they are.

Shapes: N clips.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from protogcn.errors import ConfigError, ContractError, nearest
from protogcn.files.arrays import open_array
from protogcn.files.contracts import digest_of, reading
from protogcn.files.csv_table import load_table
from protogcn.files.paths import of_clip

SIDES = ("train", "val", "test", "-")
_COLUMNS = {
    "clip": "str",
    "label": "int64",
    "first_frame": "int64",
    "num_frames": "int64",
    "persons": "int64",
}
IMAGE_COLUMNS = {"image_height": "int64", "image_width": "int64"}  # of 2-D poses only
# Groups of clips that their table says and not their names. No split's name has a blank.
GROUPS = ("subject", "setup", "camera", "recording")
GROUP_COLUMNS = {group: f"given {group}" for group in GROUPS}


@dataclass(frozen=True)
class ClipTable:
    """The clips of one prepared dataset, in the order of their frames.

    Attributes:
        ids: N clip ids, all different.
        labels: (N,) 0-based class numbers.
        first_frames: (N,) row of the clip's first frame in the arrays beside the table.
        num_frames: (N,) frames, at least one.
        persons: (N,) person slots that are not empty; these are the clip's first ones.
        sides: for each split (N,) of ``train``, ``val``, ``test`` or ``-``.
        digest: SHA-256 of the file it was read from.
        widths: (N,) width of each clip's image in pixels; None where there is no image.
        groups: for each of ``GROUPS`` that is given (N,) its names, empty where it is not.
    """

    ids: np.ndarray
    labels: np.ndarray
    first_frames: np.ndarray
    num_frames: np.ndarray
    persons: np.ndarray
    sides: Mapping[str, np.ndarray]
    digest: str
    widths: np.ndarray | None = None
    groups: Mapping[str, np.ndarray] = field(default_factory=dict)

    @classmethod
    def load(cls, path: Path) -> "ClipTable":
        """Read and check a clip table.

        Raises:
            ContractError: missing, damaged, or its rows do not describe clips end to end.
        """
        with reading(path, "a clip table"):
            digest = digest_of(path)
            table = load_table(path, _COLUMNS)
            in_image = set(IMAGE_COLUMNS) <= set(table.columns)
            if in_image:
                table = table.astype(IMAGE_COLUMNS)
        known = [*_COLUMNS, *IMAGE_COLUMNS, *GROUP_COLUMNS.values()]
        splits = [name for name in table.columns if name not in known]
        result = cls(
            ids=table["clip"].to_numpy(dtype=object),
            labels=table["label"].to_numpy(),
            first_frames=table["first_frame"].to_numpy(),
            num_frames=table["num_frames"].to_numpy(),
            persons=table["persons"].to_numpy(),
            sides={name: table[name].to_numpy(dtype=object) for name in splits},
            digest=digest,
            widths=table["image_width"].to_numpy() if in_image else None,
            groups={
                group: table[column].to_numpy(dtype=object)
                for group, column in GROUP_COLUMNS.items()
                if column in table.columns
            },
        )
        result._check(path)
        return result

    def on_side(self, split: str, side: str) -> np.ndarray:
        """Return the rows (n,) of the clips on one side of a split, in order."""
        return np.flatnonzero(self.sides[split] == side)

    def open_array(self, path: Path) -> tuple[np.ndarray, dict[str, Any]]:
        """Map an array of these clips' frames; return it and its trailer, see ``open_array``.

        Raises:
            ContractError: damaged, or written with another clip table.
        """
        array, trailer = open_array(path)
        if trailer["inputs"].get("clips") != self.digest:
            raise ContractError(f"{path}: was written with another clip table; run again.")
        return array, trailer

    def row_of(self, clip: str) -> int:
        """Return the row of a clip by its id, or by its id as a path has it, see ``of_clip``.

        Raises:
            ConfigError: there is no such clip, or a path may mean several.
        """
        rows = np.flatnonzero(self.ids == clip)
        if not rows.size:
            rows = np.flatnonzero([of_clip(name) == clip for name in self.ids])
        if not rows.size:
            raise ConfigError(
                f"clip {clip!r}: is none of the {len(self.ids)} clips, which are called like"
                f" {self.ids[0]!r}{nearest(clip, self.ids) or '.'}"
            )
        if rows.size > 1:
            names = ", ".join(repr(name) for name in self.ids[rows])
            raise ConfigError(f"clip {clip!r}: {names} are written so in a path; rename one.")
        return int(rows[0])

    def _check(self, path: Path) -> None:
        if not len(self.ids):
            raise ContractError(f"{path}: lists no clip.")
        ids = pd.Series(self.ids)
        if (twice := ids.duplicated()).any():
            raise ContractError(f"{path}: clip {ids[twice].iloc[0]} is listed twice.")
        ends = self.first_frames + self.num_frames
        if (self.num_frames < 1).any() or (self.first_frames != np.r_[0, ends[:-1]]).any():
            raise ContractError(f"{path}: its clips do not follow each other frame by frame.")
        if (self.labels < 0).any():
            raise ContractError(f"{path}: found a negative label, expected 0 and up.")
        if (self.persons < 0).any():
            raise ContractError(f"{path}: found a negative number of persons, expected 0 and up.")
        if self.widths is not None and (self.widths < 1).any():
            raise ContractError(f"{path}: found an image without width, expected 1 pixel and up.")
        for split, sides in self.sides.items():
            if unknown := set(sides) - set(SIDES):
                raise ContractError(
                    f"{path}: split {split} has side {sorted(unknown)[0]!r},"
                    f" expected one of {', '.join(SIDES)}."
                )
