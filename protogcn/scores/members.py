"""The command-line arguments of an ensemble -> the scores and the weight of each stream."""

import argparse
from collections.abc import Mapping
from pathlib import Path

from protogcn.config.members import split_member
from protogcn.errors import ConfigError, ContractError
from protogcn.files.scores import Scores
from protogcn.scores.fusion import SPACES, check_weights


def add_members(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that name the members of an ensemble."""
    parser.add_argument("--scores", type=Path, nargs="+", required=True)
    parser.add_argument(
        "--streams", nargs="+", required=True, help="of each score file: j, or model/j"
    )
    parser.add_argument("--task", required=True, help="task of every score file")
    parser.add_argument("--model", required=True, help="of those that name none")
    parser.add_argument("--weights", type=float, nargs="+", required=True)
    parser.add_argument("--space", choices=SPACES, default="probability")


def members_of(args: argparse.Namespace) -> tuple[dict[str, Scores], dict[str, float]]:
    """Read the scores of each stream; return them and the weights by stream.

    Raises:
        ConfigError: not one stream, each another, and one weight above 0 for each score file.
        ContractError: a score file is damaged, or is another run's.
    """
    if not len(args.scores) == len(args.streams) == len(set(args.streams)):
        raise ConfigError(
            f"{len(args.scores)} score files and {len(args.streams)} streams, expected one stream"
            " for each file, no stream twice."
        )
    members = {
        stream: load_scores_of(path, args.task, *split_member(stream, args.model))
        for stream, path in zip(args.streams, args.scores, strict=True)
    }
    if len(args.weights) != len(members):
        raise ConfigError(
            f"{len(args.weights)} weights for {len(members)} streams, expected one for each."
        )
    check_weights(args.weights)
    return members, dict(zip(args.streams, args.weights, strict=True))


def mixed_spaces(members: Mapping[str, Scores]) -> str:
    """Return a sentence about members that are not all in one space, else nothing."""
    streams: dict[str, list[str]] = {}
    for stream, scores in members.items():
        streams.setdefault(scores.space, []).append(stream)
    if len(streams) < 2:
        return ""
    listed = ", ".join(f"{space} ({' '.join(names)})" for space, names in streams.items())
    return f"mixes members in different spaces: {listed}"


def load_scores_of(path: Path, task: str, model: str, stream: str) -> Scores:
    """Read the score file of one run.

    Raises:
        ContractError: it is damaged, or holds another run's scores.
    """
    scores = Scores.load(path)
    dataset, split, found_model, found_stream = scores.run
    found = (f"{dataset}_{split}", found_model, found_stream)
    if found != (task, model, stream):
        raise ContractError(
            f"scores of {task}/{model}/{stream}: the file holds those of {'/'.join(found)};"
            " remove it and run again."
        )
    return scores
