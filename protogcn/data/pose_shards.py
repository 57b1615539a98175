"""Shards: the decompressed poses of many clips in one array, and the index of all of them.

Each shard is a ``.npy`` of float16 with a ``.csv`` that says where its clips lie; ``poses.csv`` has
one row for each clip of the dataset. Every clip carries a checksum, so that clips are read one by
one, in any order. Shapes: M persons, T frames, V joints; the channels are x, y, score.
"""

import zlib
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

from protogcn.data.readers import DroppedClip, RawClip
from protogcn.errors import ContractError
from protogcn.files.contracts import reading, writing
from protogcn.files.csv_table import load_table, save_table
from protogcn.jobs.bar import show_progress

NUM_SLOTS = 2  # persons of a frame; no further one is ever used

_PLACES = {"clip": "str", "first_frame": "int64", "num_frames": "int64", "crc32": "int64"}
_INDEX = {
    "clip": "str",
    "rule": "str",
    "label": "int64",
    "image_height": "int64",
    "image_width": "int64",
    "shard": "str",
    "first_frame": "int64",
    "num_frames": "int64",
    "crc32": "int64",
}


def save_shard(path: Path, clips: Mapping[str, np.ndarray]) -> None:
    """Write clips (M, T, V, 3) float16 by name; the table, which comes last, says it is whole."""
    parts, rows, first_frame = [], [], 0
    for name, values in clips.items():
        frames = np.zeros((values.shape[1], NUM_SLOTS, *values.shape[2:]), "<f2")
        frames[:, : len(values)] = values.transpose(1, 0, 2, 3)  # (T, M, V, 3)
        rows.append((name, first_frame, len(frames), zlib.crc32(frames.data.cast("B"))))
        parts.append(frames)
        first_frame += len(frames)
    array = np.concatenate(parts)
    with writing(path, needed=array.nbytes) as file:
        np.save(file, array)
    save_table(path.with_suffix(".csv"), pd.DataFrame(rows, columns=list(_PLACES)))


def is_whole(path: Path, names: Sequence[str]) -> bool:
    """Whether a shard of these clips was written to the end, and its table can be read."""
    try:
        table = _places(path.with_suffix(".csv"))
    except ContractError:
        return False
    return path.is_file() and table["clip"].tolist() == list(names)


def save_index(
    path: Path, clips: Sequence[Mapping[str, object]], shards: Sequence[Path], splits: Sequence[str]
) -> None:
    """Write ``poses.csv``.

    Args:
        path: the file.
        clips: for each clip in order ``clip``, ``rule``, ``label``, ``image_height``,
            ``image_width`` and its side of each split; with a ``rule`` it is left out.
        shards: where the others lie.
        splits: the configured splits.
    """
    parts = [_places(shard.with_suffix(".csv")).assign(shard=shard.name) for shard in shards]
    places = pd.concat(parts) if parts else pd.DataFrame(columns=[*_PLACES, "shard"])
    table = pd.DataFrame(list(clips)).merge(places, on="clip", how="left")
    numbers = ["first_frame", "num_frames", "crc32"]
    table[numbers] = table[numbers].fillna(0).astype("int64")
    table["shard"] = table["shard"].fillna("")
    save_table(path, table[[*_INDEX, *splits]], sealed=True)


def read_shards(
    index_path: Path, folder: Path, splits: Sequence[str]
) -> Iterator[RawClip | DroppedClip]:
    """Yield the clips of an index in its order.

    Raises:
        ContractError: the index or a shard is missing or damaged.
    """
    table = load_table(index_path, _INDEX | dict.fromkeys(splits, "str"))
    rows = show_progress(table.to_dict("records"), total=len(table), what="clips")
    for row in rows:
        if row["rule"]:
            yield DroppedClip(row["clip"], row["rule"])
            continue
        keypoints = _read_clip(folder / row["shard"], row)
        sides = {split: row[split] for split in splits}
        size = (row["image_height"], row["image_width"])
        yield RawClip(row["clip"], row["label"], keypoints, sides, size)


def _read_clip(path: Path, row: Mapping[str, object]) -> np.ndarray:
    with reading(path, "a shard of poses; remove poses.csv beside its folder and run again"):
        offset, shape = _layout(path)
        size = int(np.prod(shape))
        frames = np.fromfile(
            path,
            "<f2",
            row["num_frames"] * size,
            offset=offset + 2 * row["first_frame"] * size,
        ).reshape(-1, *shape)  # (T, M, V, 3)
    if len(frames) != row["num_frames"] or zlib.crc32(frames.data.cast("B")) != row["crc32"]:
        raise ContractError(
            f"{path}: the poses of clip {row['clip']} changed since they were written; remove the"
            " file and poses.csv beside its folder, and run again."
        )
    return frames.transpose(1, 0, 2, 3)  # (M, T, V, 3)


@cache
def _layout(path: Path) -> tuple[int, tuple[int, ...]]:
    """Return where the frames of a shard begin in its file, and the shape of one."""
    array = np.load(path, mmap_mode="r", allow_pickle=False)
    if array.dtype != np.float16 or array.ndim != 4:
        raise ContractError(
            f"{path}: found {array.dtype} {array.shape}, expected a shard of poses."
        )
    return array.offset, array.shape[1:]


def _places(path: Path) -> pd.DataFrame:
    return load_table(path, _PLACES)[list(_PLACES)]
