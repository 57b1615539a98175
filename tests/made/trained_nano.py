"""A tiny ensemble on simulated raw files, as the stages leave it behind; its weights are drawn."""

import sys
from dataclasses import dataclass
from pathlib import Path

import torch

from protogcn.batches.clip_store import ClipStore
from protogcn.config.resolved import Dataset, Run
from protogcn.config.skeleton import built_in_skeletons
from protogcn.data.demo import write_demo
from protogcn.data.joints import write_joints
from protogcn.data.modality import write_modalities
from protogcn.data.read_dataset import read_dataset
from protogcn.models import build_model
from protogcn.report.tables import fuse as fuse_stage
from protogcn.scores.score import score
from tests.made.nano import ENGINE, NETWORK, SETTINGS, write_checkpoint, write_run

WEIGHTS = {"j": 2, "b": 1, "km": 1}


@dataclass(frozen=True)
class TrainedNano:
    """Where the files of the ensemble are."""

    raw: Path
    table: Path
    runs: dict[str, Path]
    test_clips: list[str]


def write_trained_nano(folder: Path) -> TrainedNano:
    """Write raw files, runs, score files and the table of an ensemble of three streams."""
    raw = folder / "raw"
    write_demo(raw, seed=0, subjects=3, replications=1, classes=4, frames=(20, 30))
    dataset = Dataset(
        name="nano",
        raw=str(raw),
        simulate=None,
        source="",
        skeleton=built_in_skeletons()["ntu25"],
        persons=2,
        protocol="ntu120",
        leave_out_missing=False,
        classes=("up", "down", "left", "right"),
        splits=("xsub",),
    )
    data = folder / "data"
    data.mkdir()
    write_joints(
        read_dataset(dataset, workers=1),
        dataset,
        "centred",
        joints_path=data / "joints.npy",
        clips_path=data / "clips.csv",
        dropped_path=data / "dropped.csv",
    )
    values = {stream: data / f"{stream}.npy" for stream in WEIGHTS}
    write_modalities(data / "joints.npy", data / "clips.csv", dataset.skeleton, values)
    runs = {}
    for number, (stream, path) in enumerate(values.items()):
        run = Run(dataset, "xsub", "protogcn", stream, 1, SETTINGS, NETWORK, ENGINE)
        runs[stream] = folder / f"results/runs/nano/xsub/protogcn/{stream}"
        _write_run(runs[stream], run, path, data / "clips.csv", seed=number)
    table = folder / "results/nano_xsub_3ens.csv"
    _fuse(table, runs)
    store = ClipStore.load(data / "j.npy", data / "clips.csv", _run_of(dataset), _CPU)
    return TrainedNano(raw, table, runs, store.table.ids[store.rows("xsub", "test")].tolist())


_CPU = torch.device("cpu")


def _run_of(dataset: Dataset) -> Run:
    return Run(dataset, "xsub", "protogcn", "j", 1, SETTINGS, NETWORK, ENGINE)


def _write_run(folder: Path, run: Run, values: Path, clips: Path, *, seed: int) -> None:
    write_run(folder, run)
    store = ClipStore.load(values, clips, run, _CPU)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = build_model(run.network, run.dataset.skeleton, num_classes=4)
        torch.nn.init.normal_(model.classify.weight)  # or all scores would nearly be equal
    write_checkpoint(folder / "checkpoint.pt", run, store, model)
    score(run, store, folder / "checkpoint.pt").save(folder / "scores.npz")


def _fuse(table: Path, runs: dict[str, Path]) -> None:
    arguments = [
        "fuse",
        "--scores", *[str(folder / "scores.npz") for folder in runs.values()],
        "--streams", *runs,
        "--task", "nano_xsub",
        "--model", "protogcn",
        "--weights", *[str(WEIGHTS[stream]) for stream in runs],
        "--ensemble", "3ens",
        "--csv", str(table),
        "--markdown", str(table.with_suffix(".md")),
        "--latex", str(table.with_suffix(".tex")),
        "--pairs", str(table.with_name(f"{table.stem}_pairs.csv")),
        "--record", str(table.with_suffix(".json")),
    ]  # fmt: skip
    before, sys.argv = sys.argv, arguments
    try:
        fuse_stage.main()
    finally:
        sys.argv = before
