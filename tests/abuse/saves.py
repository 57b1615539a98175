"""Every way in which the package writes a file, by name: each writes one of two versions."""

import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
import torch

from protogcn.data.pose_shards import is_whole, save_shard
from protogcn.errors import ContractError
from protogcn.files.arrays import open_array, writing_array
from protogcn.files.contracts import reading, save_text
from protogcn.files.csv_table import load_table, save_table
from protogcn.files.progress import RunProgress, load_progress, save_progress
from protogcn.files.scores import Scores
from protogcn.models.checkpoint import load_checkpoint, save_checkpoint
from protogcn.report.provenance.bundle_file import write_zip
from protogcn.training.resume import ResumeFile
from tests.made.page_results import scores_of

_CLIPS = ["a", "b", "c"]


def _scores(version: int) -> Scores:
    found = scores_of("protogcn", "j", [[0, 0], [1, 1], [2, 2], [3, 3]])
    return replace(found, logits=np.full_like(found.logits, version))


def _array(folder: Path, version: int) -> None:
    with writing_array(folder / "j.npy", (2, 5, 3), 6000) as writer:
        for _ in range(3):
            writer.append(np.full((2000, 2, 5, 3), version, np.float32))
        writer.finish({"modality": "j"})


def _resume(folder: Path, version: int) -> None:
    state = {
        "facts": {},
        "epoch": version,
        "model": {},
        "optimizer": {},
        "history": [],
        "best": None,
    }
    ResumeFile(folder).save(state | {"model": {"w": torch.full((50_000,), version)}})


def _shard(folder: Path, version: int) -> None:
    save_shard(folder / "00000.npy", {"a": np.full((1, 300, 17, 3), version, np.float16)})


def _read_shard(folder: Path) -> int | None:
    if not is_whole(folder / "00000.npy", ["a"]):
        return None
    return int(np.load(folder / "00000.npy")[0, 0, 0, 0])


_PARTS = ["", "__init__.py", "line.py", "saves.py"]  # by version


def _zip(folder: Path, version: int) -> None:
    write_zip(folder / "bundle.zip", Path(__file__).parent, [_PARTS[version]])


def _read_zip(folder: Path) -> int:
    with reading(folder / "bundle.zip", "a zip"), zipfile.ZipFile(folder / "bundle.zip") as archive:
        assert archive.testzip() is None
        return _PARTS.index(*archive.namelist())


def _read_text(folder: Path) -> int:
    with reading(folder / "page.html", "a page"):
        text = (folder / "page.html").read_text()
        if len(text) != 100_000:
            raise ContractError(f"{folder / 'page.html'}: is cut.")
        return int(text[0])


def _read_resume(folder: Path) -> int | None:
    state = ResumeFile(folder).load({})
    return state and state["epoch"]


_Save = Callable[[Path, int], Any]
_Read = Callable[[Path], int | None]  # the version that is found, None where there is none
SAVES: dict[str, tuple[_Save, _Read]] = {
    "text": (
        lambda folder, version: save_text(folder / "page.html", str(version) * 100_000),
        _read_text,
    ),
    "sealed table": (
        lambda folder, version: save_table(
            folder / "clips.csv", pd.DataFrame({"clip": _CLIPS, "v": [version] * 3}), sealed=True
        ),
        lambda folder: int(load_table(folder / "clips.csv", {"v": "int64"})["v"][0]),
    ),
    "array": (_array, lambda folder: int(open_array(folder / "j.npy")[0][0, 0, 0, 0])),
    "scores": (
        lambda folder, version: _scores(version).save(folder / "scores.npz"),
        lambda folder: int(Scores.load(folder / "scores.npz").logits[0, 0]),
    ),
    "checkpoint": (
        lambda folder, version: save_checkpoint(folder / "checkpoint.pt", {"v": version, "x": "x" * 90_000}),
        lambda folder: load_checkpoint(folder / "checkpoint.pt", {"v": int})["v"],
    ),
    "resume": (_resume, _read_resume),
    "shard": (_shard, _read_shard),
    "zip": (_zip, _read_zip),
    "progress": (
        lambda folder, version: save_progress(folder, RunProgress("running", version, 9)),
        lambda folder: load_progress(folder).epoch,
    ),
    "compact scores": (
        lambda folder, version: _scores(version).save_compact(
            folder / "scores.npz", np.ones(8, dtype=bool), "0" * 64
        ),
        lambda folder: int(Scores.load(folder / "scores.npz").logits[0, 0]),
    ),
}  # fmt: skip


def save(name: str, folder: str, version: str) -> None:
    """Write one version of a file; called in a process of its own."""
    SAVES[name][0](Path(folder), int(version))


def warm_up() -> None:
    """Write and read one of each."""
    for name in SAVES:
        with TemporaryDirectory() as folder:
            place = Path(folder) / "place"
            place.mkdir()
            save(name, str(place), "1")
            version_of(name, place)


def version_of(name: str, folder: Path) -> int | None:
    """Return the version that a folder has."""
    return SAVES[name][1](folder)
