"""How fast the readers are: generated raw files and a generated annotation pickle, one core.

Prints medians over several rounds, in CPU time: files and megabytes per second of the raw reader,
and the seconds that a pickle of as many samples as NTU-60 takes to load and to read.
"""

import argparse
import pickle
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from protogcn.readers.bodies import arrange_bodies
from protogcn.readers.ntu import read_ntu
from protogcn.readers.pyskl import read_pyskl
from protogcn.readers.safe_pickle import load_pickle
from protogcn.readers.skeleton_file import parse_skeleton

NUM_JOINTS = 25


def make_skeleton_text(generator: np.random.Generator, *, num_frames: int, num_bodies: int) -> str:
    """Return a raw file with the digits of a real one; a frame of a body has about 2.8 kB."""
    lines = [str(num_frames)]
    for _ in range(num_frames):
        lines.append(str(num_bodies))
        for body in range(num_bodies):
            lines += [f"{72057594037932358 + body} 0 1 1 0 0 0 0.3391632 -0.5899565 2", "25"]
            numbers = generator.uniform(-1, 4, (NUM_JOINTS, 11))
            numbers[:, 3:7] *= 250
            lines += [" ".join(f"{number:.7g}" for number in row) + " 2" for row in numbers]
    return "\r\n".join(lines) + "\r\n"


def write_raw_folder(folder: Path, *, num_files: int) -> int:
    """Write files of about 300 kB, every fourth with two bodies; return their bytes."""
    generator = np.random.default_rng(0)
    for number in range(num_files):
        bodies = 2 if number % 4 == 3 else 1
        text = make_skeleton_text(generator, num_frames=108 // bodies, num_bodies=bodies)
        name = f"S001C001P001R{number // 60 + 1:03}A{number % 60 + 1:03}.skeleton"
        (folder / name).write_text(text, encoding="ascii", newline="")
    return sum(path.stat().st_size for path in folder.iterdir())


def write_annotations(path: Path, *, num_samples: int, num_frames: int) -> None:
    """Write a pickle of samples with one and two persons in turn."""
    generator = np.random.default_rng(0)
    names = [f"S001C001P001R001A{number:06}" for number in range(num_samples)]
    annotations = [
        {
            "frame_dir": name,
            "label": number % 60,
            "keypoint": generator.random((1 + number % 2, num_frames, NUM_JOINTS, 3), np.float32)
            .astype(np.float16),
            "total_frames": num_frames,
        }
        for number, name in enumerate(names)
    ]  # fmt: skip
    train = num_samples * 7 // 10
    split = {"xsub_train": names[:train], "xsub_val": names[train:]}
    with path.open("wb") as file:
        pickle.dump({"split": split, "annotations": annotations}, file, protocol=4)


def median_seconds(action: Callable[[], object], rounds: int) -> float:
    seconds = []
    for _ in range(rounds):
        begin = time.process_time()
        action()
        seconds.append(time.process_time() - begin)
    return statistics.median(seconds)


def measure_raw(folder: Path, *, num_files: int, rounds: int) -> None:
    num_bytes = write_raw_folder(folder, num_files=num_files)
    texts = [path.read_bytes() for path in sorted(folder.iterdir())]

    def parse() -> None:
        for text in texts:
            arrange_bodies(parse_skeleton(text, "benchmark"))

    def read() -> None:
        for _ in read_ntu(
            folder, protocol="ntu60", leave_out_missing=False, workers=1, progress=False
        ):
            pass

    print(f"raw: {num_files} files of {num_bytes / num_files / 1e3:.0f} kB")
    for what, action in (("bytes to clips", parse), ("folder to clips", read)):
        seconds = median_seconds(action, rounds)
        print(f"  {what}: {num_files / seconds:.0f} files/s, {num_bytes / seconds / 1e6:.0f} MB/s")


def measure_pickle(path: Path, *, num_samples: int, num_frames: int, rounds: int) -> None:
    write_annotations(path, num_samples=num_samples, num_frames=num_frames)

    def read() -> None:
        for _ in read_pyskl(
            path, num_joints=NUM_JOINTS, channels=3, num_classes=60, splits=("xsub",)
        ):
            pass

    print(f"pickle: {num_samples} samples, {path.stat().st_size / 1e6:.0f} MB")
    print(f"  to objects: {median_seconds(lambda: load_pickle(path), rounds):.2f} s")
    print(f"  to clips: {median_seconds(read, rounds):.2f} s")


def main() -> None:
    """Write the data to a temporary folder, read it, print the medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=120)
    parser.add_argument("--samples", type=int, default=56_880)
    parser.add_argument("--frames", type=int, default=20, help="frames of a sample in the pickle")
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "raw").mkdir()
        measure_raw(folder / "raw", num_files=args.files, rounds=args.rounds)
        few = max(args.samples // 56, 1)
        for num_samples, num_frames in ((few, 90), (args.samples, args.frames)):
            measure_pickle(
                folder / "annotations.pkl",
                num_samples=num_samples,
                num_frames=num_frames,
                rounds=args.rounds,
            )


if __name__ == "__main__":
    main()
