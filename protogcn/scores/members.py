"""What every command that fuses is told on its command line: score files, streams, weights."""

import argparse
from pathlib import Path

from protogcn.errors import ConfigError
from protogcn.files.scores import Scores
from protogcn.scores.fusion import SPACES, check_weights, load_members


def add_members(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that name the members of an ensemble."""
    parser.add_argument("--scores", type=Path, nargs="+", required=True)
    parser.add_argument("--streams", nargs="+", required=True, help="name of each score file")
    parser.add_argument("--task", required=True, help="task of every score file")
    parser.add_argument("--model", required=True, help="model of every score file")
    parser.add_argument("--weights", type=float, nargs="+", required=True)
    parser.add_argument("--space", choices=SPACES, default="probability")


def members_of(args: argparse.Namespace) -> tuple[dict[str, Scores], dict[str, float]]:
    """Return the scores and the weight of each stream.

    Raises:
        ConfigError: not one stream and one weight above 0 for each score file.
        ContractError: a score file is damaged, or is another run's.
    """
    members = load_members(args.scores, args.streams, args.task, args.model)
    if len(args.weights) != len(members):
        raise ConfigError(
            f"{len(args.weights)} weights for {len(members)} streams, expected one for each."
        )
    check_weights(args.weights)
    return members, dict(zip(args.streams, args.weights, strict=True))
