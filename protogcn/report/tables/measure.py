"""Score files -> the numbers of a table's cells: each measurement a percentage.

Shapes: N clips, K classes.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np

from protogcn.config.cells import Cell
from protogcn.config.recipe import settings_digest
from protogcn.errors import ContractError
from protogcn.files.scores import Scores, chosen_on
from protogcn.report.tables.learning import Learning
from protogcn.report.tables.notes import BEST_CHOSEN_ON
from protogcn.scores.fusion import accuracies
from protogcn.scores.intervals import Credits, ScoredClips, credits_of, mean_credits
from protogcn.scores.members import load_scores_of, mixed_spaces

_Run = tuple[str, str, str]  # task, model, stream


@dataclass(frozen=True)
class Measured:
    """Our measurements of one cell.

    Attributes:
        values: a percentage for each repeat; empty if there is none.
        clips: how many test clips they are of.
        notes: codes of what a reader has to know, see ``notes``.
        credits: what each clip gives to the mean of the values; None if there is none, or if its
            repeats are of different clips.
    """

    values: tuple[float, ...]
    clips: int
    notes: tuple[str, ...]
    credits: Credits | None = None


def measure(
    cells: Iterable[Cell],
    files: Mapping[_Run, Path],
    digests: Mapping[str, str],
    *,
    partial: bool,
    val_files: Mapping[_Run, Path] = MappingProxyType({}),
) -> dict[Cell, Measured]:
    """Measure every cell, task by task so that one task's scores are in memory at a time.

    Args:
        cells: what a table wants.
        files: the score file of every run.
        digests: ``settings_digest`` of every run as the config has it now, by its name.
        partial: leave out the measurements whose score files do not exist.
        val_files: the score file of the side val of every run that weights are learned on.

    Raises:
        ContractError: a score file is missing, damaged or of another run, or streams to fuse
            were not scored on the same clips.
    """
    cells = list(cells)
    tasks: dict[str, list[Cell]] = {}
    for cell in cells:
        tasks.setdefault(cell.task, []).append(cell)
    found = {}
    learning = Learning(val_files)
    for task, wanted in tasks.items():
        needed = dict.fromkeys(run for cell in wanted for run in cell.runs)
        if (lacking := [run for run in needed if run not in files]) and not partial:
            raise ContractError(f"{'/'.join(lacking[0])}: no score file was given for this run.")
        schemes = [(cell, scheme) for cell in wanted for scheme in cell.repeats]
        unlearned = [run for each in schemes for run in learning.missing(*each)]
        if unlearned and not partial:
            raise ContractError(
                f"{'/'.join(unlearned[0])}: no score file of its side val was given, which weights"
                " are learned on."
            )
        scores = {run: load_scores_of(files[run], *run) for run in needed if run in files}
        print(f"{task}: {len(scores)} of {len(needed)} score files", flush=True)
        first = next(iter(scores.values()), None)
        notes = {run: _notes_of(run, one, first, digests) for run, one in scores.items()}
        clips = _clips_of(scores)
        found |= {cell: _measure_cell(cell, scores, clips, notes, learning) for cell in wanted}
    return {cell: found[cell] for cell in cells}


def _notes_of(run: _Run, scores: Scores, first: Scores, digests: Mapping[str, str]) -> set[str]:
    """Return the codes of a run's own numbers; ``first`` are the first scores of its task."""
    select = scores.provenance["select"]
    notes = {
        f"selected_{select}": select not in ("last", "best"),
        BEST_CHOSEN_ON[chosen_on(scores)]: select == "best",
        "started": "start" in scores.provenance,
        "copies": scores.provenance.get("copies", {}).get("test clips", 0) > 0,
        "other_settings": settings_digest(scores.provenance["run"]) != digests["/".join(run)],
        "other_clips": scores.clips_digest != first.clips_digest,
    }
    return {code for code, applies in notes.items() if applies}


def _clips_of(scores: Mapping[_Run, Scores]) -> dict[_Run, ScoredClips]:
    """Return the clips of every run; those that are in one order are the same object."""
    found: dict[_Run, ScoredClips] = {}
    for run, one in scores.items():
        same = (
            clips
            for clips in {id(clips): clips for clips in found.values()}.values()
            if clips.digest == one.clips_digest and np.array_equal(clips.ids, one.clips)
        )
        found[run] = next(same, None) or ScoredClips.of(one)
    return found


def _measure_cell(
    cell: Cell,
    scores: Mapping[_Run, Scores],
    clips_of: Mapping[_Run, ScoredClips],
    notes_of: Mapping[_Run, set[str]],
    learning: Learning,
) -> Measured:
    values, credits, notes, clips, num_measured = [], [], set(cell.notes), 0, 0
    for scheme in cell.repeats:
        runs = cell.runs_of(scheme)
        if not all(run in scores for run in runs) or learning.missing(cell, scheme):
            continue
        members = {name: scores[run] for (name, _), run in zip(scheme, runs, strict=True)}
        labels = scores[runs[0]].labels
        fused = learning.fused(cell, scheme, members)
        value = accuracies(fused, labels)[cell.metric]
        if value is not None:
            values.append(100 * value)
            credits.append(credits_of(fused, clips_of[runs[0]], cell.metric))
        notes = notes.union(*(notes_of[run] for run in runs))
        notes |= {"mixed_spaces"} if mixed_spaces(members) else set()
        clips, num_measured = len(labels), num_measured + 1
    if cell.repeats and not num_measured:
        notes = {"missing"}
    elif num_measured < len(cell.repeats):
        notes.add("incomplete")
    alike = len({each.clips.digest for each in credits}) == 1
    mean = mean_credits(credits) if alike else None
    return Measured(tuple(values), clips, tuple(sorted(notes)), mean)
