"""A command's arguments -> the manifest beside what it wrote: from which files, by what code."""

import argparse
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from protogcn.config.recipe import flattened
from protogcn.files.arrays import digest_of_array
from protogcn.files.contracts import digest_of
from protogcn.files.manifest import KnownFile, Manifest, ScoredRun
from protogcn.files.provenance import has_changes, made_here, versions_of
from protogcn.files.scores import digest_of_scores, load_score_facts
from protogcn.files.sources import note_sources

_ARGUMENT = "manifest"
_FIGURE = ("table", "figures", "caption")
_LIBRARIES = ("scipy", "pandas", "matplotlib")  # which no training needs


class Files(NamedTuple):
    """The arguments of a command that are files.

    Attributes:
        inputs: those that it reads.
        outputs: those that it writes.
        of_scores: whether it reads nothing of persons, only scores, settings and histories; then it
            takes seconds, and whoever has the scores can do it again.
        alike: arguments that are no files, and whose names begin as a file's does.
    """

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    of_scores: bool = True
    alike: tuple[str, ...] = ()


COMMANDS = {
    "learn_weights": Files(("scores",), ("learned",)),
    "fuse": Files(("scores", "learned"), ("csv", "markdown", "latex", "pairs", "record")),
    "compare_schemes": Files(("scores", "learned"), ("csv",)),
    "tabulate": Files(("table", "scores"), ("csv", "markdown", "latex", "pairs")),
    "tabulate_folds": Files(("scores",), ("csv", "markdown", "latex")),
    "draw_class_differences": Files(("scores", "baseline_scores"), _FIGURE, alike=("baseline",)),
    "draw_confusion": Files(("scores", "learned"), _FIGURE),
    "draw_reliability": Files(("scores", "learned"), _FIGURE),
    "draw_streams": Files(("scores", "learned"), _FIGURE),
    "draw_worth": Files(("scores", "learned", "val_scores", "histories"), _FIGURE),
    "draw_learning_curves": Files(("histories",), ("figures", "caption")),
    "draw_topology": Files(("config", "values", "clips", "checkpoint"), _FIGURE, of_scores=False),
    "draw_animation": Files(
        ("dataset", "joints", "values", "clips"),
        ("animation", "figures", "caption"),
        of_scores=False,
    ),
    "draw_dataset": Files(
        ("dataset", "joints", "clips", "dropped"), ("table", "picture"), of_scores=False
    ),
    "report": Files(("tables", "figures", "captions", "scores", "dag"), ("page",), of_scores=False),
}


def add_manifest(parser: argparse.ArgumentParser) -> None:
    """Add the argument that names the manifest."""
    parser.add_argument(f"--{_ARGUMENT}", type=Path, help="json of what all this was made from")


def save_manifest(command: str, args: argparse.Namespace) -> None:
    """Write the manifest that the arguments of a command ask for, once its outputs are written."""
    values = dict(vars(args))
    if (path := values.pop(_ARGUMENT)) is None:
        return
    files = COMMANDS[command]
    inputs = {name: _known(values.pop(name)) for name in files.inputs}
    outputs = {name: _known(values.pop(name)) for name in files.outputs}
    if files.of_scores:  # joints and modalities take long to be read again
        note_sources(path, [file.path for known in inputs.values() for file in known])
    scores = [file.path for known in inputs.values() for file in known if _has_scores(file.path)]
    Manifest(
        command=command,
        options=values,
        inputs=inputs,
        outputs=outputs,
        made_by=made_now(),
        runs=[scored_run(path) for path in scores],
    ).save(path)


def made_now() -> dict[str, Any]:
    """Return commit, changes, versions and hardware of what is made now."""
    here = made_here()
    return {
        "commit": here["commit"],
        "changes": has_changes(),
        "versions": here["versions"] | versions_of(_LIBRARIES),
        "hardware": here["hardware"],
    }


def scored_run(path: Path) -> ScoredRun:
    """Return what a manifest says of a score file.

    Raises:
        ContractError: missing, damaged or incomplete.
    """
    found = load_score_facts(path)
    return ScoredRun(
        path=path,
        run=_name_of(found.provenance.get("run")),
        side=str(found.provenance.get("side", "test")),
        clips=found.count,
        clips_digest=found.clips_digest,
        settings=flattened(found.provenance),
    )


def digest_of_input(path: Path) -> str:
    """Return the SHA-256 of a file; of an array that in its trailer, of scores their file's."""
    match path.suffix:
        case ".npy":
            return digest_of_array(path)
        case ".npz":
            return digest_of_scores(path)
    return digest_of(path)


def _known(value: Path | Iterable[Path] | None) -> list[KnownFile]:
    paths = [] if value is None else [value] if isinstance(value, Path) else value
    return [KnownFile(path, digest_of_input(path)) for path in paths]


def _has_scores(path: Path) -> bool:
    return path.suffix == ".npz"


def _name_of(run: Mapping[str, Any] | None) -> str:
    if run is None:
        return "-"
    repeat = "" if run["repeat"] == 1 else f"-{run['repeat']}"
    task = f"{run['dataset']['name']}_{run['split']}"
    return f"{task}/{run['model']}/{run['modality']}{repeat}"
