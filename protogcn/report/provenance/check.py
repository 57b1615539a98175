"""A manifest -> what of it is not true: inputs that changed, numbers that scores do not give."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

from protogcn.errors import ContractError
from protogcn.files.manifest import KnownFile, Manifest, manifest_beside
from protogcn.files.scores import load_score_facts
from protogcn.report.provenance.differences import compare_files
from protogcn.report.provenance.record import COMMANDS, digest_of_input, made_now
from protogcn.report.provenance.remake import check_files, remade

_DIGITS = 12  # of a digest
_SHOWN = ("tables", "figures")  # what a page shows


@dataclass
class Checked:
    """What was found of the files of one manifest.

    Attributes:
        title: the file that people look at.
        numbers: how many were computed again; None if nothing was.
        score_files: how many they are from.
        clips: of each set of clips how many there are, and the digest of them and their labels.
        faults: a sentence for each thing that is not as the manifest or the file says.
        remarks: sentences on what differs and changes no number.
    """

    title: Path
    numbers: int | None = None
    score_files: int = 0
    clips: dict[str, int] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    @property
    def summary(self) -> str:
        """One line on what was done."""
        if self.numbers is None:
            done = "nothing computed again, its inputs and itself compared with their digests"
        else:
            source = f" from {self.score_files} score files" if self.score_files else ""
            done = f"{self.numbers} numbers computed again{source}"
        clips = "".join(
            f", {count:,} clips (with their labels {digest[:_DIGITS]})"
            for digest, count in self.clips.items()
        )
        count = len(self.faults)
        found = f"{count} difference{'s' if count > 1 else ''}" if count else "all as it says"
        return f"{self.title}: {done}{clips}: {found}"


def with_those_of_inputs(paths: Iterable[Path]) -> list[Path]:
    """Return manifests, and those of their inputs: a page's tables, the weights of an ensemble.

    Raises:
        ContractError: a manifest is damaged.
    """
    found = list(dict.fromkeys(paths))
    for path in found:  # grows while it is gone through
        inputs = chain.from_iterable(Manifest.load(path).inputs.values())
        beside = dict.fromkeys(manifest_beside(file.path) for file in inputs)
        found += [other for other in beside if other not in found and other.exists()]
    return found


def check_manifest(path: Path) -> Checked:
    """Compute again what a manifest is of, and compare.

    What is drawn from persons' data is not made again: its files are compared with their digests,
    as the page is.

    Raises:
        ContractError: the manifest is damaged.
    """
    manifest = Manifest.load(path)
    outputs = list(chain.from_iterable(manifest.outputs.values()))
    if not outputs:
        raise ContractError(f"{path}: names no output.")
    checked = Checked(outputs[0].path)
    inputs = list(chain.from_iterable(manifest.inputs.values()))
    missing = [file.path for file in (*inputs, *outputs) if not file.path.exists()]
    checked.faults += [f"{file}: does not exist" for file in missing]
    try:  # the other manifests are checked nevertheless
        for file in inputs:
            if file.path not in missing:
                _check_input(file, checked)
        if (known := COMMANDS.get(manifest.command)) and not known.of_scores:
            check_files(path, manifest, known)
            _check_digests([file for file in outputs if file.path not in missing], checked)
        elif not missing:
            _check_outputs(path, manifest, checked)
    except ContractError as error:
        checked.faults.append(str(error).removesuffix("."))
    shown = [file.path for name in _SHOWN for file in manifest.inputs.get(name, ())]
    without = [file for file in shown if not manifest_beside(file).exists()]
    checked.remarks += [f"{file}: has no manifest" for file in without]
    told = {run.path for run in manifest.runs}
    silent = [file for file in inputs if file.path.suffix == ".npz" and file.path not in told]
    checked.faults += [f"{path}: does not say which run {file.path} is of" for file in silent]
    if "commit" not in manifest.made_by:
        checked.remarks.append(f"{path}: does not say which code made it")
    if manifest.made_by.get("changes"):
        checked.remarks.append(f"{path}: made by code with changes that are in no commit")
    return checked


def _check_input(file: KnownFile, checked: Checked) -> None:
    if file.path.suffix == ".npz":
        facts = load_score_facts(file.path)
        checked.clips[facts.clips_digest] = facts.count
    found = digest_of_input(file.path)
    if found == file.sha256:
        return
    checked.faults.append(
        f"{file.path}: is not the file that was read (SHA-256 {found[:_DIGITS]}, then"
        f" {file.sha256[:_DIGITS]})"
    )


def _check_digests(files: Iterable[KnownFile], checked: Checked) -> None:
    checked.faults += [
        f"{file.path}: changed since its manifest was written"
        for file in files
        if digest_of_input(file.path) != file.sha256
    ]


def _check_outputs(path: Path, manifest: Manifest, checked: Checked) -> None:
    now = made_now()
    code = ("commit", "changes", "versions")
    same_code = not now["changes"] and all(now[key] == manifest.made_by.get(key) for key in code)
    checked.numbers, checked.score_files = 0, len({run.path for run in manifest.runs})
    with remade(path, manifest) as pairs:
        for output, again in pairs:
            compared = compare_files(output, again, same_code=same_code)
            checked.numbers += compared.numbers
            checked.faults += compared.faults
            checked.remarks += compared.remarks
    if checked.faults and not same_code:
        then = manifest.made_by.get("commit", "unknown")
        checked.remarks.append(
            f"{path}: made by commit {then[:_DIGITS]}, computed again by"
            f" {now['commit'][:_DIGITS]}{' with changes' if now['changes'] else ''}"
        )
