"""Every stage from raw files to an ensemble's table, one after the other; also a program."""

import sys
from dataclasses import dataclass
from pathlib import Path

import yaml

from protogcn.__main__ import main
from protogcn.config.resolved import Dataset, Run
from protogcn.config.skeleton import built_in_skeletons
from tests.made.nano import ENGINE, NETWORK, SETTINGS, write_run

STREAMS = {"j": 2, "bm": 1}
OF_DATA = ("joints.npy", "clips.csv", "dropped.csv", "j.npy", "bm.npy")
OF_RUN = ("history.csv", "checkpoint.pt", "scores.npz")
OF_TABLE = ("table.csv", "table.md", "table.tex", "table.json", "pairs.csv")
# Nothing in them tells how long anything took.
SAME_IN_EVERY_RUN = (
    *OF_DATA,
    *(f"runs/{stream}/scores.npz" for stream in STREAMS),
    *OF_TABLE,
)


@dataclass(frozen=True)
class AllStages:
    """What the stages make of the raw files in ``folder / "raw"``.

    Attributes:
        folder: everything is made in it; commands run there and name files relative to it.
        dataset: its raw files are found from there too.
        settings: of all runs, changed.
    """

    folder: Path
    dataset: Dataset
    settings: dict

    def write_settings(self) -> None:
        """Write the dataset's file and those of the runs, as their rules do."""
        (self.folder / "dataset.yaml").write_text(
            yaml.safe_dump(self.dataset.to_mapping(), allow_unicode=True), encoding="utf-8"
        )
        for stream in STREAMS:
            run = Run(self.dataset, self.dataset.splits[0], "protogcn", stream, 1,
                      SETTINGS | self.settings, NETWORK, ENGINE)  # fmt: skip
            write_run(self.folder / f"runs/{stream}", run)

    def commands(self) -> dict[str, list[str]]:
        """Return the words of each stage, in their order."""
        data = ["--dataset", "dataset.yaml", "--joints", "joints.npy", "--clips", "clips.csv"]
        commands = {
            "joints": ["joints", *data, "--dropped", "dropped.csv", "--preparation", "centred"],
            "modality": ["modality", *data, "--j", "j.npy", "--bm", "bm.npy"],
        }
        for stream in STREAMS:
            run = f"runs/{stream}"
            values = [
                "--config", f"{run}/config.yaml", "--values", f"{stream}.npy",
                "--clips", "clips.csv", "--checkpoint", f"{run}/checkpoint.pt",
            ]  # fmt: skip
            commands[f"train {stream}"] = ["train", *values, "--history", f"{run}/history.csv"]
            commands[f"score {stream}"] = ["score", *values, "--scores", f"{run}/scores.npz"]
        commands["fuse"] = [
            "fuse", "--scores", *(f"runs/{stream}/scores.npz" for stream in STREAMS),
            "--streams", *STREAMS, "--weights", *map(str, STREAMS.values()),
            "--task", f"{self.dataset.name}_{self.dataset.splits[0]}", "--model", "protogcn",
            "--ensemble", "2ens", "--csv", "table.csv", "--markdown", "table.md",
            "--latex", "table.tex", "--record", "table.json", "--pairs", "pairs.csv",
        ]  # fmt: skip
        return commands

    def program(self) -> list[str]:
        """Return the words that run all stages in a Python of their own, started in the folder."""
        return [__file__, *("\x1f".join(words) for words in self.commands().values())]


def stages_of_demo(folder: Path, **settings) -> AllStages:
    """Return the stages of a small demo, whose raw files the caller writes with ``write_demo``."""
    dataset = Dataset(
        name="mine", raw="raw", simulate=None, source="", skeleton=built_in_skeletons()["ntu25"],
        persons=2, protocol="ntu120", leave_out_missing=False, classes=("a", "b"), splits=("xsub",),
    )  # fmt: skip
    return AllStages(folder, dataset, {"epochs": 2, "crops": 2, **settings})


def contents(folder: Path, names=SAME_IN_EVERY_RUN) -> dict[str, bytes]:
    """Return the bytes of files."""
    return {name: (folder / name).read_bytes() for name in names}


def run_here(words: list[str]) -> int:
    """Run a command in this process and folder; return its exit code."""
    before, sys.argv = sys.argv, ["protogcn", *words]
    try:
        main()
    except SystemExit as stop:
        return stop.code or 0
    finally:
        sys.argv = before
    return 0


if __name__ == "__main__":
    for each in sys.argv[1:]:
        if code := run_here(each.split("\x1f")):
            sys.exit(code)
