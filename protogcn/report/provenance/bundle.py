"""Tables and figures of scores -> one zip file with all that they follow from, no data of persons.

Score files are in it in float16, but for the clips that would be decided otherwise. What it says is
computed again from it before it is written, so nothing is lost by that.
"""

import argparse
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from protogcn.errors import ConfigError, ContractError
from protogcn.files.contracts import digest_of, reading
from protogcn.files.manifest import ENDING, Manifest
from protogcn.files.scores import Scores
from protogcn.files.temporary import temporary_folder
from protogcn.report.provenance.bundle_file import manifests_of, write_zip
from protogcn.report.provenance.check import check_manifest, with_those_of_inputs
from protogcn.report.provenance.compact import clips_to_keep, sums_of
from protogcn.report.provenance.record import COMMANDS
from protogcn.report.provenance.remake import folder_of, lexically_absolute
from protogcn.scores.intervals import ScoredClips

_README = """\
Results of protogcn {version}: {names}.

    protogcn verify {bundle}

computes every number in them again from the score files in here, and names what differs.
Each *{ending} says what its table or figure was made from: score files with their
SHA-256, runs, settings, data digests, copies across the split, commit, versions, hardware.
Score files have names or numbers of clips, labels, class scores and numbers for subjects; no
recording, joint or picture of a person. Their scores are in float16 but for the clips that this
would decide otherwise; the SHA-256 of the whole file is kept in each. Unpacked, protogcn reads
them as others.
"""


def bundle_results(
    manifests: Sequence[Path], path: Path, *, anonymous: bool = False
) -> Iterator[str]:
    """Write the bundle of these manifests; yield a line on each step.

    Args:
        manifests: of the tables and figures.
        path: the zip file.
        anonymous: number clips as well as subjects, instead of naming them.

    Raises:
        ConfigError: one of them is not of scores alone.
        ContractError: a file is missing, or a number does not follow from the score files.
    """
    known = {manifest: Manifest.load(manifest) for manifest in manifests}
    for manifest, found in known.items():
        if not (files := COMMANDS.get(found.command)) or not files.of_scores:
            raise ConfigError(
                f"{manifest}: {found.command} reads more than scores, maybe data of persons;"
                " a bundle has tables and figures of scores."
            )
    root = folder_of([*known, *(file for found in known.values() for file in found.files)])
    exact = clips_to_keep(part for found in known.values() for part in sums_of(found))
    for run in (run for found in known.values() for run in found.runs):
        if run.path not in exact:  # weights are learned on these, to the last digit
            exact[run.path] = np.ones(run.clips, dtype=bool)
    with temporary_folder(path.parent) as folder:
        places = {
            file: folder / lexically_absolute(file).relative_to(root)
            for manifest, found in known.items()
            for file in (manifest, *found.files)
        }
        for file, place in places.items():
            place.parent.mkdir(parents=True, exist_ok=True)
            if file not in exact:
                _copy(file, place)
        for file, mask in exact.items():
            _write_compact(file, places[file], mask, anonymous=anonymous)
        yield from _checked(known, places, exact, anonymous=anonymous)
        num_exact = sum(int(mask.sum()) for mask in exact.values())
        (folder / "README.txt").write_text(
            _README.format(
                version=next(iter(known.values()))
                .made_by.get("versions", {})
                .get("protogcn", "unknown"),
                names=", ".join(p.name.removesuffix(ENDING) for p in known),
                bundle=path.name,
                ending=ENDING,
            )
        )
        names = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())
        write_zip(path, folder, names)
    whole = sum(file.stat().st_size for file in exact) / 1e6
    yield (
        f"{path}: {len(exact)} score files in float16 with"
        f" {num_exact:,} of {sum(map(len, exact.values())):,} clips in float32, accuracy lost: 0;"
        f" {path.stat().st_size / 1e6:.1f} MB (its scores in float32 are {whole:.1f} MB)."
    )


def _checked(
    known: Iterable[Path],
    places: Mapping[Path, Path],
    exact: Mapping[Path, np.ndarray],
    *,
    anonymous: bool,
) -> Iterator[str]:
    """Verify what is in the folder; scores that other numbers need whole are put there whole."""
    for manifest in known:
        place = places[manifest]
        if not (faults := _faults_of(place)):
            continue
        files = [run.path for run in Manifest.load(manifest).runs]
        for file in files:
            exact[file][:] = True
            _write_compact(file, places[file], exact[file], anonymous=anonymous)
        if faults := _faults_of(place):
            fault = faults[0].replace(str(place.parent), str(manifest.parent))
            raise ContractError(f"{fault}; make it again, or ask protogcn verify what differs.")
        yield f"{manifest}: needs more than accuracies; its {len(files)} score files stay whole."


def _faults_of(manifest: Path) -> list[str]:
    return check_manifest(manifest).faults


def _write_compact(file: Path, place: Path, exact: np.ndarray, *, anonymous: bool) -> None:
    scores = Scores.load(file)
    numbers = ScoredClips.of(scores).subjects  # (N,) in the order of the clips' names, or None
    order = np.argsort(np.argsort(scores.clips))  # (N,) the place of each clip in it
    if numbers is not None:
        scores = replace(scores, subjects=_numbered(numbers[order]))
    if anonymous:
        scores = replace(scores, clips=_numbered(order))
    scores.save_compact(place, exact, digest_of(file))


def _numbered(numbers: np.ndarray) -> np.ndarray:
    """Return names that are sorted as these numbers from 0 on are."""
    width = len(str(numbers.max() + 1))
    return np.array([f"{number + 1:0{width}}" for number in numbers.tolist()])


def _copy(file: Path, place: Path) -> None:
    with reading(file, "a file of the table or figure; make that again"):
        content = file.read_bytes()
    place.write_bytes(content)


def main() -> None:
    """Bundle what the arguments name, and say how much it is."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("targets", type=Path, nargs="+", help="such as results/ntu60_xsub_6ens.csv")
    parser.add_argument("--zip", type=Path, help="the file to write; by default beside the first")
    parser.add_argument(
        "--anonymous", action="store_true", help="number clips instead of naming them"
    )
    args = parser.parse_args()

    if args.zip is not None and args.zip.suffix != ".zip":
        raise ConfigError(f"--zip {args.zip}: expected a name that ends with .zip.")
    named: list[Path] = []
    for target in args.targets:
        if target.suffix == ".zip" or target.is_dir():
            raise ConfigError(f"{target}: expected a table or figure, such as results/table5.csv.")
        with manifests_of(target) as (found, _):
            named += found
    manifests = with_those_of_inputs(named)
    path = args.zip or named[0].with_name(named[0].name.replace(ENDING, ".zip"))
    for line in bundle_results(manifests, path, anonymous=args.anonymous):
        print(line, flush=True)
