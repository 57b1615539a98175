"""A line from raw files to a page whose every stage can be disturbed, and then started again."""

import fcntl
import hashlib
import json
import os
import re
import shlex
import shutil
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from protogcn.files.contracts import check_seal
from protogcn.models.checkpoint import load_checkpoint
from tests.made.fingerprint import fingerprint
from tests.made.forked_command import Forked, start
from tests.made.nano import DATASET, nano_run, write_dataset, write_run
from tests.made.warm_snakemake import run_snakemake

REPOSITORY = Path(__file__).parents[2]
CONFIGS = (REPOSITORY / "config/config.yaml", Path(__file__).with_suffix(".yaml"))
_TARGETS = [
    "results/nano_xsub_two.csv",
    "results/nano_xsub_two_worth.csv",
    "results/nano_xsub_two_confusion.png",
    "results/report.html",
]
# Beside what Snakemake runs.
_MORE = ["protogcn bundle results/nano_xsub_two.csv --zip results/two.zip"]
TIMES = ["clips_per_second", "seconds"]
_TEMPORARY = re.compile(r"\..*\.tmp")


@dataclass(frozen=True)
class Stage:
    """A command of the line.

    Attributes:
        name: of the command, with a number if there are several.
        words: the command and its arguments.
        before: the files that there are before it.
        made: those that it makes, each with the digest of what it says.
        seconds: it takes.
    """

    name: str
    words: Sequence[str]
    before: Sequence[str]
    made: Mapping[str, str]
    seconds: float

    @property
    def num_bytes(self) -> int:
        """Return how much it writes; of files without a digest as well."""
        return sum(int(entry.split()[0]) for entry in self.made.values())


@dataclass(frozen=True)
class Line:
    """All stages, and a folder in which each of them ran once, undisturbed."""

    folder: Path
    stages: list[Stage]

    def stage(self, name: str) -> Stage:
        """Return a stage by its name."""
        return next(stage for stage in self.stages if stage.name == name)

    def before(self, stage: Stage, folder: Path) -> Path:
        """Make a folder as it is before a stage."""
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for name in stage.before:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(self.folder / name, folder / name)
        return folder

    def run(self, stage: Stage, folder: Path, **how: Any) -> Forked:
        """Start a stage in a folder; see ``forked_command.start``."""
        return start(stage.words, cwd=folder, output=self._told, **how)

    def difference(self, stage: Stage, folder: Path) -> str:
        """Return what a stage left otherwise than undisturbed, or nothing."""
        if left := leftovers(folder):
            return f"{left[0]} is left"
        for name, expected in stage.made.items():
            path = folder / name
            if not path.exists():
                return f"{name} is missing"
            if (found := _says(path)) != expected:
                return f"{name} says {found}, not {expected}"
            check_seal(path)
        return ""

    def half_made(self, stage: Stage, folder: Path) -> str:
        """Return a file that a stage left otherwise than whole or not at all, or nothing.

        Simulated raw files are whole once their list is there.
        """
        for name, expected in stage.made.items():
            path = folder / name
            if path.exists() and path.suffix != ".skeleton" and not _is_its_own(path):
                if _says(path) != expected:
                    return name
        return ""

    def log(self, stage: Stage, folder: Path) -> str:
        """Return what a stage said, to its log and beside it."""
        words = list(stage.words)
        log = folder / words[words.index("--log") + 1] if "--log" in words else None
        told = self._told.read_text(errors="replace")
        return told + (log.read_text(errors="replace") if log is not None and log.exists() else "")

    @property
    def _told(self) -> Path:
        return self.folder.with_name(f"told {os.getpid()}")  # not on the disk that is full


def leftovers(folder: Path) -> list[Path]:
    """Return the temporary files and folders below a folder."""
    return [path for path in folder.rglob(".*") if _TEMPORARY.fullmatch(path.name)]


def build_line(folder: Path, *, whole: bool) -> Line:
    """Run a line in a folder, once for all processes that ask for it.

    Args:
        folder: where it is kept.
        whole: from raw files to the page; else from joints to a table, of a toy skeleton.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        record, results = folder / "line.json", folder / "line"
        if not record.exists():
            results.mkdir()
            commands = [*_planned(folder / "plan"), *_MORE] if whole else _written(results)
            stages = list(_run_all(commands, results))
            record.write_text(json.dumps([asdict(stage) for stage in stages]))
        return Line(results, [Stage(**entry) for entry in json.loads(record.read_text())])


def _run_all(commands: Iterable[str], folder: Path) -> Iterable[Stage]:
    seen: dict[str, int] = {}
    for words in map(_words, commands):
        number = seen[words[0]] = seen.get(words[0], 0) + 1
        before = _files(folder)
        process = start(words, cwd=folder, output=folder.with_suffix(".told"))
        began = time.monotonic()
        assert process.wait() == 0, process.told()
        seconds = time.monotonic() - began
        made = {name: _says(folder / name) for name in _files(folder) if name not in before}
        name = words[0] if number == 1 else f"{words[0]} {number}"
        yield Stage(name, words, before, made, seconds)


def _words(command: str) -> list[str]:
    """Return a command of ours and its arguments."""
    words = shlex.split(command)
    return words[words.index("protogcn") + 1 :]


def _planned(folder: Path) -> list[str]:
    """Return the commands that Snakemake would run, in an order in which they can be."""
    folder.mkdir()
    answer = folder.with_suffix(".txt")
    arguments = [
        "--snakefile", str(REPOSITORY / "Snakefile"), "--directory", str(folder), "--dry-run",
        "--printshellcmds", "--cores", "1", *_TARGETS,
        "--configfile", *map(str, CONFIGS),
    ]  # fmt: skip
    code = run_snakemake(arguments, cwd=folder, output=answer, timeout=120)
    told = answer.read_text()
    assert code == 0, told
    return re.findall(r"^Shell command: (.*python -m protogcn .*)$", told, re.MULTILINE)


def _written(folder: Path) -> list[str]:
    """Write joints and settings; return the commands that follow."""
    write_dataset(folder)
    for name in ("j.npy", "b.npy"):
        (folder / name).unlink()
    (folder / "dataset.yaml").write_text(yaml.safe_dump(DATASET.to_mapping()))
    write_run(folder, nano_run(epochs=6))
    arrays = "--config config.yaml --values j.npy --clips clips.csv --checkpoint checkpoint.pt"
    return [
        "protogcn modality --dataset dataset.yaml --joints joints.npy --clips clips.csv --j j.npy --b b.npy",
        f"protogcn train {arrays} --history history.csv --log train.log",
        f"protogcn score {arrays} --scores scores.npz",
        "protogcn fuse --scores scores.npz --streams j --task nano_xsub --model protogcn --weights 1"
        " --ensemble one --csv t.csv --markdown t.md --latex t.tex --pairs pairs.csv --record t.json",
    ]


def _files(folder: Path) -> list[str]:
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return [path.relative_to(folder).as_posix() for path in paths]


def _is_its_own(path: Path) -> bool:
    """Whether a file tells who ran and when: notes, seals, logs, the state of a training."""
    name = path.name
    return name.startswith((".", "events.", "resume")) or name in ("owner.json", "progress.json") or (
        path.suffix == ".log"
    )  # fmt: skip


def _says(path: Path) -> str:
    """Return the bytes of a file and a digest of its content; without the times of a training."""
    size = path.stat().st_size
    if _is_its_own(path):
        return "0 -"
    if path.name == "checkpoint.pt":
        return f"{size} {fingerprint(load_checkpoint(path, {}))}"
    if path.name == "history.csv":
        return f"0 {fingerprint(pd.read_csv(path).drop(columns=TIMES))}"
    if path.name.endswith(".manifest.json"):  # names a picture of the workflow from where it lies
        content = re.sub(rb'"\.\./[^"]*"', b'"elsewhere"', path.read_bytes())
        return f"0 {hashlib.sha256(content).hexdigest()}"
    return f"{size} {hashlib.sha256(path.read_bytes()).hexdigest()}"
