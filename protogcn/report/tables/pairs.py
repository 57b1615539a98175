"""The rows of a table -> every two of them compared, and which are as good as the best."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd

from protogcn.scores.intervals import Credits, clip_interval, subject_interval
from protogcn.scores.paired import CHANCE, compare_pair, holm
from protogcn.scores.repeats import seeds_p

INTERVALS = ("low", "high", "subject_low", "subject_high")
COMPARED = (
    "task", "metric", "first", "second", "clips", "first_better", "second_better", "difference",
    *INTERVALS, "p", "holm", "seeds_p",
)  # fmt: skip


@dataclass(frozen=True)
class Rival:
    """One number of a table.

    Attributes:
        name: of its row.
        task: whose clips were scored.
        metric: which accuracy it is.
        values: of its repeats, in per cent.
        credits: what each clip gives to their mean.
        fair: whether it may be the best of its column.
    """

    name: str
    task: str
    metric: str
    values: tuple[float, ...]
    credits: Credits
    fair: bool = True


def interval_columns(credits: Credits | None, *, decimals: int, prefix: str = "") -> dict[str, str]:
    """Return the ends of both intervals in per cent, as text; empty where they are not known."""
    columns = [f"{prefix}{end}" for end in INTERVALS]
    if credits is None:
        return dict.fromkeys(columns, "")
    ends = (*clip_interval(credits), *subject_interval(credits))
    texts = ("" if math.isnan(end) else f"{100 * end:.{decimals}f}" for end in ends)
    return dict(zip(columns, texts, strict=True))


def compare_rows(rivals: Iterable[Rival]) -> pd.DataFrame:
    """Compare every two numbers of a task and metric that are of the same clips.

    Columns: ``COMPARED``, as text; differences in points of accuracy, first minus second; ``p`` of
    the paired test over clips, ``holm`` that corrected for the number of pairs of this task and
    metric, ``seeds_p`` of the test over repeats, empty where neither has two.
    """
    columns: dict[tuple[str, str], list[Rival]] = {}
    for rival in rivals:
        columns.setdefault((rival.task, rival.metric), []).append(rival)
    return pd.DataFrame(
        [row for column in columns.values() for row in _pairs_of(column)],
        columns=COMPARED,
        dtype=str,
    )


def within_noise(column: Sequence[Rival]) -> Mapping[int, tuple[str, ...]]:
    """Return for some places of a column the noise that its difference from the best lies in.

    The codes are ``within_clips``, if other clips might turn it, and ``within_seeds``, if other
    seeds might. The best itself and what must not compete have none.
    """
    fair = [place for place, rival in enumerate(column) if rival.fair]
    if not fair:
        return {}
    first = max(fair, key=lambda place: np.mean(column[place].values))
    best, found = column[first], {}
    for place in fair:
        rival = column[place]
        if place == first or rival.credits.clips.digest != best.credits.clips.digest:
            continue
        by_clips = compare_pair(best.credits, rival.credits).p
        by_seeds = seeds_p(best.values, rival.values)
        codes = {"within_clips": by_clips >= CHANCE, "within_seeds": by_seeds >= CHANCE}
        found[place] = tuple(code for code, applies in codes.items() if applies)
    return found


def _pairs_of(column: Sequence[Rival]) -> Iterable[dict[str, str]]:
    pairs = [
        (first, second, compare_pair(first.credits, second.credits))
        for first, second in combinations(column, 2)
        if first.credits.clips.digest == second.credits.clips.digest
    ]
    corrected = holm(np.array([paired.p for *_, paired in pairs]))
    for (first, second, paired), times in zip(pairs, corrected, strict=True):
        ends = (paired.difference, *paired.clips, *paired.subjects)
        texts = ["" if math.isnan(end) else f"{100 * end:+.2f}" for end in ends]
        names = (first.task, first.metric, first.name, second.name)
        clips = (len(first.credits.values), paired.first_better, paired.second_better)
        chances = (paired.p, times, seeds_p(first.values, second.values))
        chances = ("" if math.isnan(chance) else f"{chance:.3g}" for chance in chances)
        yield dict(zip(COMPARED, (*names, *map(str, clips), *texts, *chances), strict=True))
