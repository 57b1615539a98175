"""The score files of an ensemble's streams -> what each stream brings, and what it costs."""

import argparse
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from protogcn.config.members import split_member
from protogcn.config.resolved import run_from_mapping
from protogcn.errors import ConfigError, ContractError
from protogcn.files.contracts import save_text
from protogcn.files.history import load_history, training_seconds
from protogcn.files.scores import Scores, mark_of, select_of
from protogcn.files.spreadsheet import save_result_table
from protogcn.models.network_cost import NetworkCost, network_cost
from protogcn.report.figures.outputs import add_outputs, save_figure
from protogcn.report.figures.style import in_style
from protogcn.report.figures.worth_panels import MOST_CLASSES, draw_worth
from protogcn.report.figures.worth_table import StreamCost, Worth, worth_table
from protogcn.report.provenance.record import save_manifest
from protogcn.scores.complementarity import fuse_subsets
from protogcn.scores.learned_weights import with_temperatures
from protogcn.scores.members import add_members, learned_weights_of, members_of

_SECONDS_OF_HOUR = 3600
_UNKNOWN = StreamCost(math.nan, math.nan, math.nan)


def costs_of(
    members: Mapping[str, Scores], scores: Sequence[Path], histories: Sequence[Path]
) -> dict[str, StreamCost]:
    """Return what each stream costs.

    Of scores that were imported nothing is known, of imported networks not their training's time.

    Args:
        members: the scores by stream.
        scores: their files.
        histories: of those that were trained here, each in the folder of its scores.
    """
    history_in = {path.parent: path for path in histories}
    counted: dict[str, NetworkCost] = {}
    found = {}
    for (stream, member), path in zip(members.items(), scores, strict=True):
        run = run_from_mapping({"engine": {}, **member.provenance["run"]})  # older ones have none
        if "scores" in run.settings:
            found[stream] = _UNKNOWN
            continue
        key = repr((run.network, run.settings["frames"], run.dataset))
        if key not in counted:
            counted[key] = network_cost(run)
        history = history_in.get(path.parent)
        seconds = math.nan if history is None else training_seconds(load_history(history))
        cost = counted[key]
        found[stream] = StreamCost(
            seconds / _SECONDS_OF_HOUR, cost.parameters, cost.multiply_adds / 1e9
        )
    return found


def held_out_members(
    paths: Sequence[Path], members: Mapping[str, Scores], model: str
) -> dict[str, Scores] | None:
    """Read the scores of held-out clips by stream; None if there are no files.

    Raises:
        ContractError: they are not of each stream, or are of test clips.
    """
    if not paths:
        return None
    files = [Scores.load(path) for path in paths]
    of_run = {scores.run[2:]: scores for scores in files}
    wanted = {stream: split_member(stream, model) for stream in members}
    sides = {scores.provenance.get("side", "test") for scores in files}
    if sides != {"val"}:
        raise ContractError(
            f"--val-scores: found scores of the side {', '.join(sorted(sides))}, expected val."
        )
    if set(of_run) != set(wanted.values()) or len(files) != len(members):
        raise ContractError(
            f"--val-scores: found those of {', '.join('/'.join(run) for run in of_run)}, expected"
            f" {', '.join('/'.join(run) for run in wanted.values())}."
        )
    return {stream: of_run[run] for stream, run in wanted.items()}


def worth_caption(worth: Worth, name: str, mark: str) -> str:
    """Return what the figure shows, and the numbers that it is read for."""
    fused, selection = worth.fused, worth.selection
    top1, oracle = 100 * fused.accuracies[-1], 100 * fused.alone.any(axis=0).mean()
    text = (
        f"What each stream of {name} brings: {top1:.2f} % of {fused.hits.shape[1]} clips are right"
        f" when all are fused, {oracle:.2f} % if the right stream were known for each clip (the"
        " oracle). Lost without it: points that the fusion loses when one stream is left out."
        " Shapley value: the points that a stream adds, the mean over all orders in which streams"
        " can be added; they add up to the fused accuracy less that of guessing. Lines are 95 %"
        " intervals over clips, of these trainings."
    )
    if selection is None:
        text += " There is no choice of streams, as no clips are held out (hold_out in the config)."
    else:
        chosen = [fused.streams[place] for place in selection.order[: selection.best]]
        text += (
            f" Chosen one after the other on {selection.clips} held-out clips, these streams are"
            f" best there: {', '.join(chosen)}; fused they have"
            f" {100 * selection.test[selection.best - 1]:.2f} % of the test clips."
        )
    few = f" ({MOST_CLASSES} with the largest leads)" if len(fused.classes) > MOST_CLASSES else ""
    return (
        f"{text} Cost: grey are all choices of streams; GFLOPs are 10^9 multiply-adds of one crop."
        f" By class{few}: Shapley values; the rightmost stream decides the class, named in bold"
        " where the interval of its lead has no zero, not corrected for the number of classes. A"
        f" choice by anything but held-out clips is one by test clips.{mark}"
    )


def main() -> None:
    """Fuse every subset of the streams, write the table, the figure and its caption."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_members(parser)
    parser.add_argument(
        "--val-scores", type=Path, nargs="*", default=[], help="of held-out clips, of each stream"
    )
    parser.add_argument(
        "--histories", type=Path, nargs="*", default=[], help="csv in the folders of scores"
    )
    parser.add_argument("--name", required=True, help="what the figure calls these scores")
    add_outputs(parser)
    args = parser.parse_args()

    members, weights = members_of(args)
    if others := {path.parent for path in args.histories} - {path.parent for path in args.scores}:
        raise ConfigError(
            f"--histories: {sorted(others)[0]} has none of the score files, expected the folder of"
            " one of them."
        )
    held_out = held_out_members(args.val_scores, members, args.model)
    if held_out is not None and (learned := learned_weights_of(args)) is not None:
        held_out = with_temperatures(held_out, learned.temperatures)
    worth = Worth.of(
        fuse_subsets(members, weights, args.space),
        costs_of(members, args.scores, args.histories),
        None if held_out is None else fuse_subsets(held_out, weights, args.space),
    )
    table = worth_table(worth)
    save_result_table(args.table, table.assign(select=select_of(members.values())))
    mark = mark_of(members.values())
    save_text(args.caption, worth_caption(worth, args.name, mark) + "\n")
    with in_style():
        save_figure(draw_worth(worth, f"{args.name}{mark}"), args.figures)
    save_manifest("draw_worth", args)
