"""Stage 2: joint positions -> the six views of the same motion.

Source: the input streams of ProtoGCN (Liu et al., CVPR 2025) and their released preprocessing.
Shapes: F frames of all clips end to end, M persons, V joints, C channels.
"""

import argparse
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from protogcn.config.resolved import MODALITIES, load_dataset
from protogcn.config.skeleton import Skeleton
from protogcn.data.bones import compute_modalities
from protogcn.data.copies import kept_copies
from protogcn.data.scale import scale_entry, scale_of
from protogcn.errors import ContractError
from protogcn.files.arrays import ROWS_AT_ONCE, writing_array
from protogcn.files.clip_table import ClipTable
from protogcn.jobs.bar import show_progress


def write_modalities(
    joints_path: Path,
    clips_path: Path,
    skeleton: Skeleton,
    outputs: dict[str, Path],
    *,
    workers: int = 1,
) -> None:
    """Write several modalities of a whole dataset in one pass with bounded memory.

    Args:
        joints_path: ``joints.npy`` of the joints stage.
        clips_path: ``clips.csv`` beside it.
        skeleton: the layout of both.
        outputs: for each wanted modality the ``.npy`` to write.
        workers: threads; they change no byte of the files.

    Raises:
        ContractError: an input is damaged or the two do not belong together.
    """
    clips = ClipTable.load(clips_path)
    joints, trailer = clips.open_array(joints_path)
    if joints.shape[2] != skeleton.num_joints:
        raise ContractError(
            f"{joints_path}: has {joints.shape[2]} joints, expected the {skeleton.num_joints}"
            f" of skeleton {skeleton.name}."
        )
    inputs = {
        "joints": trailer["sha256"],
        "clips": clips.digest,
        "parents": list(skeleton.parents),  # what a bone is
        "preparation": trailer["inputs"].get("preparation"),
        **scale_entry(scale_of(trailer["inputs"])),
        **kept_copies(trailer["inputs"]),
    }
    shape, num_frames = joints.shape[1:], len(joints)
    with ExitStack() as stack:
        threads = stack.enter_context(ThreadPoolExecutor(workers)) if workers > 1 else None
        writers = {
            modality: stack.enter_context(writing_array(path, shape, num_frames, threads=threads))
            for modality, path in outputs.items()
        }
        batches = show_progress(
            _batches(clips), total=len(clips.ids), what="clips", size=lambda batch: len(batch[1])
        )
        for first, ends in batches:
            block = _read_frames(joints_path, joints, first, int(ends[-1]) + 1)  # (T, M, V, C)
            for modality, view in compute_modalities(block, writers.keys(), skeleton, ends - first):
                writers[modality].append(view)
        for modality, writer in writers.items():
            writer.finish(inputs | {"modality": modality})


def _read_frames(path: Path, mapped: np.memmap, first: int, stop: int) -> np.ndarray:
    """Read rows of a mapped array from its file: mapped pages would add up to the whole file."""
    start = mapped.offset + first * mapped[0].nbytes
    count = (stop - first) * mapped[0].size
    return np.fromfile(path, mapped.dtype, count, offset=start).reshape(-1, *mapped.shape[1:])


def _batches(clips: ClipTable) -> Iterator[tuple[int, np.ndarray]]:
    """Yield (first frame, last frame of each clip) of runs of whole clips."""
    ends = clips.first_frames + clips.num_frames - 1
    start = 0
    while start < len(ends):
        first = clips.first_frames[start]
        stop = max(start + 1, int(np.searchsorted(ends, first + ROWS_AT_ONCE)))
        yield int(first), ends[start:stop]
        start = stop


def main() -> None:
    """Read the joints of a dataset, write its modalities."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dataset", type=Path, required=True, help="resolved dataset.yaml")
    parser.add_argument("--joints", type=Path, required=True)
    parser.add_argument("--clips", type=Path, required=True)
    parser.add_argument("--workers", type=int, default=1, help="threads")
    for modality in MODALITIES:
        parser.add_argument(f"--{modality}", type=Path, help=f"write modality {modality} here")
    args = parser.parse_args()

    outputs = {name: getattr(args, name) for name in MODALITIES if getattr(args, name)}
    skeleton = load_dataset(args.dataset).skeleton
    write_modalities(args.joints, args.clips, skeleton, outputs, workers=args.workers)
