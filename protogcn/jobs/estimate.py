"""A dataset's size and a run's settings -> the memory and the time that a job asks for.

Memory is that of a process and of the arrays, time that of the clips at a low speed, both with half
as much again: who asks for too little is stopped, who asks for too much waits a little longer.
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
from protogcn.files import paths
from protogcn.files.clip_table import ClipTable
from protogcn.files.progress import handed_over

_MARGIN = 1.5
_START_MINUTES = 15  # imports, reading the clips, compiling
_MB = 1e6
_FRAMES_OF_CLIP = 84  # the mean of NTU RGB+D
_CLIPS_UNKNOWN = 60_000  # about NTU RGB+D 60, for a dataset without raw files to guess from
_SHARES = {"train": 0.7, "test": 0.5}  # of a dataset of which only the clips are known, at most

# Clips a second that train the full network (96 wide, 10 blocks, 100 frames of 25 joints). A GPU is
# bound by its memory: this is half of what a card with 0.6 TB/s could do.
_GPU_CLIPS, _CPU_CLIPS = 400.0, 1.0  # of a GPU, of a thread
_STEP_SECONDS = 0.02  # of a GPU, however small the network
_FORWARD = 1 / 3  # of a training step
_PROCESS_MB = 6000  # torch, its compiler and the GPU's libraries; not measured yet
_CPU_PROCESS_MB = 1000  # torch alone: training and scoring the demo took 653 and 743 MB in all
_SAVED_MB = 324  # of one clip for its backward pass, on the CPU in host memory
_CROPS_AT_ONCE = 160  # when scoring

# A worker of the stages that prepare the data, on a slow network file system.
_READER_MB, _WORKER_MB = 4000, 500
_CLIPS_READ = {"pickle": 50.0, "files": 5.0}  # a second
_MB_WRITTEN = 50.0  # a second, by all workers


@dataclass(frozen=True)
class Size:
    """How large a dataset is, seen from one of its splits.

    Attributes:
        clips: clips on each side, at least train and test.
        frames: frames of all clips of the dataset.
    """

    clips: Mapping[str, int]
    frames: int


@dataclass(frozen=True)
class Need:
    """What a job asks for at its first attempt: memory of the host in MB, minutes."""

    memory: int
    minutes: int

    def at(self, attempt: int) -> "Need":
        """Return what a further attempt asks for: half as much again, then twice, and no more.

        A request that grew with every attempt would soon fit no node and no partition.
        """
        factor = min(1 + (attempt - 1) / 2, 2.0)
        return Need(math.ceil(factor * self.memory), math.ceil(factor * self.minutes))


def need_of_run(stage: str, run: Run, attempt: int) -> Need:
    """Return what an attempt to train or to score a run asks for.

    A training that ended in time and is resumed by the next job counts as a first attempt.
    """
    clips = Path(paths.prepared(run.dataset.name, run.settings["preparation"]), "clips.csv")
    if stage == "train" and handed_over(Path(run.folder)):
        attempt = 1
    return resources(stage, run.dataset, size_of(run.dataset, run.split, clips), run=run).at(
        attempt
    )


def need_of_dataset(
    stage: str, dataset: Dataset, preparation: str, workers: int, attempt: int
) -> Need:
    """Return what an attempt to decompress, read or compute a dataset asks for."""
    clips = Path(paths.prepared(dataset.name, preparation), "clips.csv")
    size = size_of(dataset, dataset.splits[0], clips)
    return resources(stage, dataset, size, workers=workers).at(attempt)


def resources(
    stage: str, dataset: Dataset, size: Size, *, run: Run | None = None, workers: int = 1
) -> Need:
    """Return what one job of a stage asks for.

    Args:
        stage: decompress, read or compute a dataset; train or score a run.
        dataset: the dataset.
        size: its size.
        run: the run that is trained or scored.
        workers: processes that prepare the data.
    """
    arrays = size.frames * dataset.persons * dataset.skeleton.num_joints * 3 * 4 / _MB
    if run is not None:
        memory, seconds = _of_run(stage, run, size)
        memory += arrays
    else:
        memory, seconds = _READER_MB + workers * _WORKER_MB, 0.0
        raw = Path(dataset.raw)
        raw_mb = raw.stat().st_size / _MB if raw.is_file() else 0
        is_pickle = dataset.is_pickle and stage == "read"
        if stage == "compute":  # one file is read, six are written, in blocks
            seconds = 7 * arrays / _MB_WRITTEN
        else:
            rate = _CLIPS_READ["pickle" if is_pickle else "files"]
            seconds = sum(size.clips.values()) / (rate * workers)
        if stage == "decompress":
            memory += 4 * raw_mb
        elif is_pickle and not dataset.kpfiles:  # its reader lets a pickle have four times the file
            memory += max(4 * raw_mb, arrays)
    return Need(
        memory=1000 * math.ceil(_MARGIN * memory / 1000),
        minutes=math.ceil(_START_MINUTES + _MARGIN * seconds / 60),
    )


def _of_run(stage: str, run: Run, size: Size) -> tuple[float, float]:
    """Return the megabytes of the processes of a run, and seconds."""
    settings, cost = run.settings, cost_of_clip(run)
    on_cpu, passes, processes = run.engine["device"] == "cpu", 1, 1
    if stage == "train":
        processes = run.engine["gpus"]
        batch, in_memory = settings["batch"], settings["batch"]
        clips = size.clips["train"]
        if settings["select"] == "best":
            clips += _FORWARD * size.clips.get(settings["select_on"], size.clips["test"])
        if every := settings.get("validate_every"):
            side = size.clips.get(settings["validate_on"], size.clips["test"])
            clips += _FORWARD * side / every
        passes = settings["epochs"]
    else:
        batch, in_memory = math.inf, _FORWARD * _CROPS_AT_ONCE
        clips = _FORWARD * size.clips["test"] * settings["crops"]
    memory = processes * _PROCESS_MB
    if on_cpu:
        if run.engine["compile"] is not True:
            memory = processes * _CPU_PROCESS_MB
        memory += in_memory * _SAVED_MB * cost
        return memory, passes * clips * cost / (_CPU_CLIPS * settings["cpu_threads"])
    return memory, passes * max(clips * cost / _GPU_CLIPS, math.ceil(clips / batch) * _STEP_SECONDS)


def cost_of_clip(run: Run) -> float:
    """Return what a clip costs, the full network's clip being 1: memory moved grows like this."""
    network = run.network
    size = run.settings["frames"] / 100 * run.dataset.skeleton.num_joints / 25
    size *= network["width"] / 96 * network["blocks"] / 10
    return size if network["network"] == "protogcn" else 1.3 * size


def size_of(dataset: Dataset, split: str, clips_path: Path) -> Size:
    """Return the size of a dataset: counted once it is prepared, else known, else guessed.

    Args:
        dataset: the dataset, resolved.
        split: the split whose sides are wanted.
        clips_path: its clip table, which need not exist yet.
    """
    if clips_path.is_file():
        size = _counted(clips_path, split, clips_path.stat().st_mtime_ns)
        if size is not None:
            return size
    if dataset.simulate:  # two rooms, two cameras
        clips = 4 * math.prod(dataset.simulate[key] for key in ("subjects", "replications"))
        clips *= dataset.simulate["classes"]
        frames = clips * _FRAMES_OF_CLIP
    elif counts := ntu_facts()["counts"].get(f"{dataset.protocol}_{split}"):
        return Size(counts, sum(counts.values()) * _FRAMES_OF_CLIP)
    elif dataset.kpfiles:  # Kinetics-400, clips of 10 s
        return Size({"train": 240_000, "test": 20_000}, 260_000 * 300)
    else:
        clips, frames = _guessed(Path(dataset.raw), dataset.skeleton.num_joints)
    return Size({side: math.ceil(share * clips) for side, share in _SHARES.items()}, frames)


@cache
def _counted(clips_path: Path, split: str, changed: int) -> Size | None:
    """Return the size in a clip table; None if it is damaged, which the stages refuse themselves.

    It is read again when ``changed``, its time, is another.
    """
    try:
        table = ClipTable.load(clips_path)
    except ContractError:
        return None
    if split not in table.sides:
        return None
    sides = {side: int((table.sides[split] == side).sum()) for side in ("train", "val", "test")}
    return Size(sides, int(table.num_frames.sum()))


@cache
def _guessed(raw: Path, num_joints: int) -> tuple[int, int]:
    """Return clips and frames of raw files, assuming the fewest bytes that a frame may have.

    Where a table lists the clips, they are counted there: a clip may have a file for each frame.
    """
    if raw.is_file():  # a pickle of float16 coordinates, a clip mostly of one person
        clips = math.ceil(raw.stat().st_size / (2 * 3 * num_joints) / _FRAMES_OF_CLIP)
        return clips, clips * _FRAMES_OF_CLIP
    files = [
        Path(place, name)
        for place, _, names in os.walk(raw)
        for name in names
        if name.lower().endswith(CLIP_SUFFIXES) and name != ANNOTATIONS
    ]
    if not files:
        return _CLIPS_UNKNOWN, _CLIPS_UNKNOWN * _FRAMES_OF_CLIP
    weighed = files[:: len(files) // 1000 + 1]  # a file for each clip, of float32 or longer text
    mean = sum(file.stat().st_size for file in weighed) / len(weighed)
    table = raw / ANNOTATIONS
    clips = len(table.read_bytes().splitlines()) - 1 if table.is_file() else len(files)
    return max(clips, 1), math.ceil(len(files) * mean / (4 * 3 * num_joints))
