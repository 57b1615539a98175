"""Every command, in the order of the data: ``protogcn COMMAND --help``."""

import argparse
import atexit
import importlib
import os
import sys
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path

from protogcn import __version__
from protogcn.errors import ConfigError, ContractError, nearest, run_stage
from protogcn.files.refusals import refusals_anywhere, why_refused

COMMANDS = {  # its module, and what it makes of what
    "resolve": ("config.resolve", "settings -> the file that a dataset, run or table is made by"),
    "check_dataset": ("data.check_dataset", "a dataset -> everything that is wrong with it"),
    "demo": ("data.demo", "a seed -> simulated raw files"),
    "decompress": ("data.decompress", "Kinetics' kpfiles -> plain poses"),
    "list_clips": ("data.list_clips", "annotations -> the clips in their order"),
    "joints": ("data.joints", "raw files -> joints.npy, clips.csv, dropped.csv"),
    "modality": ("data.modality", "joints -> j b k jm bm km"),
    "embed_texts": ("data.embed_texts", "texts on classes -> their embeddings, for GAP"),
    "draw_dataset": ("report.figures.dataset", "joints -> the data report, csv and picture"),
    "draw_animation": ("report.figures.animation", "a clip -> it moving, in its modalities"),
    "train": ("training.train", "one modality -> one trained network"),
    "import_checkpoint": ("models.import_checkpoint", "a third-party checkpoint -> the same"),
    "make": ("config.make", "targets -> snakemake, after a look at the command line"),
    "status": ("jobs.status", "results -> where every run stands"),
    "score": ("scores.score", "network and modality -> scores of the test clips"),
    "import_scores": ("scores.import_scores", "a third-party score file -> the same"),
    "learn_weights": ("report.tables.learn", "val scores -> the weights of an ensemble's streams"),
    "fuse": ("report.tables.fuse", "scores of several streams -> the ensemble's table"),
    "tabulate_folds": ("report.tables.tabulate_folds", "val scores of all folds -> one table"),
    "compare_schemes": ("report.tables.schemes", "the same -> its weights beside others'"),
    "tabulate": ("report.tables.tabulate", "scores of many runs -> a table beside the paper's"),
    "power": ("report.tables.power", "a difference -> how many repeats and clips show it"),
    "draw_class_differences": (
        "report.figures.class_differences",
        "scores of two models -> the paper's Figure 1",
    ),
    "draw_confusion": ("report.figures.confusion", "scores -> which class is taken for which"),
    "draw_reliability": (
        "report.figures.reliability",
        "scores -> whether probabilities keep what they promise",
    ),
    "draw_streams": ("report.figures.streams", "scores -> accuracy by number of streams"),
    "draw_worth": ("report.figures.worth", "scores -> what each stream brings and costs"),
    "draw_learning_curves": (
        "report.figures.learning_curves",
        "histories -> losses and accuracies by epoch",
    ),
    "draw_topology": ("report.figures.topology", "network and clip -> the learned topology"),
    "report": ("report.page.report", "tables, figures, scores -> one page"),
    "verify": ("report.provenance.verify", "a table or bundle -> whether its numbers are true"),
    "diff": ("report.provenance.diff", "two tables, runs or score files -> why they differ"),
    "bundle": ("report.provenance.bundle", "tables -> one zip file that anybody can verify"),
    "predict": ("predict.predict", "a recording -> what it shows"),
    "export": ("predict.export", "a trained ensemble -> ONNX, torch.export"),
}
_ROOM = 4096  # bytes that a last sentence may need
_END = 15  # lines of a log that are shown when its command fails


def main() -> None:
    """Run the command that the command line names, or report a mistake in one sentence."""
    run_stage(_run)


def _run() -> None:
    name, *arguments = sys.argv[1:] or ["--help"]
    if name in ("-h", "--help"):
        print(_overview())
    elif name == "--version":
        print(__version__)
    elif name not in COMMANDS:
        raise ConfigError(
            f"protogcn: {name!r} is not a command{nearest(name, COMMANDS)} (protogcn --help lists"
            " all of them)."
        )
    else:
        log, arguments = _take_log(name, arguments)
        sys.argv = [f"protogcn {name}", *arguments]
        stage = importlib.import_module(f"protogcn.{COMMANDS[name][0]}").main
        with refusals_anywhere(name):
            if log is None:
                stage()
            else:
                _run_with_log(stage, log)


def _overview() -> str:
    width = max(map(len, COMMANDS))
    lines = [f"  {name:{width}}  {what}" for name, (_, what) in COMMANDS.items()]
    return "\n".join(
        [
            "usage: protogcn COMMAND [--log FILE] ...; protogcn COMMAND --help says more",
            "",
            "The commands, in the order of the data:",
            *lines,
        ]
    )


def _take_log(name: str, arguments: list[str]) -> tuple[Path | None, list[str]]:
    parser = argparse.ArgumentParser(f"protogcn {name}", add_help=False, allow_abbrev=False)
    parser.add_argument("--log", type=Path)
    found, others = parser.parse_known_args(arguments)
    return found.log, others


def _run_with_log(stage: Callable[[], None], log: Path) -> None:
    """Run a command that prints to its log; a terminal gets warnings, and the end of a failure."""
    try:
        terminal = os.dup(2)
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("wb") as file:
            for printed in (1, 2):  # not of sys.stdout, which is None if it was closed before
                os.dup2(file.fileno(), printed)
    except OSError as error:
        raise ContractError(
            f"--log {log}: could not be written {why_refused(error, log)}."
        ) from None
    # Python prints a traceback before it comes here, so that it is the end of the log.
    atexit.register(_show, log, terminal, lambda lines: lines[-_END:])
    with ExitStack() as failure:
        failure.callback(_leave_full_log, terminal)
        stage()
        failure.pop_all()
    atexit.unregister(_show)
    _show(log, terminal, lambda lines: [line for line in lines if line.startswith(b"Warning")])


def _leave_full_log(terminal: int) -> None:
    """Print to the terminal from now on if the log has no room for more."""
    size = os.fstat(2).st_size
    try:
        os.pwrite(2, bytes(_ROOM), size)
        os.ftruncate(2, size)
    except OSError:
        os.dup2(terminal, 2)


def _show(log: Path, terminal: int, chosen: Callable[[list[bytes]], list[bytes]]) -> None:
    if sys.stdout is not None:
        sys.stdout.flush()
    with suppress(OSError):  # nobody reads the terminal, or the log is gone
        os.write(terminal, b"".join(chosen(log.read_bytes().splitlines(keepends=True))))


if __name__ == "__main__":
    main()
