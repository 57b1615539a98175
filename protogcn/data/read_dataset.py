"""The raw files of a dataset -> its clips, whatever their format."""

from collections.abc import Iterator
from pathlib import Path

from protogcn.config.resolved import Dataset
from protogcn.data.pose_shards import NUM_SLOTS, read_shards
from protogcn.data.readers import DroppedClip, RawClip
from protogcn.data.readers.folder import read_folder
from protogcn.data.readers.kinetics import read_compressed, read_pose_table
from protogcn.data.readers.notes import Notes
from protogcn.data.readers.ntu import read_ntu
from protogcn.data.readers.pyskl import read_pyskl


def read_dataset(
    dataset: Dataset,
    *,
    workers: int,
    poses: Path | None = None,
    notes: Notes | None = None,
    thorough: bool = False,
) -> Iterator[RawClip | DroppedClip]:
    """Read a dataset's raw files with the reader of their format.

    Args:
        dataset: the dataset, resolved.
        workers: processes that read, where there are many files.
        poses: the index of its decompressed poses, where the raw ones are compressed; the shards
            are beside it. Without it the kpfiles themselves are read.
        notes: what was derived or converted is added to it while the clips are read.
        thorough: read the files although their names or lines of their table are wrong.

    Raises:
        ConfigError: the files do not exist, or are not what the config describes.
        ContractError: they are malformed.
    """
    raw = Path(dataset.raw)
    if poses is not None:
        return read_shards(poses, poses.parent / "shards", dataset.splits)
    if dataset.kpfiles is not None:
        table = read_pose_table(raw, classes=dataset.classes, splits=dataset.splits, notes=notes)
        num_joints = dataset.skeleton.num_raw_joints
        return read_compressed(table, Path(dataset.kpfiles), num_joints, persons=NUM_SLOTS)
    if dataset.is_pickle:
        return read_pyskl(
            raw,
            num_joints=dataset.skeleton.num_raw_joints,
            in_image=dataset.skeleton.in_image,
            classes=dataset.classes,
            splits=dataset.splits,
            notes=notes,
            progress=True,
        )
    if dataset.is_annotated_folder:
        return read_folder(
            raw,
            joints=dataset.skeleton.joints[: dataset.skeleton.num_raw_joints],
            classes=dataset.classes,
            splits=dataset.splits,
            in_image=dataset.skeleton.in_image,
            notes=notes,
            progress=True,
            thorough=thorough,
        )
    return read_ntu(
        raw,
        protocol=dataset.protocol,
        leave_out_missing=dataset.leave_out_missing,
        num_classes=len(dataset.classes),
        notes=notes,
        workers=workers,
        progress=True,
        thorough=thorough,
    )
