"""The score files of an ensemble's streams on one side -> the weights of the least log-loss."""

import argparse
from pathlib import Path

from protogcn.errors import ContractError
from protogcn.files.scores import digest_of_scores
from protogcn.report.provenance.record import add_manifest, save_manifest
from protogcn.scores.fusion import SPACES
from protogcn.scores.learned_weights import learn_weights
from protogcn.scores.members import add_streams, scores_by_stream


def main() -> None:
    """Learn weights and temperatures, write them."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_streams(parser)
    parser.add_argument("--space", choices=SPACES, default="probability")
    parser.add_argument("--side", choices=("val", "test"), required=True, help="of the scores")
    parser.add_argument("--learned", type=Path, required=True, help="json to write")
    add_manifest(parser)
    args = parser.parse_args()

    members = scores_by_stream(args)
    for path, scores in zip(args.scores, members.values(), strict=True):
        if (found := scores.provenance.get("side", "test")) != args.side:
            raise ContractError(f"{path}: has scores of the side {found}, expected {args.side}.")
    digests = {
        stream: digest_of_scores(path)
        for stream, path in zip(args.streams, args.scores, strict=True)
    }
    learned = learn_weights(members, args.space, task=args.task, side=args.side, digests=digests)
    learned.save(args.learned)
    save_manifest("learn_weights", args)
    print(
        f"{args.learned}: {learned.clips} {args.side} clips, log-loss {learned.log_loss_before:.4f}"
        f" of equal weights, {learned.log_loss:.4f} of these, temperature {learned.temperature:.3g}"
    )
    for stream, weight in learned.weights.items():
        print(f"  {stream}: weight {weight:.3f}, temperature {learned.temperatures[stream]:.3g}")
