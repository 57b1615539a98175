"""A seed -> the built-in demo dataset: raw files of twelve simulated actions, NTU's or 2-D poses.

Twelve people perform twelve actions in front of two cameras, in two rooms. Subjects 1 to 12 are
NTU's own: its cross-subject protocol trains on 1 2 4 5 8 9 and tests on 3 6 7 10 11 12.
"""

import argparse
import re
from functools import partial
from pathlib import Path

import pandas as pd

from protogcn.data.simulator.actions import CLASS_NAMES
from protogcn.data.simulator.pose_files import write_kpfiles, write_pose_pickle
from protogcn.data.simulator.recordings import ROOMS, Performance, write_performance
from protogcn.errors import ConfigError
from protogcn.files.contracts import digest_of
from protogcn.files.csv_table import save_table
from protogcn.files.refusals import refusals
from protogcn.jobs.workers import in_processes

_NAME = re.compile(r"S\d{3}C\d{3}P\d{3}R\d{3}A\d{3}\.skeleton")
_MOST_SUBJECTS = 40  # as many as NTU RGB+D 60 has
_MOST_FRAMES = 300  # as many as its longest clips have


def write_demo(
    folder: Path,
    *,
    seed: int,
    subjects: int = 12,
    replications: int = 2,
    classes: int | None = None,
    first_class: int = 1,
    frames: tuple[int, int] = (40, 90),
    form: str = "skeletons",
    workers: int = 1,
) -> list[Path]:
    """Write the dataset; every clip depends on the seed and its own name only.

    Args:
        folder: is created; NTU files of another run in it are removed, others left alone.
        seed: 0 or more.
        subjects: 2 to 40.
        replications: how often everybody does every action in every room, 1 to 999.
        classes: so many of ``CLASS_NAMES``; None is all.
        first_class: which of them, from 1, is the first one; its files have the number 1.
        frames: lengths of the shortest and the longest clip, 20 to 300, at 30 per second.
        form: ``skeletons`` are NTU's ``.skeleton`` files, ``poses`` is FineGYM's pickle
            (``poses.pkl``), ``kpfiles`` are Kinetics' table (``poses.pkl``) and ``kpfiles/``.
        workers: processes that share the work; the files are the same for any number.

    Returns:
        The files; clips are actions x subjects x replications x 2 rooms x 2 cameras.

    Raises:
        ConfigError: a number is out of range.
        ContractError: the folder or a file in it cannot be written.
    """
    _check("first_class", first_class, 1, len(CLASS_NAMES))
    most = len(CLASS_NAMES) - first_class + 1
    classes = most if classes is None else classes
    _check("seed", seed, 0, None)
    _check("subjects", subjects, 2, _MOST_SUBJECTS)
    _check("replications", replications, 1, 999)
    _check("classes", classes, 1, most)
    _check("frames", frames[0], 20, _MOST_FRAMES)
    _check("frames", frames[1], frames[0], _MOST_FRAMES)
    _check("workers", workers, 1, None)
    _clear(folder)
    performances = plan_demo(
        subjects=subjects, replications=replications, classes=classes, first_class=first_class
    )
    how = {"seed": seed, "frames": frames}
    table = folder / "poses.pkl"
    match form:
        case "poses":
            return write_pose_pickle(table, performances, **how, workers=workers)
        case "kpfiles":
            return write_kpfiles(table, folder / "kpfiles", performances, **how, workers=workers)
    write = partial(write_performance, folder, **how)
    return sorted(path for paths in in_processes(write, performances, workers) for path in paths)


def plan_demo(
    *, subjects: int, replications: int, classes: int, first_class: int = 1
) -> list[Performance]:
    """Return every performance of the dataset."""
    return [
        Performance(setup, subject, replication, action, first_class)
        for setup in ROOMS
        for subject in range(1, subjects + 1)
        for replication in range(1, replications + 1)
        for action in range(1, classes + 1)
    ]


def write_manifest(manifest: Path, files: list[Path]) -> None:
    """List the files with their sizes and SHA-256; a list exists only if they all do."""
    rows = [(path.name, path.stat().st_size, digest_of(path)) for path in files]
    save_table(manifest, pd.DataFrame(rows, columns=["file", "bytes", "sha256"]))


def main() -> None:
    """Write the demo dataset, and last of all the list of its files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--manifest", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--subjects", type=int, default=12)
    parser.add_argument("--replications", type=int, default=2)
    parser.add_argument("--classes", type=int, help="how many (default: all)")
    parser.add_argument("--first-class", type=int, default=1)
    parser.add_argument("--frames", type=int, nargs=2, default=(40, 90))
    parser.add_argument("--format", choices=("skeletons", "poses", "kpfiles"), default="skeletons")
    parser.add_argument("--workers", type=int, default=1)
    args = parser.parse_args()

    with refusals(args.manifest):
        args.manifest.unlink(missing_ok=True)  # while the files change, no list of them is true
    files = write_demo(
        args.folder,
        seed=args.seed,
        subjects=args.subjects,
        replications=args.replications,
        classes=args.classes,
        first_class=args.first_class,
        frames=tuple(args.frames),
        form=args.format,
        workers=args.workers,
    )
    write_manifest(args.manifest, files)


def _clear(folder: Path) -> None:
    with refusals(folder, folder, what="cannot be a folder of files"):
        folder.mkdir(parents=True, exist_ok=True)
        for path in folder.iterdir():
            if _NAME.fullmatch(path.name):
                path.unlink()


def _check(name: str, value: int, least: int, most: int | None) -> None:
    if value < least or (most is not None and value > most):
        expected = f"{least} or more" if most is None else f"{least} to {most}"
        raise ConfigError(f"demo.{name}: found {value}, expected {expected}.")
