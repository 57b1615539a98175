"""Recordings and a trained ensemble -> the classes they most likely show, printed.

Shapes: M persons, T frames, V joints, C channels, K classes.
"""

import argparse
import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from protogcn.batches.device import pick_device
from protogcn.errors import ConfigError, ContractError, enough_memory
from protogcn.models.engine import Engine
from protogcn.predict.ensemble import TrainedEnsemble, ensemble_of_runs, load_ensemble
from protogcn.predict.pieces import Cutting, Piece
from protogcn.predict.recognise import recognise
from protogcn.predict.windows import check_window
from protogcn.scores.fusion import SPACES

_LIVE = Path("-")


class Prediction(NamedTuple):
    """What one piece most likely shows.

    Attributes:
        recording: its name.
        first_frame: its first frame in the recording, counted from 0.
        num_frames: how many there are.
        classes: label, class name and probability, likeliest first; none without a person.
        notes: what was guessed, converted or odd about the recording.
    """

    recording: str
    first_frame: int
    num_frames: int
    classes: list[tuple[int, str, float]]
    notes: tuple[str, ...] = ()

    def to_mapping(self) -> dict[str, Any]:
        """Return it for programs."""
        names = ("label", "class", "probability")
        classes = [dict(zip(names, entry, strict=True)) for entry in self.classes]
        return {**self._asdict(), "classes": classes}

    def to_text(self, *, in_window: bool) -> str:
        """Return it for people."""
        frames = f"{self.num_frames} frames"
        if in_window and self.num_frames:
            frames = f"frames {self.first_frame} to {self.first_frame + self.num_frames - 1}"
        lines = [f"{100 * share:6.1f} %  {name}" for _, name, share in self.classes]
        return "\n".join([f"{self.recording}, {frames}:", *(lines or ["  nobody is there"])])


def predict(
    ensemble: TrainedEnsemble, pieces: Sequence[Piece], *, top: int, device: torch.device
) -> list[Prediction]:
    """Return the ``top`` likeliest classes of each piece.

    Raises:
        ContractError: coordinates are so large that the networks give no finite numbers.
    """
    classes = ensemble.members[0].run.dataset.classes
    frames = max((piece.keypoints.shape[1] for piece in pieces), default=0)
    what = f"{len(pieces)} pieces of up to {frames} frames"
    with enough_memory(what, "lower --crops, cut with --window, or name --device cpu"):
        rows = recognise(ensemble, [piece.keypoints for piece in pieces], device=device)
    predictions = []
    for piece, row in zip(pieces, rows, strict=True):
        if row is not None and not np.isfinite(row).all():
            raise ContractError(
                f"{piece.recording}: found coordinates up to {np.abs(piece.keypoints).max():.1e},"
                " for which the networks give no finite numbers; expected metres, or pixels of an"
                " image."
            )
        # The last of equals comes first, as in the tables' accuracies.
        best = () if row is None else np.argsort(row, kind="stable")[::-1][:top]
        predictions.append(
            Prediction(
                recording=piece.recording,
                first_frame=piece.first_frame,
                num_frames=piece.keypoints.shape[1],
                classes=[(int(c), classes[c], float(row[c])) for c in best],
                notes=piece.notes,
            )
        )
    return predictions


def _ensemble_of(args: argparse.Namespace) -> TrainedEnsemble:
    if args.ensemble is not None:
        if args.weights or args.space:
            raise ConfigError("--weights and --space go with --runs; an ensemble has its own.")
        return load_ensemble(args.ensemble)
    weights = args.weights or [1.0] * len(args.runs)
    return ensemble_of_runs(args.runs, weights, args.space or "probability")


def _check(args: argparse.Namespace, stride: int | None) -> None:
    for name in ("crops", "top", "threads"):
        if (number := getattr(args, name)) is not None and number < 1:
            raise ConfigError(f"--{name}: found {number}, expected 1 or more.")
    if args.scale is not None and not 0 < args.scale < np.inf:
        raise ConfigError(f"--scale: found {args.scale}, expected a number above 0.")
    if args.window is not None:
        check_window(args.window, stride)
    elif args.stride is not None:
        raise ConfigError("--stride goes with --window, the length of a window in frames.")
    if _LIVE in args.recordings and (args.window is None or len(args.recordings) > 1):
        raise ConfigError("-: frames from standard input need --window and no other recording.")


def main() -> None:
    """Print what recordings show."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "recordings",
        type=Path,
        nargs="+",
        help=".skeleton, .pkl, .npy, .csv, .json, or a folder of OpenPose's json; - reads frames"
        " from standard input, one a line",
    )
    networks = parser.add_mutually_exclusive_group(required=True)
    networks.add_argument("--ensemble", type=Path, help="such as results/ntu120_xsub_6ens.csv")
    networks.add_argument("--runs", type=Path, nargs="+", help="directories of trained runs")
    parser.add_argument("--weights", type=float, nargs="+", help="of --runs (default: all 1)")
    parser.add_argument("--space", choices=SPACES, help="of --runs (default: probability)")
    parser.add_argument("--window", type=int, help="frames; recognise windows of this length")
    parser.add_argument("--stride", type=int, help="from window to window (default: the window)")
    parser.add_argument(
        "--scale", type=float, help="multiply positions by this; 1 takes them as they are"
    )
    parser.add_argument("--crops", type=int, help="test crops (default: the runs'; 1 is fastest)")
    parser.add_argument("--top", type=int, default=5, help="classes printed (default: 5)")
    parser.add_argument("--json", action="store_true", help="one object in each line")
    parser.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda"))
    parser.add_argument("--threads", type=int, help="of the CPU (default: the runs' cpu_threads)")
    args = parser.parse_args()

    stride = args.window if args.stride is None else args.stride
    _check(args, stride)
    live = _LIVE in args.recordings
    ensemble = _ensemble_of(args)
    if args.crops is not None:
        ensemble = ensemble.with_crops(args.crops)
    run = ensemble.members[0].run
    device = pick_device(args.device)
    engine = Engine.of(run.engine, device, precision=run.settings["precision"])
    engine.start(args.threads or run.settings["cpu_threads"])
    cutting = Cutting.of(ensemble, window=args.window, stride=stride, factor=args.scale)
    batches: Iterable[list[Piece]] = map(cutting.pieces_of, args.recordings)
    if live:
        batches = cutting.live_pieces(sys.stdin)
    if ensemble.temperature is not None:
        heat = f"temperature {ensemble.temperature:.3g}"
        print(
            f"Note: probabilities are calibrated ({heat}, learned on {ensemble.learned_on})",
            file=sys.stderr,
        )
    told: set[str] = set()
    for pieces in batches:
        for note in dict.fromkeys(note for piece in pieces for note in piece.notes):
            if note not in told:
                print(f"Note: {note}", file=sys.stderr)
            told.add(note)
        for prediction in predict(ensemble, pieces, top=args.top, device=device):
            if args.json:
                print(json.dumps(prediction.to_mapping(), ensure_ascii=False), flush=True)
            else:
                print(prediction.to_text(in_window=args.window is not None), flush=True)
