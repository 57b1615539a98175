"""The scores of an ensemble's streams -> its weights beside those of every method of Table 4.

Shapes: N clips, K classes.
"""

import argparse
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from protogcn.config.facts import fusion_facts
from protogcn.config.members import split_member
from protogcn.files.scores import Scores, chosen_on, chosen_on_of
from protogcn.files.spreadsheet import save_result_table
from protogcn.files.weights import LearnedWeights
from protogcn.report.provenance.record import add_manifest, save_manifest
from protogcn.report.tables.layout import METRICS
from protogcn.report.tables.pairs import Rival, interval_columns, within_noise
from protogcn.scores.calibration import log_loss
from protogcn.scores.fusion import accuracies, as_probabilities, fuse, logs_of
from protogcn.scores.intervals import ScoredClips, credits_of
from protogcn.scores.learned_weights import learn_weights, with_temperatures
from protogcn.scores.members import add_members, learned_weights_of, members_of, scores_by_stream

_BOUND = "oracle"


class Scheme(NamedTuple):
    """One way to fuse the same streams.

    Attributes:
        name: what the table calls it.
        space: what is summed, see ``fusion.in_space``.
        weights: of each stream.
        chosen_on: the side whose labels chose them: none, val or test.
        temperatures: of each stream, if they were learned.
        temperature: of the sum, if it was learned.
    """

    name: str
    space: str
    weights: Mapping[str, float]
    chosen_on: str = "none"
    temperatures: Mapping[str, float] | None = None
    temperature: float | None = None

    @classmethod
    def of(cls, name: str, learned: LearnedWeights) -> "Scheme":
        """Return learned weights as a scheme."""
        return cls(
            name,
            learned.space,
            learned.weights,
            learned.side,
            learned.temperatures,
            learned.temperature,
        )


def published_schemes(members: Mapping[str, Scores], task: str) -> Iterator[Scheme]:
    """Yield the schemes of Table 4's methods that have a weight for each stream.

    Those of logits are left out where a stream was imported without any.
    """
    modalities = {name: split_member(name, "")[1].partition("-")[0] for name in members}
    has_logits = all(scores.space == "logit" for scores in members.values())
    for name, facts in fusion_facts().items():
        known = {*modalities.values()} <= facts["weights"].keys()
        if known and (has_logits or facts["space"] == "probability"):
            side = "test" if task in facts.get("tuned_on", ()) else "none"
            weights = {member: facts["weights"][one] for member, one in modalities.items()}
            yield Scheme(name, facts["space"], weights, side)


def compare_schemes(members: Mapping[str, Scores], own: Scheme, task: str) -> pd.DataFrame:
    """Return a row for each scheme as text: the ensemble's own, the published ones, a bound.

    The bound ``oracle`` is learned on the very clips that it is measured on.

    Columns: scheme, methods (of Table 4), weights, space, chosen_on, clips, top1, top5, mean_class,
    log_loss (of the probabilities that ``predict`` would print), the ends of the intervals of top1,
    and its notes.

    Raises:
        ContractError: the streams were not scored on the same clips.
    """
    schemes = [own, *published_schemes(members, task)]
    if own.temperature is None or own.chosen_on != "test":  # which would be the bound itself
        bound = learn_weights(members, own.space, task=task, side="test", digests={})
        schemes.append(Scheme.of(_BOUND, bound))
    of_members = [chosen_on(scores) for scores in members.values()]
    first = next(iter(members.values()))
    clips = ScoredClips.of(first)
    rows, column = [], []
    for scheme in schemes:
        fused, probabilities = _fused(members, scheme)
        side = chosen_on_of([*of_members, scheme.chosen_on])
        shares = accuracies(fused, first.labels)
        credits = credits_of(fused, clips, "top1")
        value = 100 * shares["top1"]
        column.append(Rival(scheme.name, task, "top1", (value,), credits, side != "test"))
        percentages = {
            metric: "" if shares[metric] is None else f"{100 * shares[metric]:.2f}"
            for metric in METRICS
        }
        rows.append(
            {
                "scheme": scheme.name,
                "methods": ", ".join(fusion_facts().get(scheme.name, {}).get("methods", ())),
                "weights": " ".join(f"{name} {w:.4g}" for name, w in scheme.weights.items()),
                "space": scheme.space,
                "chosen_on": side,
                "clips": str(len(first.labels)),
                **percentages,
                "log_loss": f"{log_loss(logs_of(probabilities), first.labels):.4f}",
                **interval_columns(credits, decimals=2),
            }
        )
    noise = within_noise(column)
    notes = [" ".join(noise.get(place, ())) for place in range(len(rows))]
    return pd.DataFrame(rows).assign(notes=notes)


def _fused(members: Mapping[str, Scores], scheme: Scheme) -> tuple[np.ndarray, np.ndarray]:
    """Return the fused scores (N, K), and them as probabilities."""
    if scheme.temperatures is not None:
        members = with_temperatures(members, scheme.temperatures)
    fused = fuse(members, scheme.weights, scheme.space)
    return fused, as_probabilities(fused, scheme.weights, scheme.space, scheme.temperature)


def main() -> None:
    """Read the members' score files, write the table of schemes."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_members(parser)
    parser.add_argument("--ensemble", required=True, help="what its own weights are called")
    parser.add_argument(
        "--tuned-on-test", action="store_true", help="its weights were chosen on test labels"
    )
    parser.add_argument("--csv", type=Path, required=True)
    add_manifest(parser)
    args = parser.parse_args()

    if (learned := learned_weights_of(args)) is not None:
        members, own = scores_by_stream(args), Scheme.of(args.ensemble, learned)
    else:
        members, weights = members_of(args)
        side = "test" if args.tuned_on_test else "none"
        own = Scheme(args.ensemble, args.space, weights, side)
    save_result_table(args.csv, compare_schemes(members, own, args.task))
    save_manifest("compare_schemes", args)
