"""A dataset's size and a run's settings -> the memory and the time that a scheduler is asked for.

Rather too much than too little: who asks for too little is stopped, who asks for too much waits
a little longer. Nothing here imports torch.
"""

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from protogcn.config.datasets import ANNOTATIONS, CLIP_SUFFIXES
from protogcn.config.facts import ntu_facts
from protogcn.config.resolved import Dataset, Run
from protogcn.errors import ContractError
from protogcn.files.clip_table import ClipTable

_MARGIN = 1.5
_MOST = 2.0  # times the first attempt's
_START_MINUTES = 15  # imports, reading the clips, compiling
_MB = 1e6
_FRAMES_OF_CLIP = 84  # the mean of NTU RGB+D
_CLIPS_UNKNOWN = 60_000  # about NTU RGB+D 60, where there is no raw file to guess from
_FILES_WEIGHED = 1000  # of a folder, whose sizes are looked at
_SHARES = {"train": 0.7, "test": 0.5}  # of a dataset that nothing else is known of, each the most

# Training, clips a second of the full network (96 wide, 10 blocks, 100 frames of 25 joints). A GPU
# is bound by its memory: this is half of what a card with 0.6 TB/s could do.
_GPU_CLIPS = 400.0
_GPU_STEP_SECONDS = 0.02  # however small the network
_CPU_CLIPS = 1.0  # of one thread
# What a network costs beside ProtoGCN of the same width and number of blocks.
_NETWORKS = {"protogcn": 1.0, "stgcnpp": 1.0, "stgcn": 1.3, "ctrgcn": 1.3}
_PASSES_OF_STEP = 3  # a forward pass costs a third of a training step
_PROCESS_MB = 6000  # torch, its compiler and the GPU's libraries; no GPU was at hand to measure it
_CPU_PROCESS_MB = 1000  # torch alone: the demo's training and scoring came to 653 and 743 MB in all
_SAVED_MB = 324  # of one clip for its backward pass, on the CPU in host memory

# A second and worker, on a slow network file system.
_READ_CLIPS = {"pickle": 50.0, "folder": 5.0, "kpfiles": 5.0}
_WRITE_MB = 50.0  # a second
_WORKER_MB = 500


@dataclass(frozen=True)
class Size:
    """How large a dataset is, seen from one of its splits.

    Attributes:
        clips: clips on each side, at least train and test.
        frames: frames of all clips of the dataset.
    """

    clips: Mapping[str, int]
    frames: int

    @property
    def num_clips(self) -> int:
        """Clips of all sides."""
        return sum(self.clips.values())


@dataclass(frozen=True)
class Need:
    """What a job asks for at its first attempt.

    Attributes:
        memory: of the host, in MB.
        minutes: until it is stopped.
    """

    memory: int
    minutes: int

    def at(self, attempt: int) -> "Need":
        """Return what a further attempt asks for: half as much again, then twice, and no more.

        A request that grew with every attempt would soon fit no node and no partition.
        """
        factor = min(1 + (attempt - 1) / 2, _MOST)
        return Need(math.ceil(factor * self.memory), math.ceil(factor * self.minutes))


_KINETICS = Size({"train": 240_000, "test": 20_000}, 260_000 * 300)  # Kinetics-400, clips of 10 s


def size_of(dataset: Dataset, split: str, clips_path: Path) -> Size:
    """Return the size of a dataset: counted where it is prepared, else known, else guessed.

    Args:
        dataset: the dataset, resolved.
        split: the split whose sides are wanted.
        clips_path: its clip table, which need not be there yet.
    """
    if clips_path.is_file():
        size = _counted(clips_path, split, clips_path.stat().st_mtime_ns)
        if size is not None:
            return size
    if (counts := ntu_facts()["counts"].get(f"{dataset.protocol}_{split}")) and not (
        dataset.simulate
    ):
        return Size(counts, sum(counts.values()) * _FRAMES_OF_CLIP)
    if dataset.kpfiles and not dataset.simulate:
        return _KINETICS
    if dataset.simulate:
        clips = 4 * math.prod(dataset.simulate[key] for key in ("subjects", "replications"))
        clips *= dataset.simulate["classes"]  # two rooms, two cameras
        frames = clips * _FRAMES_OF_CLIP
    else:
        clips, frames = _guessed(Path(dataset.raw), dataset.skeleton.num_joints)
    sides = {side: math.ceil(share * clips) for side, share in _SHARES.items()}
    return Size(sides, frames)


def to_train(run: Run, size: Size) -> Need:
    """Return what the training of a run asks for."""
    settings = run.settings
    steps = math.ceil(size.clips["train"] / settings["batch"])
    seconds = _seconds(run, size.clips["train"], steps)
    if settings["select"] == "best":
        seconds += _seconds(run, size.clips[_chosen_on(run, size)], 0) / _PASSES_OF_STEP
    memory = run.engine["gpus"] * _process_mb(run) + array_mb(run.dataset, size)
    if run.engine["device"] == "cpu":
        memory += settings["batch"] * _SAVED_MB * cost(run)
    return _need(memory, settings["epochs"] * seconds)


def to_score(run: Run, size: Size) -> Need:
    """Return what the scoring of a run asks for."""
    crops = size.clips["test"] * run.settings["crops"]
    memory = _process_mb(run) + array_mb(run.dataset, size)
    if run.engine["device"] == "cpu":
        memory += 160 * _SAVED_MB * cost(run) / _PASSES_OF_STEP  # crops scored at once
    return _need(memory, _seconds(run, crops, 0) / _PASSES_OF_STEP)


def to_decompress(dataset: Dataset, size: Size, workers: int) -> Need:
    """Return what decompressing a dataset's poses asks for: the table, and a shard a worker."""
    raw = Path(dataset.raw)
    memory = 4000 + workers * _WORKER_MB + 4 * (raw.stat().st_size / _MB if raw.is_file() else 0)
    return _need(memory, size.num_clips / (_READ_CLIPS["kpfiles"] * workers))


def to_read(dataset: Dataset, size: Size, workers: int) -> Need:
    """Return what reading a dataset's raw files asks for."""
    memory = 4000 + workers * _WORKER_MB
    raw = Path(dataset.raw)
    # protogcn.data.joints lets a pickle have four times the file and 2 GB.
    if dataset.is_pickle and not dataset.kpfiles:
        known = raw.stat().st_size / _MB if raw.is_file() else 0
        memory += 4 * max(known, array_mb(dataset, size) / 4)
    rate = _READ_CLIPS["pickle" if dataset.is_pickle else "folder"]
    return _need(memory, size.num_clips / (rate * workers))


def to_compute(dataset: Dataset, size: Size, workers: int) -> Need:
    """Return what writing a dataset's modalities asks for: one pass with bounded memory."""
    passes = 7  # one file is read, six are written
    return _need(4000 + workers * _WORKER_MB, passes * array_mb(dataset, size) / _WRITE_MB)


def array_mb(dataset: Dataset, size: Size) -> float:
    """Return the megabytes of one modality of a dataset."""
    return size.frames * dataset.persons * dataset.skeleton.num_joints * 3 * 4 / _MB


def _process_mb(run: Run) -> float:
    """Return the megabytes of a process that computes a run, before it has any data."""
    alone = run.engine["device"] == "cpu" and run.engine["compile"] is not True
    return _CPU_PROCESS_MB if alone else _PROCESS_MB


def cost(run: Run) -> float:
    """Return what a clip costs, the full network's clip being 1: memory moved grows like this."""
    settings, network = run.settings, run.network
    return (settings["frames"] / 100 * run.dataset.skeleton.num_joints / 25) * (
        network["width"] / 96 * network["blocks"] / 10 * _NETWORKS[network["network"]]
    )


def _seconds(run: Run, clips: int, steps: int) -> float:
    if run.engine["device"] == "cpu":
        return clips * cost(run) / (_CPU_CLIPS * run.settings["cpu_threads"])
    return max(clips * cost(run) / _GPU_CLIPS, steps * _GPU_STEP_SECONDS)


def _chosen_on(run: Run, size: Size) -> str:
    side = run.settings["select_on"]
    return side if side in size.clips else "test"


def _need(memory: float, seconds: float) -> Need:
    minutes = _START_MINUTES + _MARGIN * seconds / 60
    return Need(memory=1000 * math.ceil(_MARGIN * memory / 1000), minutes=math.ceil(minutes))


def _guessed(raw: Path, num_joints: int) -> tuple[int, int]:
    """Return clips and frames of raw files, taking the fewest bytes that a frame may have."""
    clips, frames = 0, 0
    if raw.is_file():  # a pickle of float16 coordinates, a clip mostly of one person
        clips = math.ceil(raw.stat().st_size / (2 * 3 * num_joints) / _FRAMES_OF_CLIP)
        frames = clips * _FRAMES_OF_CLIP
    elif raw.is_dir():  # a file for each clip, of float32 or of longer text
        clips, size = _files_of_clips(raw)
        frames = math.ceil(size / (4 * 3 * num_joints))
    return (clips, frames) if clips else (_CLIPS_UNKNOWN, _CLIPS_UNKNOWN * _FRAMES_OF_CLIP)


@cache
def _files_of_clips(folder: Path) -> tuple[int, float]:
    """Return how many clips a folder has and about how many bytes; looked at once."""
    files = [
        Path(place, name)
        for place, _, names in os.walk(folder)
        for name in names
        if name.lower().endswith(CLIP_SUFFIXES) and name != ANNOTATIONS
    ]
    weighed = files[:: len(files) // _FILES_WEIGHED + 1]
    mean = sum(file.stat().st_size for file in weighed) / max(1, len(weighed))
    return len(files), len(files) * mean


@cache
def _counted(clips_path: Path, split: str, changed: int) -> Size | None:
    """Return the size that a clip table tells; None if it is damaged or of other splits.

    The table is read again when it has changed. An estimate is no check: the stages refuse what
    is damaged.
    """
    try:
        table = ClipTable.load(clips_path)
    except ContractError:
        return None
    if split not in table.sides:
        return None
    sides = {side: int((table.sides[split] == side).sum()) for side in ("train", "val", "test")}
    return Size(sides, int(table.num_frames.sum()))
