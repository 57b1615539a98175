"""The score files of an ensemble's streams -> how often predictions come true as promised."""

import argparse
from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from protogcn.files.contracts import save_text
from protogcn.files.scores import Scores, mark_of, select_of
from protogcn.files.spreadsheet import save_result_table
from protogcn.files.weights import LearnedWeights
from protogcn.report.figures.outputs import add_outputs, save_figure
from protogcn.report.figures.style import BLUE, GREY, INK, PALE, in_style
from protogcn.report.provenance.record import save_manifest
from protogcn.scores.calibration import Calibration, calibration_of
from protogcn.scores.fusion import as_probabilities, fuse
from protogcn.scores.learned_weights import with_temperatures
from protogcn.scores.members import add_members, learned_weights_of, members_of, scores_by_stream

_PLAIN, _BEFORE, _AFTER = "as fused", "before temperature", "after temperature"


def calibrations(
    members: Mapping[str, Scores],
    weights: Mapping[str, float],
    space: str,
    learned: LearnedWeights | None,
) -> dict[str, Calibration]:
    """Return how far the ensemble's probabilities can be believed, before and after temperature.

    Without learned weights there is no temperature, and one entry.

    Args:
        members: the score files by stream, as they are.
        weights: of each stream.
        space: what is summed, see ``fusion.in_space``.
        learned: the weights with their temperatures, if they were learned.
    """
    labels = next(iter(members.values())).labels
    plain = as_probabilities(fuse(members, weights, space), weights, space)
    if learned is None:
        return {_PLAIN: calibration_of(plain, labels)}
    fused = fuse(with_temperatures(members, learned.temperatures), weights, space)
    calibrated = as_probabilities(fused, weights, space, learned.temperature)
    return {_BEFORE: calibration_of(plain, labels), _AFTER: calibration_of(calibrated, labels)}


def reliability_table(found: Mapping[str, Calibration]) -> pd.DataFrame:
    """Return a row for all clips and one for each bin that has some.

    Columns: probabilities (before or after temperature), ``from`` and ``to`` (of the predicted
    class's probability), clips, confidence (its mean), accuracy, error (how far the two are apart;
    of all clips the expected calibration error), the ends of its interval, log_loss; shares in per
    cent.
    """
    rows = []
    for name, calibration in found.items():
        filled = [part for part in calibration.bins if part.clips]
        clips = np.array([part.clips for part in filled])
        share = clips / clips.sum()
        confidence = float(share @ [part.confidence for part in filled])
        accuracy = float(share @ [part.accuracy for part in filled])
        shares = (0.0, 1.0, confidence, accuracy, calibration.error, *calibration.interval)
        rows.append((name, *_texts(shares, int(clips.sum())), f"{calibration.log_loss:.4f}"))
        for part in filled:
            gap = abs(part.confidence - part.accuracy)
            shares = (part.low, part.high, part.confidence, part.accuracy, gap)
            rows.append((name, *_texts(shares, part.clips), "", "", ""))
    columns = ("probabilities", "from", "to", "clips", "confidence", "accuracy", "error", "low",
               "high", "log_loss")  # fmt: skip
    return pd.DataFrame(rows, columns=columns)


def draw_reliability(found: Mapping[str, Calibration], title: str) -> Figure:
    """Draw a panel for each: accuracy against probability, and how many clips there are."""
    figure = Figure(figsize=(0.6 + 3.0 * len(found), 3.6), layout="constrained")
    panels = figure.subplots(
        2, len(found), height_ratios=[4, 1], sharex=True, sharey="row", squeeze=False
    )
    for (upper, lower), (name, calibration) in zip(panels.T, found.items(), strict=True):
        _draw_panel(upper, lower, calibration)
        low, high = calibration.interval
        upper.set_title(
            f"{name}\nerror {100 * calibration.error:.1f} % [{100 * low:.1f}, {100 * high:.1f}]",
            loc="left",
        )
        lower.set_xlabel("probability of the prediction (%)")
    panels[0, 0].set_ylabel("right (%)")
    panels[1, 0].set_ylabel("clips (%)")
    figure.suptitle(title, x=0.01, ha="left", color=INK)
    return figure


def _draw_panel(upper: Axes, lower: Axes, calibration: Calibration) -> None:
    filled = [part for part in calibration.bins if part.clips]
    middles = [50 * (part.low + part.high) for part in filled]
    width = 100 / len(calibration.bins) * 0.92
    upper.plot([0, 100], [0, 100], color=GREY, linewidth=0.8, linestyle="--")
    upper.bar(middles, [100 * part.accuracy for part in filled], width, color=PALE)
    confidences = [100 * part.confidence for part in filled]
    upper.plot(confidences, [100 * part.accuracy for part in filled], "o-", color=BLUE,
               markersize=4, clip_on=False)  # fmt: skip
    upper.set(xlim=(0, 100), ylim=(0, 100))
    total = sum(part.clips for part in filled)
    lower.bar(middles, [100 * part.clips / total for part in filled], width, color=BLUE)


def _texts(shares: tuple[float, ...], clips: int) -> list[str]:
    """Return shares in per cent, the number of clips after the first two."""
    texts = [f"{100 * share:.2f}" for share in shares]
    return [*texts[:2], str(clips), *texts[2:]]


def main() -> None:
    """Fuse the score files, write the bins, the figure and its caption."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_members(parser)
    parser.add_argument("--name", required=True, help="what the figure calls these scores")
    add_outputs(parser)
    args = parser.parse_args()

    if (learned := learned_weights_of(args)) is None:
        members, weights = members_of(args)
    else:
        members, weights = scores_by_stream(args), learned.weights
    found = calibrations(members, weights, args.space, learned)
    table = reliability_table(found).assign(select=select_of(members.values()))
    save_result_table(args.table, table)
    mark = mark_of(members.values())
    errors = ", ".join(
        f"{100 * each.error:.2f} % {name} (95 % interval {100 * each.interval.low:.2f} to"
        f" {100 * each.interval.high:.2f}; log-loss {each.log_loss:.3f})"
        for name, each in found.items()
    )
    source = ""
    if learned is not None:
        source = (
            f" Temperatures were learned on {learned.clips} {learned.side} clips of"
            f" {learned.task}: {learned.temperature:.3g} of the sum."
        )
    save_text(
        args.caption,
        f"How often the predictions of {args.name} are right, by their probability; on the dashed"
        f" line as often as promised. Expected calibration error: {errors}.{source}{mark}\n",
    )
    with in_style():
        save_figure(draw_reliability(found, f"{args.name}{mark}"), args.figures)
    save_manifest("draw_reliability", args)
