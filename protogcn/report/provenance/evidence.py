"""A table, run or score file -> all that is known of how its numbers came about."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from protogcn.config.recipe import flattened
from protogcn.config.resolved import load_run
from protogcn.errors import ConfigError
from protogcn.files.contracts import reading
from protogcn.files.history import load_history
from protogcn.files.manifest import Manifest, ScoredRun
from protogcn.files.scores import Scores
from protogcn.files.weights import LearnedWeights
from protogcn.report.provenance.bundle_file import manifest_of
from protogcn.report.provenance.differences import is_number, name_of_row, read_rows
from protogcn.report.provenance.record import scored_run
from protogcn.scores.fusion import accuracies


@dataclass(frozen=True)
class Evidence:
    """What is known of one result.

    Attributes:
        kind: table, run or score file.
        numbers: its numbers by name.
        runs: what it is made of.
        options: how they were put together: weights, space and so on.
        made_by: commit, versions and hardware of the table itself.
    """

    kind: str
    numbers: Mapping[str, str]
    runs: tuple[ScoredRun, ...]
    options: Mapping[str, Any] = field(default_factory=dict)
    made_by: Mapping[str, str] = field(default_factory=dict)


def evidence_of(path: Path) -> Evidence:
    """Return what is known of a table or figure with its manifest, a run's folder, a score file.

    Raises:
        ConfigError: it is none of them.
        ContractError: a file is missing or damaged.
    """
    if path.is_dir():
        return _of_run(path)
    if path.suffix == ".npz":
        return _of_scores(path, "score file")
    if path.name == "config.yaml":
        return _of_run(path.parent)
    if not path.exists():
        raise ConfigError(f"{path}: does not exist; expected a table, a run or a score file.")
    return _of_table(path)


def _of_table(path: Path) -> Evidence:
    manifest = Manifest.load(manifest_of(path))
    tables = [
        f.path for files in manifest.outputs.values() for f in files if f.path.suffix == ".csv"
    ]
    table = path if path.suffix == ".csv" else tables[0] if tables else None
    numbers = {}
    if table is not None:
        with reading(table, "a table"):
            for row in read_rows(table.read_text(encoding="utf-8")):
                name = name_of_row(row)
                cells = {
                    f"{name} {column}": text for column, text in row.items() if is_number(text)
                }
                numbers |= cells
    options = dict(manifest.options)
    for file in manifest.inputs.get("learned", ()):
        learned = LearnedWeights.load(file.path)
        options |= {
            "weights": list(learned.weights.values()),
            "temperatures": list(learned.temperatures.values()),
            "weights learned on": f"{learned.task} {learned.side}",
        }
    return Evidence("table", numbers, tuple(manifest.runs), options, flattened(manifest.made_by))


def _of_scores(path: Path, kind: str) -> Evidence:
    scores = Scores.load(path)
    shares = accuracies(scores.probabilities, scores.labels)
    numbers = {name: f"{100 * share:.2f}" for name, share in shares.items() if share is not None}
    return Evidence(kind, numbers, (scored_run(path),))


def _of_run(folder: Path) -> Evidence:
    if (scores := folder / "scores.npz").exists():
        return _of_scores(scores, "run")
    if not (config := folder / "config.yaml").exists():
        raise ConfigError(
            f"{folder}: has no config.yaml or scores.npz; expected the folder of a run."
        )
    run, numbers = load_run(config), {}
    if (file := folder / "history.csv").exists():
        last = load_history(file).iloc[-1]
        numbers = {f"training {name}": f"{last[name]:.4g}" for name in ("loss", "accuracy")}
    settings = flattened({"run": run.to_mapping()})
    name = f"{run.dataset.name}_{run.split}/{run.model}/{run.stream}"
    return Evidence("run", numbers, (ScoredRun(scores, name, "test", 0, "", settings),))
