"""``results/{name}.manifest.json``: what a table, a figure or the page was made from, beside it.

Files are named as seen from the manifest, so that results can be moved as a whole.
"""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from protogcn.errors import ContractError
from protogcn.files.contracts import reading, save_text

ENDING = ".manifest.json"
_FORMAT = 1
_LONGEST = 255  # bytes of a file's name


class KnownFile(NamedTuple):
    """A file and the SHA-256 of its bytes, or of an array's as its trailer has it."""

    path: Path
    sha256: str


@dataclass(frozen=True)
class ScoredRun:
    """One score file among the inputs.

    Attributes:
        path: the file.
        run: task/model/stream.
        side: of its split.
        clips: how many.
        clips_digest: see ``Scores.clips_digest``.
        settings: its provenance, flat: what it was trained and scored with, on which data, by which
            code.
    """

    path: Path
    run: str
    side: str
    clips: int
    clips_digest: str
    settings: Mapping[str, str]


@dataclass(frozen=True)
class Manifest:
    """How some files were made.

    Attributes:
        command: the command that made them.
        options: its arguments that are no files, by name.
        inputs: the files it read, by the name of the argument.
        outputs: the files it wrote, by the name of the argument.
        made_by: commit, whether the code differed from it (``changes``), versions, hardware.
        runs: of the score files among the inputs.
    """

    command: str
    options: Mapping[str, Any]
    inputs: Mapping[str, Sequence[KnownFile]]
    outputs: Mapping[str, Sequence[KnownFile]]
    made_by: Mapping[str, Any]
    runs: Sequence[ScoredRun] = field(default=())

    @property
    def files(self) -> list[Path]:
        """All files that it names."""
        groups = [*self.inputs.values(), *self.outputs.values()]
        return [file.path for files in groups for file in files]

    def save(self, path: Path) -> None:
        """Write the manifest whole or not at all; settings that all runs share stand once."""
        shared = dict(self.runs[0].settings) if self.runs else {}
        for run in self.runs:
            shared = {k: v for k, v in shared.items() if run.settings.get(k) == v}
        runs = [
            {
                **vars(run),
                "path": os.path.relpath(run.path, path.parent),
                "settings": {k: v for k, v in run.settings.items() if k not in shared},
            }
            for run in self.runs
        ]
        content = {
            "format": _FORMAT,
            "command": self.command,
            "options": dict(self.options),
            "inputs": _seen_from(path, self.inputs),
            "outputs": _seen_from(path, self.outputs),
            "made by": dict(self.made_by),
            "runs": runs,
            "shared settings": shared,
        }
        save_text(path, json.dumps(content, indent=1) + "\n")

    @classmethod
    def load(cls, path: Path) -> "Manifest":
        """Read a manifest.

        Raises:
            ContractError: it is missing, damaged or of another format.
        """
        with reading(path, "a manifest, which is written with every table, figure and page"):
            content = json.loads(path.read_text(encoding="utf-8"))
            if (found := content.get("format")) != _FORMAT:
                raise ContractError(f"{path}: found format {found}, expected {_FORMAT}.")
            shared = content["shared settings"]
            found = cls(
                command=str(content["command"]),
                options=dict(content["options"]),
                inputs=_found_from(path, content["inputs"]),
                outputs=_found_from(path, content["outputs"]),
                made_by=dict(content["made by"]),
                runs=[
                    ScoredRun(
                        **{
                            **run,
                            "path": _from(path, run["path"]),
                            "settings": shared | run["settings"],
                        }
                    )
                    for run in content["runs"]
                ],
            )
            found._check(path)
        return found

    def _check(self, path: Path) -> None:
        """Refuse what ``save`` cannot have written."""
        for run in self.runs:
            texts = (run.run, run.side, run.clips_digest, *run.settings.values())
            if type(run.clips) is not int or not all(isinstance(text, str) for text in texts):
                raise ContractError(
                    f"{path}: run {str(run.run)[:40]!r} has a count or settings of another"
                    " kind than a manifest has; make its table again."
                )
        commit, versions = self.made_by.get("commit", ""), self.made_by.get("versions", {})
        if not (isinstance(commit, str) and isinstance(versions, dict)):
            raise ContractError(
                f"{path}: its commit is no text or its versions are no map; make its table again."
            )


def manifest_beside(path: Path) -> Path:
    """Return where the manifest of an output is: ``t.csv``, ``t.md`` -> ``t.manifest.json``."""
    return path if path.name.endswith(ENDING) else path.with_suffix(ENDING)


def _seen_from(
    path: Path, groups: Mapping[str, Sequence[KnownFile]]
) -> dict[str, list[dict[str, str]]]:
    return {
        name: [
            {"path": os.path.relpath(file.path, path.parent), "sha256": file.sha256}
            for file in files
        ]
        for name, files in groups.items()
    }


def _found_from(path: Path, groups: Mapping[str, Any]) -> dict[str, list[KnownFile]]:
    return {
        str(name): [KnownFile(_from(path, file["path"]), str(file["sha256"])) for file in files]
        for name, files in groups.items()
    }


def _from(path: Path, name: str) -> Path:
    if "\0" in name or any(len(os.fsencode(part)) > _LONGEST for part in Path(name).parts):
        raise ContractError(f"{path}: names the file {name[:40]!r}, which no disk can hold.")
    return Path(os.path.normpath(path.parent / name))
