"""Statistics of the tables at their largest: six streams of NTU-120's 50,919 test clips."""

import argparse
import math
from collections.abc import Callable, Mapping

import numpy as np

from benchmarks.measure import Row, duration, measure, print_rows
from benchmarks.network import status_of_memory
from protogcn.files.scores import Scores
from protogcn.report.figures.worth_table import StreamCost, Worth, worth_table
from protogcn.report.tables.ensemble_rows import ensemble_rivals, ensemble_table
from protogcn.report.tables.pairs import compare_rows
from protogcn.scores.calibration import calibration_of
from protogcn.scores.class_differences import compare_classes
from protogcn.scores.complementarity import fuse_subsets
from protogcn.scores.fusion import as_probabilities, fuse, softmax
from protogcn.scores.learned_weights import learn_weights

WEIGHTS = {"j": 2.0, "b": 2.0, "k": 2.0, "jm": 1.0, "bm": 1.0, "km": 1.0}
NUM_CLIPS, NUM_CLASSES = 50_919, 120


def streams_of_scores(num_clips: int, *, seed: int = 0) -> dict[str, Scores]:
    """Return scores of six streams that are right about the same, 80 % of the clips."""
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, NUM_CLASSES, num_clips)
    hard = generator.normal(size=(num_clips, 1))
    clips = np.array([_name(number) for number in range(num_clips)])
    found = {}
    for stream in WEIGHTS:
        logits = generator.normal(size=(num_clips, NUM_CLASSES)).astype(np.float32)
        logits[np.arange(num_clips), labels] += (3.6 + hard[:, 0]).astype(np.float32)
        found[stream] = Scores(
            clips=clips,
            labels=labels,
            classes=np.array([f"class {number}" for number in range(NUM_CLASSES)]),
            logits=logits,
            probabilities=softmax(logits),
            provenance={"select": "last"},
        )
    return found


def _name(number: int) -> str:
    """Return a name as NTU's, by one of its 106 subjects."""
    return f"S001C001P{number % 106 + 1:03}R{number % 999:03}A{number // 999 + 1:03}"


def rows(*, num_clips: int, rounds: int) -> list[Row]:
    """Measure each part, and the memory that it all took.

    Args:
        num_clips: of every stream.
        rounds: of each part.
    """
    members = streams_of_scores(num_clips)
    size = f"{len(members)} streams x {num_clips:,} clips x {NUM_CLASSES} classes"

    def part(name: str, call: Callable[[], object]) -> Row:
        return duration(f"{name}, {size}", measure(call, rounds=rounds))

    return [
        part("an ensemble's table, its intervals and pairs", lambda: _table(members)),
        part("two streams class by class", lambda: compare_classes(members["j"], members["b"])),
        part("weights of logits learned", lambda: _learn(members, "logit")),
        part("weights of probabilities learned", lambda: _learn(members, "probability")),
        part("calibration of an ensemble", lambda: _calibration(members)),
        part("what each stream brings, of every subset", lambda: _worth(members)),
        Row("peak memory of this process", *[status_of_memory("VmHWM") / 1e9] * 3, "GB"),
    ]


def _table(members: Mapping[str, Scores]) -> None:
    rivals = ensemble_rivals(members, WEIGHTS, "probability")
    ensemble_table(rivals, members, WEIGHTS)
    compare_rows(rivals)


def _learn(members: Mapping[str, Scores], space: str) -> None:
    learn_weights(members, space, task="", side="val", digests={})


def _calibration(members: Mapping[str, Scores]) -> None:
    fused = as_probabilities(fuse(members, WEIGHTS, "probability"), WEIGHTS, "probability")
    calibration_of(fused, members["j"].labels)


def _worth(members: Mapping[str, Scores]) -> None:
    fused = fuse_subsets(members, WEIGHTS, "probability")
    unknown = StreamCost(math.nan, math.nan, math.nan)
    worth_table(Worth.of(fused, dict.fromkeys(members, unknown), held_out=fused))


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clips", type=int, default=NUM_CLIPS)
    parser.add_argument("--rounds", type=int, default=1)
    args = parser.parse_args()
    print_rows(rows(num_clips=args.clips, rounds=args.rounds))


if __name__ == "__main__":
    main()
