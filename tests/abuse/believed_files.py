"""One file of every kind that a later stage believes, and how that stage reads it."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from protogcn.config.resolved import load_dataset, load_run
from protogcn.config.written import read_written
from protogcn.data.clip_list import load_clip_list
from protogcn.errors import ContractError
from protogcn.files.arrays import open_array
from protogcn.files.clip_table import ClipTable
from protogcn.files.contracts import save_text
from protogcn.files.csv_table import load_table, save_table
from protogcn.files.ensemble import load_ensemble_record
from protogcn.files.history import load_history
from protogcn.files.scores import Scores
from protogcn.files.weights import LearnedWeights
from protogcn.models.checkpoint import load_checkpoint, save_checkpoint
from protogcn.report.page.tables import read_shown_table
from tests.made.fingerprint import fingerprint
from tests.made.table_scores import cell, table


@dataclass(frozen=True)
class Believed:
    """A whole file and its reader, which returns the content or raises ContractError."""

    path: Path
    read: Callable[[Path], Any]

    def content(self) -> str:
        """Return the digest of what the reader makes of the file."""
        return fingerprint(self.read(self.path))

    def outcome(self, content: bytes, expected: str) -> str:
        """Put other bytes into the file: ``refused`` with its name, ``harmless``, or ``taken``."""
        self.path.write_bytes(content)
        try:
            found = self.content()
        except ContractError as error:
            return "refused" if str(self.path) in str(error) else f"refused without a name: {error}"
        return "harmless" if found == expected else "taken"


def write_believed(trained: Any, folder: Path) -> dict[str, Believed]:
    """Copy or write one file of each kind into a folder.

    Args:
        trained: the nano ensemble.
        folder: an empty one.
    """
    run = trained.runs["j"]
    data = trained.raw.parent / "data"
    record = trained.table.with_suffix(".json")
    for path in (run / "checkpoint.pt", run / "scores.npz",
                 data / "joints.npy", data / "j.npy", data / "clips.csv", data / "dropped.csv",
                 trained.table, record):  # fmt: skip
        shutil.copy(path, folder)
        seal = path.with_name(f".{path.name}.sha256")
        if seal.exists():
            shutil.copy(seal, folder)
    state = load_checkpoint(run / "checkpoint.pt", {})
    save_checkpoint(folder / "resume.pt", {"model": state["model"], "epoch": 3, "history": [1.5]})
    settings = load_run(run / "config.yaml")
    save_text(folder / "config.yaml", yaml.safe_dump(settings.to_mapping()), sealed=True)
    save_text(folder / "dataset.yaml", yaml.safe_dump(settings.dataset.to_mapping()), sealed=True)
    places = pd.DataFrame({"clip": ["a", "b"], "label": [0, 1], "side": ["train", "test"]})
    save_table(folder / "poses.csv", places, sealed=True)
    epochs = {"epoch": [1, 2], "learning_rate": 0.1, "loss": 2.5, "accuracy": 20.0, "seconds": 3.5}
    save_table(folder / "history.csv", pd.DataFrame(epochs), sealed=True)
    annotated = pd.DataFrame({"clip": ["a", "b"], "label": [0, 1], "xsub": ["train", "test"]})
    save_table(folder / "annotated.csv", annotated, sealed=True)
    request = table(cell("J", "j")).to_mapping() | {"recipe": {}, "digests": {}}
    save_text(folder / "table.yaml", yaml.safe_dump(request), sealed=True)
    weights = {"j": 0.75, "b": 0.25}
    LearnedWeights(
        task="t", side="val", space="logit", weights=weights, temperatures=dict.fromkeys(weights, 1.0),
        temperature=0.5, clips=9, log_loss_before=2.0, log_loss=1.5, digests={},
    ).save(folder / "weights.json")  # fmt: skip
    readers: dict[str, Callable[[Path], Any]] = {
        "checkpoint.pt": lambda path: load_checkpoint(path, {"model": dict}),
        "resume.pt": lambda path: load_checkpoint(path, {"model": dict, "history": list}),
        "scores.npz": Scores.load,
        "joints.npy": open_array,
        "j.npy": open_array,
        "clips.csv": ClipTable.load,
        trained.table.name: read_shown_table,
        record.name: load_ensemble_record,
        "config.yaml": lambda path: load_run(path).to_mapping(),
        "dataset.yaml": lambda path: load_dataset(path).to_mapping(),
        "poses.csv": lambda path: load_table(path, {"clip": "str", "label": "int64"}),
        "weights.json": LearnedWeights.load,
        "annotated.csv": lambda path: load_clip_list(path, "xsub", settings.dataset.classes),
        "table.yaml": lambda path: read_written(path, "table", dict),
        "history.csv": load_history,
        "dropped.csv": lambda path: load_table(path, {"clip": "str", "rule": "str"}),
    }
    return {name: Believed(folder / name, read) for name, read in readers.items()}
