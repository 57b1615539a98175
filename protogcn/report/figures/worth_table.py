"""What every stream of an ensemble brings -> one table: streams, pairs, all of them, classes."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from protogcn.report.tables.pairs import INTERVALS, interval_columns
from protogcn.scores.complementarity import (
    FusedSubsets,
    decider_of,
    forward_selection,
    subsets_on_the_way,
)
from protogcn.scores.paired import Paired, holm

COLUMNS = (
    "kind", "name", "clips", "top1", *INTERVALS, "oracle", "all_right", "only_right",
    "disagreement", "leave_one_out", "leave_one_out_low", "leave_one_out_high", "p", "holm",
    "shapley", "shapley_low", "shapley_high", "decides", "step", "step_top1", "val_top1", "hours",
    "parameters", "gflops", "stream", "lead", "lead_low", "lead_high",
)  # fmt: skip


class StreamCost(NamedTuple):
    """What a stream costs; what is not known is no number.

    Attributes:
        hours: of its training.
        parameters: of its network.
        gflops: 10^9 multiply-adds for one crop of a clip.
    """

    hours: float
    parameters: float
    gflops: float


class Selection(NamedTuple):
    """Streams, chosen one after the other on held-out clips.

    Attributes:
        order: their places.
        val: (S,) accuracy on these clips after each, a share.
        test: (S,) accuracy on the test clips of the same streams.
        clips: how many were held out.
    """

    order: Sequence[int]
    val: np.ndarray
    test: np.ndarray
    clips: int

    @property
    def best(self) -> int:
        """After how many streams the held-out accuracy is the highest; the fewest of equals."""
        return int(np.argmax(self.val)) + 1


@dataclass(frozen=True)
class Worth:
    """What the streams of an ensemble bring and cost.

    Attributes:
        fused: every subset of the streams.
        shares: (S, N) its ``shapley_values``.
        costs: of each stream.
        selection: the order of the streams, if there are held-out clips.
    """

    fused: FusedSubsets
    shares: np.ndarray
    costs: Mapping[str, StreamCost]
    selection: Selection | None

    @classmethod
    def of(
        cls, fused: FusedSubsets, costs: Mapping[str, StreamCost], held_out: FusedSubsets | None
    ) -> "Worth":
        """Measure it, and choose streams on held-out clips if there are some."""
        selection = None if held_out is None else _selected(held_out, fused)
        return cls(fused, fused.shapley_values, costs, selection)


def worth_table(worth: Worth) -> pd.DataFrame:
    """Return the table as text; what a row has no number of is empty.

    Columns: ``COLUMNS``. ``kind`` is stream, pair, all or class. Accuracies are per cent; what a
    stream brings, and how far a class's ``stream`` leads, are points.
    """
    classes = _class_rows(worth.fused, worth.shares)
    rows = [
        *_stream_rows(worth, [row.get("stream") for row in classes]),
        *_pair_rows(worth.fused),
        _row_of_all(worth.fused, worth.costs),
        *classes,
    ]
    return pd.DataFrame(rows, columns=COLUMNS, dtype=str).fillna("")


def _selected(held_out: FusedSubsets, fused: FusedSubsets) -> Selection:
    """Choose on held-out clips, and look up what is chosen on test clips."""
    order = forward_selection(held_out.accuracies)
    way = subsets_on_the_way(order)
    clips = len(held_out.clips.labels)
    return Selection(order, held_out.accuracies[way], fused.accuracies[way], clips)


def _stream_rows(worth: Worth, deciders: Sequence[str | None]) -> list[dict[str, str]]:
    fused, selection = worth.fused, worth.selection
    left_out = [fused.left_out(place) for place in range(len(fused.streams))]
    corrected = holm(np.array([paired.p for paired in left_out]))
    rows = []
    for place, stream in enumerate(fused.streams):
        row = {
            **_accuracy("stream", stream, fused, fused.alone[place]),
            "only_right": str(fused.only_right[place]),
            **_points("leave_one_out", left_out[place]),
            "p": _chance(left_out[place].p),
            "holm": _chance(corrected[place]),
            **_points("shapley", fused.against_nothing(worth.shares[place])),
            "decides": str(deciders.count(stream)),
            **_cost_columns(worth.costs[stream]),
        }
        if selection is not None:
            step = selection.order.index(place)
            row |= {
                "step": str(step + 1),
                "step_top1": _percent(selection.test[step]),
                "val_top1": _percent(selection.val[step]),
            }
        rows.append(row)
    return rows


def _pair_rows(fused: FusedSubsets) -> list[dict[str, str]]:
    rows, disagreement = [], fused.disagreement
    for one, other in combinations(range(len(fused.streams)), 2):
        subset = 1 << one | 1 << other
        row = _accuracy(
            "pair", f"{fused.streams[one]} {fused.streams[other]}", fused, fused.hits[subset]
        )
        if fused.guesses[subset]:  # neither has a weight
            row = {name: row[name] for name in ("kind", "name", "clips")}
        shares = {"disagreement": _percent(disagreement[one, other])}
        rows.append({**row, **_bounds(fused.alone[[one, other]]), **shares})
    return rows


def _row_of_all(fused: FusedSubsets, costs: Mapping[str, StreamCost]) -> dict[str, str]:
    agree = (fused.predicted == fused.predicted[0]).all(axis=0)
    return {
        **_accuracy("all", "fused", fused, fused.hits[-1]),
        **_bounds(fused.alone),
        "disagreement": _percent(1 - agree.mean()),
        **_cost_columns(StreamCost(*np.sum([costs[name] for name in fused.streams], axis=0))),
    }


def _class_rows(fused: FusedSubsets, shares: np.ndarray) -> list[dict[str, str]]:
    rows = []
    for label, name in enumerate(fused.classes):
        clips = fused.clips.labels == label
        row = {"kind": "class", "name": name, "clips": str(clips.sum())}
        if clips.any():
            row |= {
                "top1": _percent(fused.hits[-1, clips].mean()),
                **_bounds(fused.alone[:, clips]),
            }
        if (decider := decider_of(fused, shares, label)) is not None:
            place = decider.stream
            lost = fused.hits[-1, clips].mean() - fused.without[place][clips].mean()
            row |= {
                "stream": fused.streams[place],
                "leave_one_out": _point(lost),
                "shapley": _point(shares[place, clips].mean()),
                **_points("lead", decider.lead),
            }
        rows.append(row)
    return rows


def _accuracy(kind: str, name: str, fused: FusedSubsets, hits: np.ndarray) -> dict[str, str]:
    credits = fused.credits(hits)
    head = {"kind": kind, "name": name, "clips": str(len(hits)), "top1": _percent(credits.mean)}
    return head | interval_columns(credits, decimals=2)


def _bounds(alone: np.ndarray) -> dict[str, str]:
    """Return how many clips some stream, and every stream, is right on."""
    return {
        "oracle": _percent(alone.any(axis=0).mean()),
        "all_right": _percent(alone.all(axis=0).mean()),
    }


def _cost_columns(cost: StreamCost) -> dict[str, str]:
    texts = (f"{cost.hours:.3g}", f"{cost.parameters:.0f}", f"{cost.gflops:.3g}")
    found = zip(StreamCost._fields, cost, texts, strict=True)
    return {name: text for name, value, text in found if not math.isnan(value)}


def _points(name: str, paired: Paired) -> dict[str, str]:
    ends = (paired.difference, *paired.clips)
    return dict(zip((name, f"{name}_low", f"{name}_high"), map(_point, ends), strict=True))


def _percent(share: Any) -> str:
    return f"{100 * share:.2f}"


def _point(share: Any) -> str:
    return f"{round(100 * share, 2) + 0.0:+.2f}"  # a rounded -0.0 is +0.00


def _chance(p: float) -> str:
    return f"{p:.3g}"
