"""The edges of what a dataset may be: one class, clips of 1 and of 20,000 frames, names of any kind, another place."""

import shutil
from dataclasses import replace

import numpy as np
import pytest

from protogcn.data.readers import RawClip
from protogcn.errors import ConfigError, ContractError
from protogcn.scores.score import score
from protogcn.training.train import train
from tests.made.all_stages import run_here
from tests.made.nano import (
    DATASET,
    nano_clips,
    nano_run,
    store_of,
    with_classes,
    write_checkpoint,
    write_dataset,
)

NAMES = (
    "ü & (x)'",
    "NA",
    "007",
    "null",
    "=1+1",
    "$(touch X)",
    "{0}",
    "50%",
    "日本 語",
    "🙂",
    "a/b",
    "-rf",
)


def clip(name, label, frames, side, seed):
    keypoints = np.random.default_rng(seed).normal(size=(1, frames, 5, 3)).astype(np.float32)
    return RawClip(name, label, keypoints, {"xsub": side})


def of_class_0():
    return [replace(each, label=0) for each in nano_clips()]


def with_odd_names():
    clips = list(nano_clips())
    for number, name in enumerate(NAMES):
        clips[number * 2] = replace(clips[number * 2], name=name)
    return clips


# Clips, dataset, settings; and whether it works.
EDGES = {
    "one class": (of_class_0, with_classes("only"), {}, True),
    "one clip on each side": (
        lambda: [clip("a", 0, 30, "train", 1), clip("b", 1, 30, "test", 2)], DATASET, {}, True,
    ),
    "one clip": (lambda: [clip("a", 0, 30, "test", 1)], DATASET, {}, False),
    "no test clip": (lambda: [clip("a", 0, 30, "train", 1)], DATASET, {}, False),
    "no clip": (lambda: [], DATASET, {}, False),
    "clips of one frame": (
        lambda: [clip(f"c{n}", n % 4, 1, "train" if n < 8 else "test", n) for n in range(12)],
        DATASET, {}, True,
    ),
    "a clip of 20,000 frames": (
        lambda: [*nano_clips(), clip("long", 0, 20_000, "train", 1), clip("long too", 1, 20_000, "test", 2)],
        DATASET, {}, True,
    ),
    "a batch larger than all clips": (nano_clips, DATASET, {"batch": 1000}, True),
    "names of any kind": (with_odd_names, with_classes("ü ö", "a b", "=1+1", "{x}"), {}, True),
}  # fmt: skip


def outcome_of(folder, clips, dataset, settings):
    """Return the scores of a training on some clips; None if a stage refuses them."""
    run = replace(nano_run(epochs=1, **settings), dataset=dataset)
    try:
        write_dataset(folder, clips(), dataset)
        store = store_of(folder, run=run)
        training = train(run, store, folder / "run")
        write_checkpoint(folder / "checkpoint.pt", run, store, training.model.eval())
        return score(run, store, folder / "checkpoint.pt")
    except (ConfigError, ContractError):
        return None


def test_edges_of_a_dataset_work_or_are_refused(tmp_path, campaign):
    for number, (name, (clips, dataset, settings, works)) in enumerate(EDGES.items()):
        folder = tmp_path / str(number)
        folder.mkdir()
        scores = outcome_of(folder, clips, dataset, settings)
        assert (scores is not None) == works, name
        if scores is not None:
            scores.save(folder / "scores.npz")
            expected = {each.name for each in clips() if each.sides["xsub"] == "test"}
            assert set(scores.clips) == expected, name
            assert scores.probabilities.sum(axis=1) == pytest.approx(1, abs=1e-5)
        campaign.count("works" if works else "refused")


def test_a_moved_folder_goes_on_where_it_is(trained_nano, tmp_path, campaign, monkeypatch, capsys):
    """Stages name files from where they are: fusing again in another place gives the same bytes."""
    home = trained_nano.table.parent.parent
    moved = tmp_path / "another place ü"
    shutil.copytree(home, moved, copy_function=shutil.copy2)
    monkeypatch.chdir(moved)
    table = trained_nano.table.relative_to(home)
    before = table.read_bytes()
    words = ["fuse", "--streams", "j", "b", "km", "--weights", "2", "1", "1", "--task", "nano_xsub",
             "--model", "protogcn", "--ensemble", "3ens", "--csv", str(table), "--markdown", "t.md",
             "--latex", "t.tex", "--record", "t.json", "--pairs", "p.csv", "--scores",
             *(str((run / "scores.npz").relative_to(home)) for run in trained_nano.runs.values())]  # fmt: skip
    assert run_here(words) == 0
    assert table.read_bytes() == before
    capsys.readouterr()
    campaign.count("same bytes")
