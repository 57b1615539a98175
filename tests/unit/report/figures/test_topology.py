from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from protogcn.batches.bodies import all_bodies
from protogcn.batches.sampling import scoring_frames
from protogcn.errors import ConfigError
from protogcn.models.inspection import topologies
from protogcn.models.trained import build_network, load_trained
from protogcn.report.figures import topology as stage
from protogcn.report.figures.topology import topologies_of_clip
from tests.made.command import run_figure
from tests.made.nano import SKELETON, nano_run, store_of, write_checkpoint, write_run
from tests.made.network_settings import network_settings

SIZE = {"width": 8, "blocks": 1, "downsample": []}


@pytest.fixture
def arguments(data, tmp_path):
    """A network with relations, saved as a training saves it, and one clip of two persons."""
    run = nano_run()
    config = write_run(tmp_path, run)
    torch.manual_seed(0)
    model = build_network(run)
    for block in model.blocks:
        torch.nn.init.constant_(block.spatial.alpha, 0.5)
    write_checkpoint(tmp_path / "checkpoint.pt", run, store_of(data), model)
    return {
        "config": config,
        "values": data / "j.npy",
        "clips": data / "clips.csv",
        "checkpoint": tmp_path / "checkpoint.pt",
        "clip": "clip 17",
        "table": tmp_path / "f.csv",
        "figures": [tmp_path / "f.png", tmp_path / "f.pdf"],
        "caption": tmp_path / "f.txt",
    }


def test_command_writes_a_row_for_each_pair_of_joints(arguments, tmp_path, monkeypatch):
    assert run_figure(stage, arguments, monkeypatch) == 0
    table = pd.read_csv(tmp_path / "f.csv")
    assert table.columns.tolist() == ["gives", "takes", "learned", "relations", "rebuilt"]
    assert table["gives"].tolist() == np.repeat(SKELETON.joints, 5).tolist()
    assert table["takes"].tolist() == list(SKELETON.joints) * 5
    assert (table[["learned", "relations", "rebuilt"]].std() > 0).all()
    caption = (tmp_path / "f.txt").read_text()
    assert "nano_xsub/protogcn/j makes of clip clip 17 (down; test side)" in caption
    assert (tmp_path / "f.png").stat().st_size > 1000


def test_matrices_are_means_over_the_test_crops(arguments, data):
    run, store = nano_run(), store_of(data)
    model, _ = load_trained(arguments["checkpoint"], run, store)
    row = store.table.row_of("clip 17")
    frames = scoring_frames(int(store.table.num_frames[row]), 16, 3)
    crops = store.frames[int(store.table.first_frames[row]) + torch.from_numpy(frames)]
    expected = topologies(model, all_bodies(crops.transpose(1, 2)))  # (crops, M, T, V, C)
    found = topologies_of_clip(model, store, row, run)
    for matrix, matrices in zip(found, expected, strict=True):
        torch.testing.assert_close(matrix, matrices.mean(0), atol=1e-6, rtol=1e-4)


def test_a_clip_that_is_not_there_is_one_sentence(data):
    with pytest.raises(ConfigError, match=r"clip '99': is none of the 24 clips, .* like 'clip 00'"):
        store_of(data).table.row_of("99")


def test_a_checkpoint_of_another_training_is_refused(
    arguments, data, tmp_path, monkeypatch, capsys
):
    """It once was drawn without a word: a picture of another network than its caption names."""
    other = nano_run(seed=1)
    write_checkpoint(tmp_path / "checkpoint.pt", other, store_of(data), build_network(other))
    assert run_figure(stage, arguments, monkeypatch) == 3
    assert "checkpoint.pt: is of a training with other seed" in capsys.readouterr().err
    assert not (tmp_path / "f.png").exists()


@pytest.mark.parametrize(
    ("method", "columns", "words"),
    [
        ("ctrgcn", ["learned", "relations"], "its part that follows the motion"),
        ("infogcn", ["learned", "relations"], "attention times a learned graph"),
        ("blockgcn", ["learned"], "alike for all clips"),
    ],
)
def test_other_networks_are_drawn_with_what_they_have(
    arguments, data, tmp_path, monkeypatch, method, columns, words
):
    run = replace(nano_run(), network=network_settings(method, **SIZE))
    write_run(tmp_path, run)
    torch.manual_seed(0)
    write_checkpoint(tmp_path / "checkpoint.pt", run, store_of(data, run=run), build_network(run))
    assert run_figure(stage, arguments, monkeypatch) == 0
    assert pd.read_csv(tmp_path / "f.csv").columns.tolist() == ["gives", "takes", *columns]
    assert words in (tmp_path / "f.txt").read_text()
    assert (tmp_path / "f.png").stat().st_size > 1000
