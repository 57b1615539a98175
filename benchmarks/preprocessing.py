"""How fast the stages without a network are: raw files, joints, modalities, checks, fusion.

Made-up data of the sizes of NTU RGB+D; ``--clips`` sets how much of it.
"""

import argparse
import contextlib
import io
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks.measure import Row, comparison, duration, measure, print_rows, rate
from benchmarks.synthetic import make_clips, ntu25, write_annotations, write_raw_folder
from protogcn.config.resolved import MODALITIES, Dataset
from protogcn.data.joints import write_joints
from protogcn.data.modality import write_modalities
from protogcn.data.readers.ntu import read_ntu
from protogcn.data.readers.pickles.load import load_pickle
from protogcn.data.readers.pyskl import read_pyskl
from protogcn.files.arrays import open_array
from protogcn.files.scores import Scores
from protogcn.report.tables.ensemble_rows import ensemble_rivals, ensemble_table

FUSED = {"NTU-60 X-Sub": (16_487, 60), "NTU-120 X-Sub": (50_919, 120)}  # clips, classes
WEIGHTS = {"j": 2, "b": 2, "k": 2, "jm": 1, "bm": 1, "km": 1}


def rows(folder: Path, *, num_files: int, num_clips: int, workers: int, rounds: int) -> list[Row]:
    """Measure every stage in an empty folder."""
    return [
        *raw_rows(folder / "raw", num_files=num_files, rounds=rounds),
        *pickle_rows(folder / "annotations.pkl", num_clips=num_clips, rounds=rounds),
        *stage_rows(folder, num_clips=num_clips, workers=workers, rounds=rounds),
        *fuse_rows(folder, rounds=rounds),
    ]


def raw_rows(folder: Path, *, num_files: int, rounds: int) -> list[Row]:
    """Measure the raw reader in CPU time of one core."""
    num_bytes = write_raw_folder(folder, num_files=num_files)

    def read_folder() -> None:
        clips = read_ntu(
            folder, protocol="ntu60", leave_out_missing=False, workers=1, progress=False
        )
        exhaust(clips)

    read = measure(read_folder, rounds=rounds, clock=time.process_time)
    return [
        rate("raw folder to clips, a core", read, num_files, "files/s"),
        rate("raw folder to clips, a core", read, num_bytes / 1e6, "MB/s"),
    ]


def pickle_rows(path: Path, *, num_clips: int, rounds: int) -> list[Row]:
    """Measure the reader of annotation pickles in CPU time."""
    num_bytes = write_annotations(path, make_clips(num_clips))

    names = [f"class_{number:03}" for number in range(60)]

    def read() -> None:
        exhaust(read_pyskl(path, num_joints=25, classes=names, splits=("xsub",)))

    clips = measure(read, rounds=rounds, clock=time.process_time)
    objects = measure(lambda: load_pickle(path), rounds=rounds, clock=time.process_time)
    return [
        rate("pickle to objects", objects, num_clips, "samples/s"),
        rate("pickle to clips", clips, num_clips, "samples/s"),
        rate("pickle to clips", clips, num_bytes / 1e6, "MB/s"),
    ]


def stage_rows(folder: Path, *, num_clips: int, workers: int, rounds: int) -> list[Row]:
    """Measure the stages that write arrays, and the check when one is read."""
    clips, skeleton = make_clips(num_clips), ntu25()
    classes = tuple(str(label) for label in range(60))
    dataset = Dataset("ntu60", "raw", None, "", skeleton, 2, "ntu60", False, classes, ("xsub",))
    joints_path, clips_path = folder / "joints.npy", folder / "clips.csv"

    def joints(workers: int) -> Callable[[], None]:
        return lambda: quietly(
            lambda: write_joints(
                clips,
                dataset,
                "centred",
                joints_path=joints_path,
                clips_path=clips_path,
                dropped_path=folder / "dropped.csv",
                workers=workers,
            )
        )

    def modalities(workers: int) -> Callable[[], None]:
        outputs = {name: folder / f"{name}.npy" for name in MODALITIES}
        return lambda: quietly(
            lambda: write_modalities(joints_path, clips_path, skeleton, outputs, workers=workers)
        )

    found = []
    for number in sorted({1, workers}):
        timing = measure(joints(number), rounds=rounds)
        size = joints_path.stat().st_size / 1e9
        name = f"joints stage without its reader, {threads(number)}"
        found += [rate(name, timing, num_clips, "clips/s"), rate(name, timing, size, "GB/s")]
    for number in sorted({1, workers}):
        timing = measure(modalities(number), rounds=rounds)
        found.append(rate(f"modality stage, {threads(number)}", timing, 6 * size, "GB/s written"))
    if workers > 1:
        name = f"modality stage: times one thread, with {workers}"
        found += comparison(name, modalities(1), modalities(workers), rounds=max(rounds // 2, 2))
    check = measure(lambda: open_array(folder / "j.npy"), rounds=rounds)
    return [*found, rate("an array's digest checked", check, size, "GB/s")]


def fuse_rows(folder: Path, *, rounds: int) -> list[Row]:
    """Measure the fusion of six score files, from the files to the table."""
    found = []
    for name, (num_clips, num_classes) in FUSED.items():
        paths = {stream: folder / f"{num_clips}-{stream}.npz" for stream in WEIGHTS}
        for seed, path in enumerate(paths.values()):
            make_scores(num_clips, num_classes, seed=seed).save(path)

        def fuse(paths: dict[str, Path] = paths) -> None:
            members = {stream: Scores.load(path) for stream, path in paths.items()}
            rivals = ensemble_rivals(members, WEIGHTS, "probability")
            ensemble_table(rivals, members, WEIGHTS)

        found.append(duration(f"six score files to a table, {name}", measure(fuse, rounds=rounds)))
    return found


def make_scores(num_clips: int, num_classes: int, *, seed: int) -> Scores:
    generator = np.random.default_rng(seed)
    logits = generator.standard_normal((num_clips, num_classes), np.float32)
    exponentials = np.exp(logits)
    return Scores(
        clips=np.array([f"S001C001P001R001A{number:06}" for number in range(num_clips)]),
        labels=np.arange(num_clips) % num_classes,
        classes=np.array([str(label) for label in range(num_classes)]),
        logits=logits,
        probabilities=exponentials / exponentials.sum(axis=1, keepdims=True),
        provenance={"select": "last"},
    )


def threads(number: int) -> str:
    return "one thread" if number == 1 else f"{number} threads"


def exhaust(items: object) -> None:
    for _ in items:
        pass


def quietly(call: Callable[[], None]) -> None:
    """Call without what the stage prints on stderr."""
    with contextlib.redirect_stderr(io.StringIO()):
        call()


def main() -> None:
    """Write the data to a temporary folder, measure, print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=60)
    parser.add_argument("--clips", type=int, default=2000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--folder", type=Path, help="where to write; by default a temporary folder")
    args = parser.parse_args()

    with tempfile.TemporaryDirectory(dir=args.folder) as name:
        print_rows(
            rows(
                Path(name),
                num_files=args.files,
                num_clips=args.clips,
                workers=args.workers,
                rounds=args.rounds,
            )
        )


if __name__ == "__main__":
    main()
