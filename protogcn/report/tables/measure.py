"""Score files -> the numbers of a table's cells: each measurement a percentage.

Shapes: N clips, K classes.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from protogcn.config.table_request import Cell, Scheme, settings_digest
from protogcn.errors import ContractError
from protogcn.files.scores import Scores
from protogcn.scores.fusion import accuracies, fuse
from protogcn.scores.members import load_scores_of

_Run = tuple[str, str, str]  # task, model, stream


@dataclass(frozen=True)
class Measured:
    """Our measurements of one cell.

    Attributes:
        values: a percentage for each repeat; empty if there is none.
        clips: how many test clips they are of.
        notes: codes of what a reader has to know, see ``notes``.
    """

    values: tuple[float, ...]
    clips: int
    notes: tuple[str, ...]


def measure(
    cells: Iterable[Cell], files: Mapping[_Run, Path], digests: Mapping[str, str], *, partial: bool
) -> dict[Cell, Measured]:
    """Measure every cell, task by task so that one task's scores are in memory at a time.

    Args:
        cells: what a table wants.
        files: the score file of every run.
        digests: ``settings_digest`` of every run as the config has it now, by its name.
        partial: leave out the measurements whose score files do not exist.

    Raises:
        ContractError: a score file is missing, damaged or of another run, or streams to fuse
            were not scored on the same clips.
    """
    cells = list(cells)
    tasks: dict[str, list[Cell]] = {}
    for cell in cells:
        tasks.setdefault(cell.task, []).append(cell)
    found = {}
    for task, wanted in tasks.items():
        needed = dict.fromkeys(run for cell in wanted for run in cell.runs)
        if (lacking := [run for run in needed if run not in files]) and not partial:
            raise ContractError(f"{'/'.join(lacking[0])}: no score file was given for this run.")
        scores = {run: load_scores_of(files[run], *run) for run in needed if run in files}
        stale = {
            run
            for run, found_scores in scores.items()
            if settings_digest(found_scores.provenance["run"]) != digests["/".join(run)]
        }
        print(f"{task}: {len(scores)} of {len(needed)} score files", flush=True)
        found |= _measure_task(wanted, scores, stale)
    return {cell: found[cell] for cell in cells}


def _measure_task(
    cells: Iterable[Cell], scores: Mapping[_Run, Scores], stale: Collection[_Run]
) -> dict[Cell, Measured]:
    first = next(iter(scores.values()), None)
    found = {}
    for cell in cells:
        there = [s for s in cell.repeats if all(run in scores for run in _runs(cell, s))]
        values, notes, clips = [], set(cell.notes), 0
        if cell.repeats and not there:
            notes = {"missing"}
        elif len(there) < len(cell.repeats):
            notes.add("incomplete")
        for scheme in there:
            members = [scores[run] for run in _runs(cell, scheme)]
            names = dict(zip(dict(scheme), members, strict=True))
            fused = fuse(names, dict(scheme), cell.space)
            value = accuracies(fused, members[0].labels)[cell.metric]
            if value is not None:
                values.append(100 * value)
            selected = {member.provenance["select"] for member in members} - {"last"}
            notes |= {f"selected_{select}" for select in selected}
            if any(run in stale for run in _runs(cell, scheme)):
                notes.add("other_settings")
            if members[0].clips_digest != first.clips_digest:
                notes.add("other_clips")
            clips = len(members[0].clips)
        found[cell] = Measured(tuple(values), clips, tuple(sorted(notes)))
    return found


def _runs(cell: Cell, scheme: Scheme) -> list[_Run]:
    return [(cell.task, cell.model, stream) for stream, _ in scheme]
