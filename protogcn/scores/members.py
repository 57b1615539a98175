"""The command-line arguments of an ensemble -> the scores and the weight of each stream."""

import argparse
from collections.abc import Mapping
from pathlib import Path

from protogcn.config.members import split_member
from protogcn.errors import ConfigError, ContractError
from protogcn.files.scores import Scores
from protogcn.files.weights import LearnedWeights
from protogcn.scores.fusion import SPACES, check_weights
from protogcn.scores.learned_weights import with_temperatures


def add_streams(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that name some score files and their streams."""
    parser.add_argument("--scores", type=Path, nargs="+", required=True)
    parser.add_argument(
        "--streams", nargs="+", required=True, help="of each score file: j, or model/j"
    )
    parser.add_argument("--task", required=True, help="task of every score file")
    parser.add_argument("--model", required=True, help="of those that name none")


def add_members(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that name the members of an ensemble and their weights."""
    add_streams(parser)
    weights = parser.add_mutually_exclusive_group(required=True)
    weights.add_argument("--weights", type=float, nargs="+", help="of each stream")
    weights.add_argument("--learned", type=Path, help="json of weights and temperatures instead")
    parser.add_argument("--space", choices=SPACES, default="probability")


def scores_by_stream(args: argparse.Namespace) -> dict[str, Scores]:
    """Read the scores of each stream.

    Raises:
        ConfigError: not one stream for each score file, each another.
        ContractError: a score file is damaged, or is another run's.
    """
    if not len(args.scores) == len(args.streams) == len(set(args.streams)):
        raise ConfigError(
            f"{len(args.scores)} score files and {len(args.streams)} streams, expected one stream"
            " for each file, no stream twice."
        )
    return {
        stream: load_scores_of(path, args.task, *split_member(stream, args.model))
        for stream, path in zip(args.streams, args.scores, strict=True)
    }


def members_of(args: argparse.Namespace) -> tuple[dict[str, Scores], dict[str, float]]:
    """Read the scores of each stream; return them and the weights by stream.

    With learned weights the scores have their temperatures.

    Raises:
        ConfigError: not one stream, each another, and one weight above 0 for each score file.
        ContractError: a score file is damaged, or is another run's.
    """
    members = scores_by_stream(args)
    if args.learned is not None:
        learned = learned_weights_of(args)
        return with_temperatures(members, learned.temperatures), dict(learned.weights)
    if len(args.weights) != len(members):
        raise ConfigError(
            f"{len(args.weights)} weights for {len(members)} streams, expected one for each."
        )
    check_weights(args.weights)
    return members, dict(zip(args.streams, args.weights, strict=True))


def learned_weights_of(args: argparse.Namespace) -> LearnedWeights | None:
    """Read the learned weights that the arguments name, None if they give numbers.

    Raises:
        ContractError: the file is damaged, or of other streams or another space.
    """
    if args.learned is None:
        return None
    learned = LearnedWeights.load(args.learned)
    found = (list(learned.weights), learned.space)
    if found != (list(args.streams), args.space):
        raise ContractError(
            f"{args.learned}: has weights of {' '.join(found[0])} in space {found[1]}, expected"
            f" {' '.join(args.streams)} in space {args.space}; remove it and run again."
        )
    return learned


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
