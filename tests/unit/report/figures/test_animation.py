from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from protogcn.errors import ContractError
from protogcn.files.clip_table import ClipTable
from protogcn.files.contracts import save_text
from protogcn.report.figures import animation as stage
from protogcn.report.figures.animation import read_clip
from tests.made.command import run_figure
from tests.made.nano import DATASET, write_run


@pytest.fixture
def arguments(data, tmp_path):
    dataset = write_run(tmp_path, DATASET)  # a resolved dataset is written as a run is
    return {
        "dataset": dataset,
        "preparation": "centred",
        "joints": data / "j.npy",
        "values": [data / "j.npy", data / "b.npy"],
        "modalities": ["j", "b"],
        "clips": data / "clips.csv",
        "clip": "clip 17",
        "animation": tmp_path / "f.gif",
        "figures": [tmp_path / "f.png", tmp_path / "f.pdf"],
        "caption": tmp_path / "f.txt",
    }


def test_animation_has_every_frame_and_they_differ(arguments, data, tmp_path, monkeypatch):
    monkeypatch.setattr(stage, "_DOTS", 30)
    assert run_figure(stage, arguments, monkeypatch) == 0
    table = ClipTable.load(data / "clips.csv")
    with Image.open(tmp_path / "f.gif") as gif:
        assert gif.n_frames == table.num_frames[17]
        assert gif.info["duration"] == 30
        first = np.asarray(gif.convert("RGB"))
        gif.seek(gif.n_frames - 1)
        assert (np.asarray(gif.convert("RGB")) != first).any()
    assert "Clip clip 17 (down) of nano" in (tmp_path / "f.txt").read_text()
    assert (tmp_path / "f.pdf").read_bytes()[:5] == b"%PDF-"


def test_long_clips_leave_frames_out_and_play_as_fast(arguments, tmp_path, monkeypatch):
    monkeypatch.setattr(stage, "_DOTS", 20)
    monkeypatch.setattr(stage, "_MOST_FRAMES", 3)
    assert run_figure(stage, arguments, monkeypatch) == 0
    with Image.open(tmp_path / "f.gif") as gif:
        assert gif.n_frames <= 3
        assert gif.info["duration"] > 30


def test_only_the_persons_of_the_clip_are_read(data):
    table = ClipTable.load(data / "clips.csv")
    joints, (bones,) = read_clip(data / "j.npy", [data / "b.npy"], table, "clip 16")
    assert joints.shape == bones.shape == (table.num_frames[16], 1, 5, 3)
    first = table.first_frames[16]
    np.testing.assert_array_equal(
        joints[:, 0], np.load(data / "j.npy")[first : first + len(joints), 0]
    )


@pytest.mark.parametrize(
    ("change", "code", "sentence"),
    [
        ({"clip": "no such"}, 2, "clip 'no such': is none of the 24 clips"),
        ({"modalities": ["j"]}, 2, "2 files and 1 modalities, expected one each"),
        ({"animation": Path("f.mp4")}, 2, "f.mp4: an animation ends in .gif"),
    ],
)
def test_a_wrong_wish_is_one_sentence(arguments, monkeypatch, capsys, change, code, sentence):
    monkeypatch.setattr(stage, "_DOTS", 20)
    assert run_figure(stage, {**arguments, **change}, monkeypatch) == code
    assert sentence in capsys.readouterr().err


def test_values_of_another_clip_table_are_refused(data, tmp_path):
    save_text(tmp_path / "clips.csv", (data / "clips.csv").read_text().replace("clip 03", "clip 3"))
    table = ClipTable.load(tmp_path / "clips.csv")
    with pytest.raises(ContractError, match=r"j\.npy: was written with another clip table"):
        read_clip(data / "j.npy", [], table, "clip 17")
