"""A manifest -> the files that it is of, made again from its inputs in a folder of their own.

Manifests may come from others: only commands that read scores are run, only known arguments name
files, and what is written goes nowhere else.
"""

import io
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import chdir, contextmanager, redirect_stderr, redirect_stdout
from importlib import import_module
from pathlib import Path
from typing import Any

from protogcn.errors import ContractError
from protogcn.files.manifest import Manifest
from protogcn.files.temporary import temporary_folder
from protogcn.report.provenance.record import COMMANDS, Files

_OTHERS = ("log", "manifest", "help")  # arguments that every command has


def folder_of(paths: Iterable[Path]) -> Path:
    """Return the folder that all of these files lie in, as their paths name it."""
    return Path(os.path.commonpath([lexically_absolute(path).parent for path in paths]))


def lexically_absolute(path: Path) -> Path:
    """Return a path from the root on, without ``..``; links in it stay as they are."""
    return Path(os.path.normpath(path.absolute()))


@contextmanager
def remade(path: Path, manifest: Manifest) -> Iterator[list[tuple[Path, Path]]]:
    """Make the outputs of a manifest again; yield each beside the one made again.

    Its inputs are seen from the temporary folder as they are from the manifest, as tables name
    other files.

    Raises:
        ContractError: the manifest is not of a command of scores, or the command refuses its
            inputs.
    """
    words = _arguments(path, manifest)
    root = folder_of([path, *manifest.files])
    with temporary_folder() as folder:

        def placed(file: Path) -> Path:
            place = folder / lexically_absolute(file).relative_to(root)
            place.parent.mkdir(parents=True, exist_ok=True)
            return place

        for files in manifest.inputs.values():
            for file in files:
                if not (place := placed(file.path)).is_symlink():  # named twice
                    place.symlink_to(lexically_absolute(file.path))
        for argument, files in [*manifest.inputs.items(), *manifest.outputs.items()]:
            places = [str(placed(file.path).relative_to(folder)) for file in files]
            words += [f"--{argument.replace('_', '-')}", *places] if places else []
        _run(path, manifest.command, words, folder)
        outputs = [file.path for files in manifest.outputs.values() for file in files]
        yield [(output, placed(output)) for output in outputs]


def check_files(path: Path, manifest: Manifest, files: Files) -> None:
    """Check that a manifest names files of its command alone.

    Raises:
        ContractError: it names another one.
    """
    if others := {*manifest.inputs, *manifest.outputs} - {*files.inputs, *files.outputs}:
        raise ContractError(
            f"{path}: {manifest.command} has no file {sorted(others)[0]}, expected"
            f" {', '.join((*files.inputs, *files.outputs))}."
        )


def _arguments(path: Path, manifest: Manifest) -> list[str]:
    """Return the words of the arguments that are no files."""
    files = COMMANDS.get(manifest.command)
    if files is None or not files.of_scores:
        raise ContractError(f"{path}: is of {manifest.command!r}, which is no command of scores.")
    named = {*files.inputs, *files.outputs, *_OTHERS}
    check_files(path, manifest, files)
    words = []
    for name, value in manifest.options.items():
        # argparse takes the beginning of a name for the name.
        is_file = name not in files.alike and any(known.startswith(name) for known in named)
        if is_file or not name.isidentifier():
            raise ContractError(f"{path}: found the option {name!r}, which names no option.")
        if isinstance(value, list) and any(str(word).startswith("-") for word in value):
            raise ContractError(f"{path}: found {value} as {name}, a value begins as an option.")
        words += _words(f"--{name.replace('_', '-')}", value)
    return words


def _words(option: str, value: Any) -> list[str]:
    match value:
        case None | False:
            return []
        case True:
            return [option]
        case list():
            return [option, *map(str, value)]
    return [f"{option}={value}"]


def _run(path: Path, command: str, words: list[str], folder: Path) -> None:
    """Run a command as the front door does, in this process: most of one is spent on imports."""
    front_door, before, said = import_module("protogcn.__main__").main, sys.argv, io.StringIO()
    sys.argv = ["protogcn", command, *words]
    try:
        with chdir(folder), redirect_stdout(io.StringIO()), redirect_stderr(said):
            front_door()
    except SystemExit:
        sentence = (said.getvalue().strip().splitlines() or ["it said nothing"])[-1]
        raise ContractError(f"{path}: {command} could not be run again: {sentence}") from None
    finally:
        sys.argv = before
