"""What is known of two results -> why they differ, in ten lines: settings, seeds, data, code."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from protogcn.errors import some_of
from protogcn.files.manifest import ScoredRun
from protogcn.files.scores import Scores
from protogcn.report.provenance.differences import same_number
from protogcn.report.provenance.evidence import Evidence
from protogcn.scores.fusion import predicted_classes

_SEED = "settings.seed"
_KINDS = {  # how the names of settings begin
    "data": ("dataset.", "data digest", "copies."),
    "code and machines": ("trained by.", "scored by.", "imported by.", "engine.", "made by."),
}
_LONGEST = 44  # characters of a value
_DIGEST = re.compile(r"[0-9a-f]{40,}")
_OF_DIGEST = 12  # characters of one
_SHOWN = 4  # differences of a kind
_Pair = tuple[ScoredRun, ScoredRun]


def reasons(first: Evidence, second: Evidence) -> list[str]:
    """Return at most ten lines; the last one is what is the same, or that nothing explains it."""
    pairs, alone = _paired(first.runs, second.runs)
    changed = [change for pair in pairs for change in _run_changes(pair)]
    made = [
        (f"made by.{name}", *values) for name, *values in _changes(first.made_by, second.made_by)
    ]
    by_kind = _by_kind([*changed, *made])
    lines = {
        "numbers": _numbers(first.numbers, second.numbers),
        "runs": _runs(alone, pairs),
        "put together": _listed(_changes(first.options, second.options), 1),
        "settings": _listed(by_kind["settings"], len(pairs)),
        "seeds": _listed(by_kind["seeds"], len(pairs)),
        "data": _listed(by_kind["data"], len(pairs)),
        "clips": _clips(pairs),
        "predictions": _predictions(pairs),
        "code and machines": _listed(by_kind["code and machines"], len(pairs)),
    }
    told = [f"{name}: {text}" for name, text in lines.items() if text]
    causes = [name for name in lines if name not in ("numbers", "predictions")]
    same = [name for name in causes if not lines[name]]
    differs = lines["predictions"] or "differ" in lines["numbers"]
    if len(same) == len(causes) and not differs:
        return [*told, "nothing differs that is known of both"]
    if len(same) == len(causes):
        return [
            *told,
            "nothing that is recorded explains it: a file was changed by hand (protogcn verify), or"
            " a training is not repeatable, as on a GPU",
        ]
    return [*told, f"the same: {', '.join(same)}"] if same else told


def _paired(
    first: Sequence[ScoredRun], second: Sequence[ScoredRun]
) -> tuple[list[_Pair], tuple[list[str], list[str]]]:
    """Return the runs that answer each other, and those of each side that no other answers."""
    if len(first) == len(second) == 1:
        return [(first[0], second[0])], ([], [])
    for start in (0, 1, 2):  # task/model/stream, model/stream, stream
        named, others = (
            {(run.side, *run.run.split("/")[start:]): run for run in runs}
            for runs in (first, second)
        )
        is_unique = len(named) == len(first) and len(others) == len(second)
        if is_unique and (common := [name for name in named if name in others]):
            alone = tuple(
                [run.run for name, run in some.items() if name not in common]
                for some in (named, others)
            )
            return [(named[name], others[name]) for name in common], alone
    return [], ([run.run for run in first], [run.run for run in second])


def _run_changes(pair: _Pair) -> list[tuple[str, str, str]]:
    """Return what differs; of a run without scores only its config is known."""
    settings = [run.settings for run in pair]
    if all(run.clips_digest for run in pair) or not any(run.clips_digest for run in pair):
        return _changes(*settings)
    known = settings[0].keys() & settings[1].keys()
    return _changes(*({k: v for k, v in each.items() if k in known} for each in settings))


def _changes(first: Mapping[str, Any], second: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    names = dict.fromkeys([*first, *second])
    found = [(name, _text(first.get(name)), _text(second.get(name))) for name in names]
    return [change for change in found if change[1] != change[2]]


def _text(value: Any) -> str:
    if value is None or value == "":
        return "nothing"
    if isinstance(value, list):
        return " ".join(map(_text, value))
    return f"{value:g}" if isinstance(value, float) else str(value)


def _by_kind(changes: Iterable[tuple[str, str, str]]) -> dict[str, list[tuple[str, str, str]]]:
    found = {kind: [] for kind in ("settings", "seeds", *_KINDS)}
    for change in changes:
        kinds = (kind for kind, starts in _KINDS.items() if change[0].startswith(starts))
        kind = "seeds" if change[0] == _SEED else next(kinds, "settings")
        found[kind].append(change)
    return found


def _listed(changes: Sequence[tuple[str, str, str]], num_pairs: int) -> str:
    """Return the most frequent changes with how many of the runs have them."""
    counts = Counter(changes)
    texts = []
    for (name, one, other), count in counts.most_common():
        part = "" if count >= num_pairs else f" ({count} of {num_pairs} runs)"
        short = name.removeprefix("settings.")
        texts.append(f"{short} {_shortened(one, other)}{part}")
    return _some(texts, separator="; ")


def _shortened(one: str, other: str) -> str:
    """Return both values, long ones from where they begin to differ."""
    if _DIGEST.fullmatch(one) or _DIGEST.fullmatch(other):
        return f"{one[:_OF_DIGEST]} against {other[:_OF_DIGEST]}"
    pairs = zip(one, other, strict=False)
    place = next((at for at, (a, b) in enumerate(pairs) if a != b), 0)
    start = max(0, place - _LONGEST // 2) if max(len(one), len(other)) > _LONGEST else 0
    texts = []
    for text in (one, other):
        part = text[start : start + _LONGEST]
        before, after = ("..." if start else ""), ("..." if start + _LONGEST < len(text) else "")
        texts.append(f"{before}{part}{after}")
    return " against ".join(texts)


def _some(texts: Sequence[str], separator: str = ", ") -> str:
    more = f"{separator}and {len(texts) - _SHOWN} more" if len(texts) > _SHOWN else ""
    return separator.join(texts[:_SHOWN]) + more


def _numbers(first: Mapping[str, str], second: Mapping[str, str]) -> str:
    common = [name for name in first if name in second]
    other = [name for name in common if not same_number(first[name], second[name])]
    parts = []
    if other:
        texts = [f"{name} {first[name]} against {second[name]}" for name in other]
        parts.append(f"{len(other)} of {len(common)} differ: {_some(texts)}")
    for side, one, two in (("first", first, second), ("second", second, first)):
        if alone := [name for name in one if name not in two]:
            parts.append(f"{len(alone)} only in the {side} ({some_of(alone, 2)})")
    return "; ".join(parts)


def _runs(alone: tuple[list[str], list[str]], pairs: Sequence[_Pair]) -> str:
    others = [f"{one.run} against {other.run}" for one, other in pairs if one.run != other.run]
    sides = zip(("first", "second"), alone, strict=True)
    parts = [f"only in the {side}: {_some(names)}" for side, names in sides if names]
    parts += [_some(others)] if others else []
    return "; ".join([*parts, f"{len(pairs)} in both"] if parts and not others else parts)


def _clips(pairs: Sequence[_Pair]) -> str:
    other = [
        pair
        for pair in pairs
        if all(run.clips_digest for run in pair) and pair[0].clips_digest != pair[1].clips_digest
    ]
    if not other:
        return ""
    counts = " against ".join(f"{run.clips:,}" for run in other[0])
    part = "" if len(other) == len(pairs) else f" ({len(other)} of {len(pairs)} runs)"
    if not all(run.path.exists() for run in other[0]):
        return f"{counts}, other ones or other labels{part}"
    first, second = (Scores.load(run.path) for run in other[0])
    labels, others = (dict(zip(s.clips, s.classes[s.labels], strict=True)) for s in (first, second))
    lost, more = (
        [c for c in one if c not in two] for one, two in ((labels, others), (others, labels))
    )
    turned = [clip for clip in labels if clip in others and labels[clip] != others[clip]]
    texts = [
        f"{len(clips):,} {what} (such as {clips[0]})"
        for clips, what in (
            (lost, "only in the first"),
            (more, "only in the second"),
            (turned, "with another label"),
        )
        if clips
    ]
    return f"{counts}: {', '.join(texts) or 'classes in another order'}{part}"


def _predictions(pairs: Sequence[_Pair]) -> str:
    """Return how two score files decide the clips that both have."""
    if len(pairs) != 1 or not all(run.path.exists() for run in pairs[0]):
        return ""
    first, second = (Scores.load(run.path) for run in pairs[0])
    _, mine, theirs = np.intersect1d(first.clips, second.clips, return_indices=True)
    if not len(mine) or list(first.classes) != list(second.classes):
        return ""
    decided = predicted_classes(first.probabilities)[mine]
    others = predicted_classes(second.probabilities)[theirs]
    right, others_right = decided == first.labels[mine], others == second.labels[theirs]
    largest = np.abs(first.probabilities[mine] - second.probabilities[theirs]).max()
    if not largest:
        return ""
    return (
        f"{int((decided != others).sum()):,} of {len(mine):,} common clips differ: the first alone"
        f" is right on {int((right & ~others_right).sum()):,}, the second on"
        f" {int((others_right & ~right).sum()):,}; probabilities differ by up to {largest:.2g}"
    )
